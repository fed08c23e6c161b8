"""A slow, simple simulator: every task is an object in a deque, and all amounts are exact fractions.

Written from the statement of the system alone. Only square roots and logarithms, that is how much work is
worth its energy, are rounded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from lyaopt.model.system import System
from tests.support import naive

STAGES = ("local", "transmit", "edge")


@dataclass
class Task:
    service: int
    born: int
    work: tuple[Fraction, ...]
    """Amount of each stage at the arrival."""
    stage: int = -1
    left: Fraction = Fraction(0)
    """Remaining amount at the present stage."""
    completed: int | None = None


@dataclass
class Slot:
    """Quantities of one slot: services (S,), devices (M,)."""

    backlog: list[list[Fraction]]
    served: list[list[Fraction]]
    joined: list[list[Fraction]]
    power_w: list[float]
    local_energy_j: list[float]
    transmit_energy_j: list[float]


@dataclass
class Run:
    slots: list[Slot] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    backlog: list[list[Fraction]] = field(default_factory=list)
    """After the last slot."""

    def work(self, name: str) -> np.ndarray:
        """`backlog`, `served` or `joined` (3, T, S), as floats."""
        rows = [getattr(slot, name) for slot in self.slots]
        return np.array([[[float(x) for x in row[stage]] for row in rows] for stage in range(3)])

    def devices(self, name: str) -> np.ndarray:
        """`power_w` or an energy (T, M)."""
        return np.array([getattr(slot, name) for slot in self.slots])

    def latencies(self, service: int) -> dict[int, list[int]]:
        """Latencies, in slots, of the tasks that a service completed in each slot."""
        found: dict[int, list[int]] = {}
        for task in self.tasks:
            if task.service == service and task.completed is not None:
                found.setdefault(task.completed, []).append(task.completed - task.born)
        return {slot: sorted(latencies) for slot, latencies in sorted(found.items())}


class SlowSimulator:
    def __init__(self, system: System) -> None:
        self.system = system
        self.queues = [[deque() for _ in system.services] for _ in STAGES]
        self.tables = (system.local_cycles, system.transmit_bits, system.edge_cycles)
        self.run = Run()
        self.joined: list[list[Fraction]] = []

    def simulate(self, arrivals, channel_gain, partition, sizes=None) -> Run:
        """Simulate; `sizes` (ts, s, count) returns the sizes of the new tasks, 1 by default."""
        for ts in range(len(arrivals)):
            # Step 1: the points of the period are in force.
            points = partition[ts // self.system.slots_per_period]
            self.joined = [[Fraction(0)] * len(self.system.services) for _ in STAGES]
            # Step 2: backlogs and channels are observed, the slot problems solved.
            backlog = self.backlog()
            served, power = self.allocate(backlog, channel_gain[ts])
            # Step 3: every queue serves its tasks in order; energy is added.
            done = [
                task
                for stage in reversed(range(len(STAGES)))
                for s in range(len(self.system.services))
                for task in serve(self.queues[stage][s], served[stage][s])
            ]
            # Step 4: finished tasks join their next queues; later stages first.
            for task in done:
                self.move_on(task, ts)
            # Step 5: the new tasks join.
            for s, count in enumerate(arrivals[ts]):
                for size in [1.0] * count if sizes is None else sizes(ts, s, count):
                    work = tuple(Fraction(float(table[s, points[s]]) * size) for table in self.tables)
                    task = Task(s, ts, work)
                    self.run.tasks.append(task)
                    self.move_on(task, ts)
            self.run.slots.append(Slot(backlog, served, self.joined, power, *self.energies(served, power)))
        self.run.backlog = self.backlog()
        return self.run

    def backlog(self) -> list[list[Fraction]]:
        return [[sum((task.left for task in q), Fraction(0)) for q in queues] for queues in self.queues]

    def allocate(self, backlog, gain) -> tuple[list[list[Fraction]], list[float]]:
        system, tau = self.system, Fraction(self.system.slot_duration_s)
        local, rate, power = [], [], []
        for m in range(len(system.devices)):
            services = system.services_of(m)
            local += naive.local(
                [backlog[0][s] for s in services],
                Fraction(float(system.cpu_capacity_hz[m])),
                tau,
                system.energy_weight_local,
                system.energy_coefficient,
            )
            rates, p = naive.transmit(
                [backlog[1][s] for s in services],
                float(gain[m]),
                float(system.device_bandwidth_hz[m]),
                float(system.max_power_w[m]),
                tau,
                system.energy_weight_transmit,
                system.noise_w_per_hz,
            )
            rate += rates
            power.append(float(p))
        edge = naive.edge(backlog[2], Fraction(system.edge_capacity_hz), tau)
        return [[Fraction(f) * tau for f in rates] for rates in (local, rate, edge)], power

    def energies(self, served, power) -> tuple[list[float], list[float]]:
        system, tau = self.system, self.system.slot_duration_s
        speed = [
            float(sum((served[0][s] for s in system.services_of(m)), Fraction(0))) / tau
            for m in range(len(system.devices))
        ]
        return [tau * system.energy_coefficient * f**3 for f in speed], [tau * p for p in power]

    def move_on(self, task: Task, ts: int) -> None:
        """Move to the next stage with any work, or complete."""
        for stage in range(task.stage + 1, len(STAGES)):
            if task.work[stage] > 0:
                task.stage, task.left = stage, task.work[stage]
                self.queues[stage][task.service].append(task)
                self.joined[stage][task.service] += task.work[stage]
                return
        task.completed = ts


def serve(queue: deque, work: Fraction) -> list[Task]:
    """Serve tasks in order; those that are done leave."""
    done = []
    while queue and queue[0].left <= work:
        task = queue.popleft()
        work -= task.left
        done.append(task)
    if queue:
        queue[0].left -= work
    return done
