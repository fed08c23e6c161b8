"""Statements of docs/explanation/errata.md on the literal text of the paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import energy_bound
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import all_local, middle
from lyaopt.simulation import Trace, simulate
from tests.support import naive

TAU = 0.01


def theorem_1(queue: np.ndarray, capacity: float, caps: np.ndarray) -> np.ndarray:
    """(24): K is the last whose sum of caps is below F^e; those before it are full, it gets the rest."""
    order = np.argsort(-queue, kind="stable")
    reached = np.cumsum(caps[order])
    last = int(np.searchsorted(reached, capacity)) - 1  # K, counted from 0; -1 if the first does not fit
    given = np.zeros_like(queue)
    if last >= 0:
        given[order[:last]] = queue[order[:last]] / TAU
        given[order[last]] = capacity - reached[last]
    return given


@pytest.mark.parametrize("cap", [TAU, 1 / TAU], ids=["as-printed", "with-caps-corrected"])
def test_theorem_1_is_never_optimal(cap):
    rng = np.random.default_rng(1)
    for _ in range(2000):
        queue = rng.lognormal(17.0, 1.0, 8)
        capacity = rng.uniform(0.1, 0.9) * queue.sum() / TAU
        best = np.array(naive.edge(queue, capacity, TAU))
        printed = theorem_1(queue, capacity, cap * queue)
        feasible = printed.sum() <= capacity * (1 + 1e-9) and (printed <= queue / TAU * (1 + 1e-9)).all()
        assert not (feasible and printed @ queue >= best @ queue * (1 - 1e-9))


def one_task(cycles: float) -> tuple[System, Trace]:
    """One device that computes everything, one task, at 1 GHz."""
    service = Service("alexnet", arrival_rate_per_s=0.0)
    system = System((Device(200.0, (service,), cpu_capacity_hz=1e9),), energy_weight_local=0.0)
    system = replace(system, cycles_per_mac=cycles / service.profile.total_macs)
    return system, Trace(np.eye(40, 1, dtype=np.int64), np.full((40, 1), 1e-10))


def test_backlog_added_in_every_slot_never_ends():
    """(7) with (10): a task that takes three slots is added anew in each slot in which it waits."""
    system, trace = one_task(cycles=3e7)
    record = simulate(system, all_local(system), slots=40, trace=trace, record=True).record
    backlog = 0.0
    for _ in range(40):  # a^l stays 1, as the task is not done while any backlog is left
        backlog = max(backlog - 1e7 + 3e7, 0.0)
    assert backlog > 25 * 3e7
    np.testing.assert_allclose(record.local_queue_cycles[:5, 0], [0.0, 3e7, 2e7, 1e7, 0.0], atol=1e-3)
    assert record.completed.sum() == 1


@pytest.mark.parametrize(("tasks_per_s", "stable"), [(0.2, True), (0.2 / TAU, False)])
def test_a_fifth_of_a_task_per_slot_overloads_every_policy(tasks_per_s, stable):
    system = load_scenario("default")
    devices = [
        replace(d, services=[replace(s, arrival_rate_per_s=tasks_per_s) for s in d.services])
        for d in system.devices
    ]
    assert np.isfinite(energy_bound(replace(system, devices=devices)).energy_j) == stable


def test_the_papers_weights_do_not_bind_in_si_units():
    """They bind only below about one cycle or bit of backlog, which hardly occurs."""
    paper, balanced = (
        simulate(system, middle(system), slots=20_000, replications=4, seed=1)
        for system in map(load_scenario, ("paper", "balanced"))
    )
    assert paper.limited_share < 1e-3
    assert balanced.limited_share > 0.1 * balanced.busy_share
