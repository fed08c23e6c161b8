"""Allocation rules, in Python and compiled, that tests share."""

from __future__ import annotations

import numpy as np

import lyaopt
from lyaopt.kernels import head_age_slots, head_work
from tests.simulation.scenarios import Workload


def backlogs(seen):
    return tuple(seen.backlog)


@lyaopt.allocation_rule
def backlogs_compiled(view, weights):
    weights[:] = view.backlog


class Everything:
    """Reads all that an observation has, and keeps a number for each queue from slot to slot."""

    name = "everything"

    def __call__(self, seen):
        if seen.slot == 0:
            self.kept = np.zeros(seen.backlog.shape)
        device = seen.system.device_of_service
        served = seen.last_rates * seen.system.slot_duration_s
        self.kept = 0.5 * self.kept + served
        used = 1e-9 * seen.last_cpu_hz + seen.last_power_w + 1e10 * seen.channel_gain
        left = np.where(seen.waiting > 0, seen.head_left, 0.0)
        older = 1.0 + seen.waiting + seen.head_age_slots + seen.slot % 3
        total = seen.backlog * older + self.kept + 0.25 * seen.head_work + 0.5 * left
        return tuple(total * (1.0 + used[device]))


@lyaopt.allocation_rule(memory=1)
def everything_compiled(view, weights):
    stages, rows, lanes = weights.shape
    for stage in range(stages):
        for n in range(rows):
            for lane in range(lanes):
                at = stage, n, lane
                view.memory[0, stage, n, lane] *= 0.5
                view.memory[0, stage, n, lane] += view.last_rates[at] * view.tau
                kept = view.memory[0, stage, n, lane]
                used = (
                    1e-9 * view.last_cpu_hz[lane] + view.last_power_w[lane] + 1e10 * view.channel_gain[lane]
                )
                left = view.head_left[at] if view.waiting[at] > 0 else 0.0
                older = 1.0 + view.waiting[at] + head_age_slots(view, stage, n, lane) + view.slot % 3
                work = 0.25 * head_work(view, stage, n, lane)
                total = view.backlog[at] * older + kept + work + 0.5 * left
                weights[at] = total * (1.0 + used)


class Recorded:
    """Random weights, some of them zero or equal, which are kept."""

    name = "recorded"

    def __init__(self, workload: Workload, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.weights: list[np.ndarray] = []

    def __call__(self, seen):
        some = self.rng.exponential(size=seen.backlog.shape) * np.maximum(seen.backlog, 1e5)
        some *= self.rng.choice([0.0, 1.0, 1.0, 1e-3], size=some.shape)
        some[self.rng.random(some.shape) < 0.2] = 3e6
        self.weights.append(some[..., 0])
        return tuple(some)
