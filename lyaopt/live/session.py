"""A system on one machine: processes are started, halves measured, policies run and compared."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lyaopt.live.controller import Controller, Outcome, Plan
from lyaopt.live.decisions import Decisions
from lyaopt.live.loads import births_of, full_rates_bps
from lyaopt.live.measured_system import Seconds, check_runnable, measured_profile, seconds_of, with_measured
from lyaopt.live.networks import NetworkOptions
from lyaopt.live.processes import EDGE, START_S, ProcessDiedError, Processes
from lyaopt.model.profiles import Profile, parse_profile
from lyaopt.model.system import System
from lyaopt.simulation import Policy, Trace

_FAST_BPS = 1e9
"""Rate of the radios while halves are measured: sending takes little, but is not one burst."""
_PAUSE_S = 0.03
"""Between two tasks whose halves are measured: caches are as cold as under a low load."""


@dataclass(frozen=True)
class SessionOptions:
    """How a system is run here.

    Attributes
    ----------
    networks : tuple of NetworkOptions (S,)
        What each service runs.
    rounds : int
        Timed runs of each cut before the first run.
    drain_s : float
        Longest wait for tasks in flight at the end of a run.
    """

    networks: tuple[NetworkOptions, ...]
    rounds: int = 15
    drain_s: float = 10.0


def cores_for(devices: int) -> tuple[int | None, list[int | None]]:
    """Return a core for the edge and one for each of some `devices`, which share those that are left."""
    if not hasattr(os, "sched_getaffinity"):
        return None, [None] * devices
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None, [None] * devices
    return cores[-1], [cores[m % (len(cores) - 1)] for m in range(devices)]


class Session:
    """The processes of one system, from their start until `close`. Use it as a context manager.

    Parameters
    ----------
    system : System
        Its devices, radios, capacities and periods; its networks are replaced.
    options : SessionOptions
        Networks, and how they are measured.
    stopped : callable
        Whether the user wants to stop.

    Attributes
    ----------
    profiles : tuple of Profile (S,)
        Cuts of the networks, in the bits that cross.

    Raises
    ------
    ProblemError
        If a run cannot stand for the system, see `check_runnable`.
    ProcessDiedError
        If a process does not start, or processes have different weights.
    """

    def __init__(
        self, system: System, options: SessionOptions, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        check_runnable(system)
        self._system, self._options, self._stopped = system, options, stopped
        self._processes = Processes()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        system, networks = self._system, [asdict(each) for each in self._options.networks]
        of_device = [[networks[s] for s in system.services_of(m)] for m in range(len(system.devices))]
        edge_core, cores = cores_for(len(system.devices))
        common: dict[str, Any] = {"secret": secrets.randbits(63)}
        config = common | {"role": "edge", "networks": of_device, "core": edge_core}
        self._processes.start(EDGE, "the edge process", config)
        common["port"] = self._processes.answers([EDGE], START_S, self._stopped)[EDGE]["port"]
        for m, name in enumerate(system.device_ids):
            config = {"role": "device", "device": m, "networks": of_device[m], "core": cores[m]}
            self._processes.start(m, f"the process of {name}", common | config)
        everyone = [EDGE, *range(len(system.devices))]
        answers = self._processes.answers(everyone, START_S, self._stopped)
        self._about = answers[EDGE]
        for m, name in enumerate(system.device_ids):
            if answers[m]["digests"] != self._about["digests"][m]:
                reason = "has other weights than the edge: make the network the same in each process"
                raise ProcessDiedError(f"the process of {name}", reason)
        self.profiles: tuple[Profile, ...] = tuple(
            parse_profile(text) for row in self._about["profiles"] for text in row
        )

    @property
    def unequal_cuts(self) -> dict[str, list[int]]:
        """By network: cuts at which head then tail do not give the bits of the whole, though nearly."""
        return {name: cuts for name, cuts in self._about["unequal"].items() if cuts}

    @property
    def pids(self) -> dict[int, int]:
        """Numbers of the processes, by device; that of the edge is `EDGE`."""
        return {number: process.pid for number, process in self._processes.all.items()}

    def measure(self) -> tuple[System, list[Seconds]]:
        """Run every cut some times, one task after the other, and return the system with what they took.

        Returns
        -------
        system : System
            With measured profiles.
        seconds : list of Seconds (S,)
            Of the halves of each service.
        """
        births, end_s = self._births_of_all_cuts()
        devices = len(self._system.devices)
        fast = np.full((1, devices), _FAST_BPS)
        plan = Plan(births, fast, np.ones((1, devices)), 1.0, end_s, self._options.drain_s)
        unknown = [[1.0] * len(profile.cuts) for profile in self.profiles]
        outcome = Controller(self._processes, self._system, unknown, unknown, self._stopped).run(plan, None)
        if outcome.failure is not None:
            raise outcome.failure
        if self._stopped() or outcome.log.in_flight:
            raise ProcessDiedError("the measurement", "was ended before all cuts had been run")
        found, profiles = [], []
        for s, profile in enumerate(self.profiles):
            m = int(self._system.device_of_service[s])
            n = s - self._system.services_of(m).start
            found.append(seconds_of(outcome.log, m, n, len(profile.cuts)))
            speeds = float(self._system.cpu_capacity_hz[m]), self._system.edge_capacity_hz
            profiles.append(measured_profile(profile, found[-1], *speeds))
        return with_measured(self._system, profiles), found

    def _births_of_all_cuts(self) -> tuple[list[list[tuple[float, int, int | None]]], float]:
        """Tasks of every cut, in another order each round, so far apart that none waits."""
        births: list[list[tuple[float, int, int | None]]] = [[] for _ in self._system.devices]
        draws, at = np.random.default_rng(0), _PAUSE_S
        for _ in range(self._options.rounds):
            for s, profile in enumerate(self.profiles):
                m = int(self._system.device_of_service[s])
                n = s - self._system.services_of(m).start
                for cut in draws.permutation(len(profile.cuts)).tolist():
                    births[m].append((at, n, int(cut)))
                    sending = profile.cuts[cut].bits / _FAST_BPS
                    at += 2.5 * (self._whole_s[s] + sending) + _PAUSE_S
        return births, at

    @property
    def _whole_s(self) -> list[float]:
        return [seconds for row in self._about["whole_s"] for seconds in row]

    def run(
        self,
        measured: tuple[System, Sequence[Seconds]],
        policy: Policy,
        trace: Trace,
        seconds: float,
        seed: int = 0,
    ) -> Outcome:
        """Run a policy on the arrivals and rates of a trace.

        Parameters
        ----------
        measured : (System, list of Seconds)
            As `measure` returns them.
        policy : Policy
            Chooses the cuts.
        trace : Trace
            Of the system.
        seconds : float
            In which tasks are born.
        seed : int
            For policies that draw random numbers.
        """
        system, halves = measured
        rates = full_rates_bps(self._system, trace.channel_gain)
        births = births_of(self._system, trace.arrivals, seconds)
        slot_s = self._system.slot_duration_s
        plan = Plan(births, rates, np.asarray(trace.channel_gain), slot_s, seconds, self._options.drain_s)
        times = [each.head_s for each in halves], [each.tail_s for each in halves]
        controller = Controller(self._processes, system, *times, self._stopped)
        return controller.run(plan, Decisions(policy, system, seed))

    def close(self) -> None:
        """Stop all processes."""
        self._processes.__exit__(None, None, None)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
