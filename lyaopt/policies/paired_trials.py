"""Candidates of a search tried side by side, all on the same random numbers, within a budget of slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed
from lyaopt.simulation import Policy, Result, Simulator, Trace, slot_costs, waiting_tasks

_PURPOSE = 0x6669786564  # "fixed": seeds of searches are not those of runs
_GROWTH = 0.02
"""Share of the tasks of half a run by which the backlog may be larger in the second half."""

Progress = Callable[[int, int], bool | None]


def search_seed(seed: int, *purpose: int) -> int:
    """The seed of the trials of a search: another than that of the runs which compare what it found."""
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ProblemError("$.seed", f"expected a whole number from 0 to {2**64 - 1}, got {seed!r}")
    return int(np.random.SeedSequence([seed, *(purpose or (_PURPOSE,))]).generate_state(1, np.uint64)[0])


@dataclass(frozen=True, eq=False)
class Outcome:
    """What C candidates came to, in R replications each, on M devices.

    Attributes
    ----------
    costs, growth : ndarray (M, C, R)
        Mean cost of a slot (34), and by how many tasks the mean backlog of the second half was larger.
    allowed_growth : ndarray (M,)
    """

    costs: Floats
    growth: Floats
    allowed_growth: Floats

    def total(self) -> Outcome:
        """Of all devices together, as one."""
        return Outcome(*(values.sum(axis=0, keepdims=True) for values in self._values()))

    def _values(self) -> tuple[Floats, Floats, Floats]:
        return self.costs, self.growth, self.allowed_growth

    def better(self, device: int, incumbent: int) -> int:
        """The best candidate for a device; the incumbent unless its paired gain exceeds its standard error.

        Candidates whose backlog grows through the run are refused while there are others.
        """
        stable = self.stable(device)
        cost = self.costs[device].mean(axis=1)
        best = int(np.where(stable | ~stable.any(), cost, np.inf).argmin())
        if stable[best] and not stable[incumbent]:
            return best
        gain = self.costs[device, incumbent] - self.costs[device, best]
        return best if gain.mean() > standard_error(gain) else incumbent

    def stable(self, device: int) -> np.ndarray:
        """Which candidates' backlog does not grow through the run (C,)."""
        growth = self.growth[device]
        sure = 3.0 * standard_error(growth)
        return np.asarray(growth.mean(axis=1) <= np.maximum(self.allowed_growth[device], sure))


def standard_error(values: Floats) -> Floats:
    """Standard error of the mean over the last axis; zero for one value."""
    count = values.shape[-1]
    return np.asarray(values.std(axis=-1, ddof=min(1, count - 1)) / np.sqrt(count))


@dataclass
class Trials:
    """Simulations of one search.

    Attributes
    ----------
    system : System
    seed : int
        Of arrivals and channels; not used with traces.
    slots, replications, budget : int
        A trial of C candidates takes C R slots of this many, of which the first tenth is warm-up.
    traces : sequence of Trace
        Replayed in place of drawn arrivals and channels, one a replication.
    progress : callable, optional
        Called before each trial with the slots simulated so far and the budget; False ends the search.
    used : int
        Slots simulated so far.
    """

    system: System
    seed: int
    slots: int
    replications: int
    budget: int
    traces: Sequence[Trace] = ()
    progress: Progress | None = None
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for name in ("slots", "replications", "budget"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ProblemError(f"$.{name}", f"expected a whole number >= 1, got {value!r}")
        if self.traces:
            self.replications = len(self.traces)
            self.slots = min(trace.slots for trace in self.traces)
        if self.slots < 4:
            raise ProblemError("$.slots", f"expected at least 4 slots of a trial, got {self.slots}")

    @property
    def warmup(self) -> int:
        """Slots of each run that are not measured."""
        return self.slots - 2 * self._half

    @property
    def _half(self) -> int:
        return max(1, (self.slots - self.slots // 10) // 2)

    def price(self, candidates: int) -> int:
        """Slots that a trial of so many candidates takes."""
        return candidates * self.replications * self.slots

    def run(self, points: Integers) -> Outcome | None:
        """Try fixed points (S, C); None if the budget does not allow it, or it was called off."""

        def make(replications: int) -> Policy:
            return Fixed(np.repeat(points, replications, axis=1), "best-fixed")

        return self.run_policy(make, points.shape[1])

    def run_policy(self, make: Callable[[int], Policy], candidates: int) -> Outcome | None:
        """Try candidates; None if the budget does not allow it, or it was called off.

        Parameters
        ----------
        make : callable
            Of the number of replications R, the policy of C R systems: system i has candidate i // R.
        candidates : int
            C.
        """
        price = self.price(candidates)
        stopped = self.progress is not None and self.progress(self.used, self.budget) is False
        if stopped or self.used + price > self.budget:
            return None
        self.used += price
        if self.traces:
            parts = [self._simulate(make(1), candidates, 1, trace) for trace in self.traces]
            costs, growth = (np.concatenate(values, axis=-1) for values in zip(*parts, strict=True))
        else:
            costs, growth = self._simulate(make(self.replications), candidates, self.replications, None)
        return Outcome(costs, growth, _GROWTH * self._tasks_in_half())

    def _simulate(
        self, policy: Policy, candidates: int, replications: int, trace: Trace | None
    ) -> tuple[Floats, Floats]:
        """Costs and growth, each (M, C, replications)."""
        copies = candidates * replications
        simulator = Simulator(
            self.system,
            policy,
            replications=copies,
            seed=self.seed,
            trace=trace,
            distinct_streams=replications,
        )
        simulator.run(self._half, self.warmup)
        first = simulator.result().queues
        simulator.run(self._half)
        whole = simulator.result()
        shape = (-1, candidates, replications)
        growth = self._by_device(waiting_tasks(self.system, 2.0 * (whole.queues - first)).sum(axis=0))
        return _costs(self.system, whole).reshape(shape), growth.reshape(shape)

    def _by_device(self, values: Floats) -> Floats:
        """Sums over each device's services, (S, ...) to (M, ...)."""
        sums = np.zeros((len(self.system.devices), *values.shape[1:]))
        np.add.at(sums, self.system.device_of_service, values)
        return sums

    def _tasks_in_half(self) -> Floats:
        return self._by_device(self.system.arrival_rate_per_s) * self.system.slot_duration_s * self._half


def _costs(system: System, result: Result) -> Floats:
    return slot_costs(system, result.local_energy_j + result.transmit_energy_j, result.queues)
