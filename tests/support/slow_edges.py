"""The slow simulator with several edge servers: each device sends to one of them in a period."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import numpy as np

from lyaopt.model.system import System
from tests.support import naive
from tests.support.slow_simulator import Run, Slot, SlowSimulator, Task, serve


class SlowEdgesSimulator(SlowSimulator):
    """Queues of the third stage are those of services at server 0, then at server 1, and so on."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.count = len(system.services)
        self.queues[2] = [deque() for _ in range(len(system.edges) * self.count)]
        self.attached: list[int] = []

    def simulate_over(self, arrivals, link_gain, partition, edges) -> Run:
        """Gains are (T, E, M), edges (P, M)."""
        for ts in range(len(arrivals)):
            period = ts // self.system.slots_per_period
            self.attached = list(edges[period])
            self.joined = [[Fraction(0)] * len(queues) for queues in self.queues]
            gain = [link_gain[ts, e, m] for m, e in enumerate(self.attached)]
            backlog = self.backlog()
            served, power = self.allocate(backlog, gain)
            done = [
                task
                for stage in (2, 1, 0)
                for queue, work in zip(self.queues[stage], served[stage], strict=True)
                for task in serve(queue, work)
            ]
            for task in done:
                self.move_on(task, ts)
            for s, count in enumerate(arrivals[ts]):
                for _ in range(count):
                    work = tuple(Fraction(float(table[s, partition[period][s]])) for table in self.tables)
                    self.run.tasks.append(Task(s, ts, work))
                    self.move_on(self.run.tasks[-1], ts)
            self.run.slots.append(Slot(backlog, served, self.joined, power, *self.energies(served, power)))
        self.run.backlog = self.backlog()
        return self.run

    def allocate(self, backlog, gain) -> tuple[list[list[Fraction]], list[float]]:
        tau = Fraction(self.system.slot_duration_s)
        (local, rates, _), power = super().allocate([*backlog[:2], backlog[2][: self.count]], gain)
        at_edges: list[Fraction] = []
        for e, edge in enumerate(self.system.edges):
            mine = backlog[2][e * self.count : (e + 1) * self.count]
            at_edges += [Fraction(f) * tau for f in naive.edge(mine, Fraction(edge.capacity_hz), tau)]
        return [local, rates, at_edges], power

    def move_on(self, task: Task, ts: int) -> None:
        e = self.attached[self.system.device_of_service[task.service]]
        for stage in range(task.stage + 1, 3):
            if task.work[stage] > 0:
                task.stage, task.left = stage, task.work[stage]
                place = task.service + (e * self.count if stage == 2 else 0)
                self.queues[stage][place].append(task)
                self.joined[stage][place] += task.work[stage]
                return
        task.completed = ts

    def at_edges(self, name: str) -> np.ndarray:
        """`backlog` or `served` of the servers (T, E, S)."""
        rows = [[float(x) for x in getattr(slot, name)[2]] for slot in self.run.slots]
        return np.array(rows).reshape(len(rows), len(self.system.edges), self.count)
