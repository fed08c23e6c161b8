"""A simulated device: tasks arrive, and are served as the controller last decided.

    python device.py FOLDER NUMBER SCENARIO SEED

Every 10 ms it tells the controller its queues and channel gain. It runs on by itself while the controller is
silent: by the last decision, or not at all before the first one.
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path

import numpy as np
from clock import Periods
from messages import STAGES, Decision, Floats, Mailbox, state_message

import lyaopt

DEPARTED = STAGES
NOTHING = 1e-6  # of a cycle or bit, which rounding leaves


class Device:
    """The queues of one device, and what it does in a period.

    Parameters
    ----------
    system : lyaopt.System
        The scenario.
    number : int
        Of the device.
    seed : int
        Of arrivals and fading.
    """

    def __init__(self, system: lyaopt.System, number: int, seed: int) -> None:
        self._rng = np.random.default_rng([seed, number])
        self._tau = system.slot_duration_s
        chosen = list(system.services_of(number))
        self._amounts = np.stack([system.local_cycles, system.transmit_bits, system.edge_cycles])[:, chosen]
        self._arrivals = system.arrival_rate_per_s[chosen] * self._tau
        self._mean_gain = float(system.mean_channel_gain()[number])
        self.services = len(chosen)
        # of each queue its tasks: amounts that are left in each stage, those of later stages whole
        self._queues = [[deque() for _ in chosen] for _ in range(STAGES)]
        self.decision = Decision(-1, np.zeros((STAGES, self.services)), np.zeros(self.services, np.int64))
        self.finished = 0

    def step(self) -> tuple[float, Floats]:
        """Serve for a period, let tasks arrive; return the gain and the queues of `state_message`."""
        for stage in reversed(range(STAGES)):
            for n in range(self.services):
                self._serve(stage, n)
        for n, count in enumerate(self._rng.poisson(self._arrivals)):
            for _ in range(count):
                self._enter(0, n, list(self._amounts[:, n, self.decision.points[n]]))
        gain = self._mean_gain * self._rng.exponential()
        return gain, self._state()

    def _serve(self, stage: int, n: int) -> None:
        left = self.decision.rates[stage, n] * self._tau
        queue = self._queues[stage][n]
        while queue and left > 0.0:
            task = queue[0]
            served = min(left, task[stage])
            left -= served
            task[stage] -= served
            if task[stage] <= NOTHING:
                self._enter(stage + 1, n, queue.popleft())

    def _enter(self, stage: int, n: int, task: list[float]) -> None:
        """Put a task into the first queue from a stage on where it has something to do."""
        while stage < DEPARTED and task[stage] <= NOTHING:
            stage += 1
        if stage < DEPARTED:
            self._queues[stage][n].append(task)
        else:
            self.finished += 1

    def _state(self) -> Floats:
        state = np.zeros((3, STAGES, self.services))
        for stage, row in enumerate(self._queues):
            for n, queue in enumerate(row):
                backlog = sum(task[stage] for task in queue)
                state[:, stage, n] = backlog, len(queue), queue[0][stage] if queue else 1.0
        return state


def main(folder: Path, number: int, scenario: str, seed: int) -> None:
    """Run until the process is ended."""
    device = Device(lyaopt.load_scenario(scenario), number, seed)
    mailbox = Mailbox(folder / f"device-{number}.sock")
    periods = Periods()
    while True:
        periods.next()
        for message in mailbox.received()[-1:]:
            device.decision = Decision.of(message, device.services)
        gain, queues = device.step()
        mailbox.send(folder / "controller.sock", state_message(number, periods.number, gain, queues))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
