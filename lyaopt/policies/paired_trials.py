"""Trials of search candidates: simulated side by side on common random numbers, within a budget of slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed
from lyaopt.simulation import Policy, Result, Simulator, Trace, slot_costs, waiting_tasks
from lyaopt.simulation.costs import task_costs

_PURPOSE = 0x6669786564  # "fixed": keeps the seeds of searches apart from those of runs
_GROWTH = 0.02
"""Allowed growth of the backlog between the halves of a run, in shares of the arrivals of a half."""

Progress = Callable[[int, int], bool | None]


def search_seed(seed: int, *purpose: int) -> int:
    """Derive the seed of the trials of a search, so that they share no random numbers with runs of `seed`.

    Parameters
    ----------
    seed : int
        From 0 to 2^64 - 1.
    *purpose : int
        Numbers that distinguish the streams of one search.

    Returns
    -------
    int

    Raises
    ------
    ProblemError
        If `seed` is out of range.
    """
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ProblemError("$.seed", f"expected a whole number from 0 to {2**64 - 1}, got {seed!r}")
    return int(np.random.SeedSequence([seed, *(purpose or (_PURPOSE,))]).generate_state(1, np.uint64)[0])


@dataclass(frozen=True)
class SearchOptions:
    """Options that all searched policies take; `Trials` checks them.

    Attributes
    ----------
    seed : int
        Seed of the search. A run of the same seed draws other arrivals and channels.
    budget : int
        Largest number of slots to simulate, summed over candidates and replications.
    slots, replications : int
        Slots of the trial of one candidate, and its replications. The first tenth of the slots is warm-up.
    traces : sequence of Trace
        Recorded traffic to search on, one trace for each replication; overrides `slots` and `replications`.
        On a single trace a growing backlog excludes no candidate.
    progress : callable, optional
        Called before each trial with the slots simulated so far and the budget; False stops the search.
    workers : int
        Threads that share each trial, as of `lyaopt.simulate`; the search finds the same.
    """

    seed: int = 0
    budget: int = 200_000_000
    slots: int = 20_000
    replications: int = 8
    traces: Sequence[Trace] = ()
    progress: Progress | None = None
    workers: int = 1

    def trials(self, system: System, *purpose: int) -> Trials:
        """Start trials of these options.

        Parameters
        ----------
        system : System
            To be simulated.
        *purpose : int
            As in `search_seed`.

        Returns
        -------
        Trials

        Raises
        ------
        ProblemError
            If an option is wrong.
        """
        seed = search_seed(self.seed, *purpose)
        numbers = self.slots, self.replications, self.budget
        return Trials(system, seed, *numbers, self.traces, self.progress, workers=self.workers)


DEFAULT_SEARCH = SearchOptions()


@dataclass(frozen=True, eq=False)
class Outcome:
    """Costs and backlog growth of C candidates on M devices, in R replications each.

    Attributes
    ----------
    costs : ndarray (M, C, R)
        Mean cost of a slot: (34), or of energy and tasks.
    growth : ndarray (M, C, R)
        Increase of the mean backlog from the first half of the run to the second, in tasks.
    allowed_growth : ndarray (M,)
        Largest growth of a stable backlog, in tasks.
    """

    costs: Floats
    growth: Floats
    allowed_growth: Floats

    def total(self) -> Outcome:
        """Sum over the devices, with M = 1."""
        return Outcome(*(values.sum(axis=0, keepdims=True) for values in self._values()))

    def _values(self) -> tuple[Floats, Floats, Floats]:
        return self.costs, self.growth, self.allowed_growth

    def better(self, device: int, incumbent: int) -> int:
        """Choose a candidate for a device.

        The incumbent stays unless the paired gain of the best candidate exceeds its standard error.
        Candidates with a growing backlog are excluded while others remain.

        Parameters
        ----------
        device, incumbent : int
            Indices of the device and of the present candidate.

        Returns
        -------
        int
            Index of the chosen candidate.
        """
        stable = self.stable(device)
        cost = self.costs[device].mean(axis=1)
        best = int(np.where(stable | ~stable.any(), cost, np.inf).argmin())
        if stable[best] and not stable[incumbent]:
            return best
        gain = self.costs[device, incumbent] - self.costs[device, best]
        return best if gain.mean() > standard_error(gain) else incumbent

    def stable(self, device: int) -> np.ndarray:
        """Tell which candidates keep the backlog of a device from growing.

        Parameters
        ----------
        device : int
            Index m.

        Returns
        -------
        ndarray (C,) of bool
        """
        growth = self.growth[device]
        noise = 3.0 * standard_error(growth)
        return np.asarray(growth.mean(axis=1) <= np.maximum(self.allowed_growth[device], noise))


def standard_error(values: Floats) -> Floats:
    """Compute the standard error of the mean over the last axis.

    Parameters
    ----------
    values : ndarray (..., R)
        R samples along the last axis.

    Returns
    -------
    ndarray (...)
        Zero for R = 1.
    """
    count = values.shape[-1]
    return np.asarray(values.std(axis=-1, ddof=min(1, count - 1)) / np.sqrt(count))


@dataclass
class Trials:
    """Simulations of one search.

    Attributes
    ----------
    system : System
    seed : int
        Seed of arrivals and channels; unused with traces.
    slots, replications, budget : int
        A trial of C candidates with R replications simulates C R `slots`, of which the first tenth is
        warm-up. A trial that would exceed the budget is not started.
    traces : sequence of Trace
        Recorded arrivals and channels, one trace for each replication; or a single one with starts, which are
        the replications, and go around it in `slots` slots.
    progress : callable, optional
        Called before each trial with the slots simulated so far and the budget; False stops the search.
    waiting_cost_j_per_s : ndarray (S,), optional
        theta of tasks, which then make the cost with the energy, in place of (34).
    workers : int
        Threads that share each trial.
    used : int
        Slots simulated so far.

    Raises
    ------
    ProblemError
        If a number is wrong.
    """

    system: System
    seed: int
    slots: int
    replications: int
    budget: int
    traces: Sequence[Trace] = ()
    progress: Progress | None = None
    waiting_cost_j_per_s: Floats | None = None
    workers: int = 1
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for name in ("slots", "replications", "budget"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ProblemError(f"$.{name}", f"expected a whole number >= 1, got {value!r}")
        if self._starts is not None:
            self.replications = len(self._starts)
        elif self.traces:
            self.replications = len(self.traces)
            self.slots = min(trace.slots for trace in self.traces)
        if self.slots < 4:
            raise ProblemError("$.slots", f"expected at least 4 slots in a trial, got {self.slots}")

    @property
    def _starts(self) -> Integers | None:
        """Where the replications start in a single trace that has starts."""
        return self.traces[0].starts if len(self.traces) == 1 else None

    @property
    def warmup(self) -> int:
        """Slots of each run that are not measured."""
        return self.slots - 2 * self._half

    @property
    def _half(self) -> int:
        return max(1, (self.slots - self.slots // 10) // 2)

    def slots_needed(self, candidates: int) -> int:
        """Count the slots of a trial.

        Parameters
        ----------
        candidates : int
            C.

        Returns
        -------
        int
        """
        return candidates * self.replications * self.slots

    def run(self, points: Integers) -> Outcome | None:
        """Simulate fixed partition points.

        Parameters
        ----------
        points : ndarray (S, C) of int
            Partition points of C candidates.

        Returns
        -------
        Outcome or None
            None if the budget does not suffice or `progress` stopped the search.
        """

        def make(replications: int) -> Policy:
            return Fixed(np.repeat(points, replications, axis=1), "best-fixed")

        return self.run_policy(make, points.shape[1])

    def run_policy(self, make: Callable[[int], Policy], candidates: int) -> Outcome | None:
        """Simulate candidates of any kind.

        Parameters
        ----------
        make : callable
            Returns, for R replications, one policy for C R systems: system i simulates candidate i // R.
        candidates : int
            C.

        Returns
        -------
        Outcome or None
            None if the budget does not suffice or `progress` stopped the search.
        """
        needed = self.slots_needed(candidates)
        stopped = self.progress is not None and self.progress(self.used, self.budget) is False
        if stopped or self.used + needed > self.budget:
            return None
        self.used += needed
        if self._starts is not None:
            trace = self.traces[0].started_at(np.tile(self._starts, candidates))
            costs, growth = self._simulate(make(self.replications), candidates, self.replications, trace)
        elif self.traces:
            parts = [self._simulate(make(1), candidates, 1, trace) for trace in self.traces]
            costs, growth = (np.concatenate(values, axis=-1) for values in zip(*parts, strict=True))
        else:
            costs, growth = self._simulate(make(self.replications), candidates, self.replications, None)
        return Outcome(costs, growth, self._allowed_growth())

    def _simulate(
        self, policy: Policy, candidates: int, replications: int, trace: Trace | None
    ) -> tuple[Floats, Floats]:
        """Costs and growth, each (M, C, replications)."""
        simulator = Simulator(
            self.system,
            policy,
            replications=candidates * replications,
            seed=self.seed,
            trace=trace,
            distinct_streams=replications,
            workers=self.workers,
        )
        simulator.run(self._half, self.warmup)
        first = simulator.result().queues
        simulator.run(self._half)
        whole = simulator.result()
        shape = (-1, candidates, replications)
        growth = self._by_device(waiting_tasks(self.system, 2.0 * (whole.queues - first)).sum(axis=0))
        return self._costs(whole).reshape(shape), growth.reshape(shape)

    def _costs(self, result: Result) -> Floats:
        energy = result.active_energy_j
        if self.waiting_cost_j_per_s is None:
            return slot_costs(self.system, energy, result.queues)
        return task_costs(self.system, energy, result.mean_tasks, self.waiting_cost_j_per_s)

    def _by_device(self, values: Floats) -> Floats:
        """Sums over each device's services, (S, ...) to (M, ...)."""
        sums = np.zeros((len(self.system.devices), *values.shape[1:]))
        np.add.at(sums, self.system.device_of_service, values)
        return sums

    def _allowed_growth(self) -> Floats:
        if len(self.traces) == 1 and self._starts is None:
            # Growth cannot be told from chance on one path; what it costs there counts.
            return np.full(len(self.system.devices), np.inf)
        tasks_per_slot = self.system.arrival_rate_per_s * self.system.slot_duration_s
        if self.traces:
            slots = self.slots if self._starts is None else None  # those with starts go around
            recorded = [trace.arrivals[:slots].mean(axis=0) for trace in self.traces]
            tasks_per_slot = np.mean(recorded, axis=0)
        return _GROWTH * self._by_device(tasks_per_slot) * self._half
