"""Decisions of a period: weights and partition points by prices, the slot by the server or by ourselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from messages import STAGES, Floats
from numpy.typing import NDArray

import lyaopt
from lyaopt.policies import price_rule
from lyaopt.serve import DeadlineError, PeerGoneError, PeerTimeoutError, connect

BY_SERVER, BY_OURSELVES = "server", "own"
_RETRY_S = 0.25
_GREETING_S = 0.003  # the most that a connection may take of a period


class Seen(NamedTuple):
    """The state of all devices at the begin of a period, as it was decided on: (3, M, N), and (M,) gains."""

    backlog: Floats
    waiting: NDArray[np.int64]
    head_left: Floats
    gain: Floats


def nothing_seen(devices: int, services: int) -> Seen:
    """A state in which nothing waits, and no device can be heard."""
    shape = (STAGES, devices, services)
    return Seen(np.zeros(shape), np.zeros(shape, np.int64), np.ones(shape), np.zeros(devices))


class Decided(NamedTuple):
    """Rates (3, M, N), partition points (M, N), and who solved the slot."""

    rates: Floats
    points: NDArray[np.int64]
    by: str


class Decider:
    """Decides by prices; the server solves the slot, or this process if the server does not answer.

    Parameters
    ----------
    scenario : str
        Name or path.
    server : Path
        Of its socket.
    waiting_cost : float
        What it costs that a task waits for a second, in J.
    """

    def __init__(self, scenario: str, server: Path, waiting_cost: float = 0.02) -> None:
        self.system = lyaopt.load_scenario(scenario)
        self.rule = price_rule(self.system, waiting_cost, rounds=0)
        self.devices = len(self.system.devices)
        self.services = len(self.system.devices[0].services)
        self._server, self._client = server, None
        self._next_try = 0.0
        self.connections = 0

    def decide(self, seen: Seen, limit_s: float) -> Decided:
        """Decide within a time, half of which the server has: the rest is to solve the slot here."""
        state = [array.reshape(STAGES, -1) for array in seen[:3]]
        weights = self.rule.weights(self.system, *state)
        points = self.rule.points(self.system, *state).reshape(self.devices, self.services)
        shape = (self.devices, self.services)
        slot = dict(zip(QUEUES, seen.backlog, strict=True)) | {"channel_gain": seen.gain}
        slot |= {name: weight.reshape(shape) for name, weight in zip(WEIGHTS, weights, strict=True)}
        solution, by = self._asked(slot, limit_s / 2), BY_SERVER
        if solution is None:
            solution, by = lyaopt.solve_slot(problem_of(self.system, **slot)), BY_OURSELVES
        return Decided(np.stack([solution.local_cpu_hz, solution.rate_bps, solution.edge_cpu_hz]), points, by)

    def _asked(self, slot: dict[str, Floats], limit_s: float) -> lyaopt.SlotSolution | None:
        if self._client is None or limit_s <= 0.0:
            return None
        try:
            return self._client.solve(**slot, deadline_s=limit_s, timeout_s=limit_s)
        except (DeadlineError, PeerTimeoutError):
            return None  # late: the session goes on
        except PeerGoneError:
            self.leave()
            return None

    def reconnect(self, left_s: float) -> None:
        """Look for the server where there is none, in what is left of a period; configure it anew."""
        now = time.monotonic()
        if self._client is not None or now < self._next_try or left_s < 2 * _GREETING_S:
            return
        self._next_try = now + _RETRY_S
        client = None
        try:
            client = connect(self._server, timeout_s=_GREETING_S)
            nothing = nothing_seen(self.devices, self.services)
            slot = dict(zip(QUEUES, nothing.backlog, strict=True)) | {"channel_gain": nothing.gain}
            client.configure(problem_of(self.system, **slot))
        except (PeerGoneError, PeerTimeoutError):
            if client is not None:
                client.close()
            return
        self._client = client
        self.connections += 1

    def leave(self) -> None:
        """Forget a server that is gone."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def connected(self) -> bool:
        """Whether there is a server."""
        return self._client is not None


QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
WEIGHTS = ("local_weight", "transmit_weight", "edge_weight")


def problem_of(system: lyaopt.System, **slot: Floats) -> lyaopt.SlotProblem:
    """The slot of a system; weights of energy are 1, as prices take them."""
    return lyaopt.SlotProblem(
        slot_duration_s=system.slot_duration_s,
        energy_coefficient=system.energy_coefficient,
        energy_weight_local=1.0,
        energy_weight_transmit=1.0,
        edge_capacity_hz=system.edge_capacity_hz,
        cpu_capacity_hz=system.cpu_capacity_hz,
        max_power_w=system.max_power_w,
        bandwidth_hz=system.device_bandwidth_hz,
        noise_psd_dbm_per_hz=system.noise_psd_dbm_per_hz,
        **slot,
    )
