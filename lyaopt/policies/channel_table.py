"""A table from the state of a device's channel to the points of its services, found offline.

Where channels stay good or bad for longer than a period, the best points differ from one state to the
other. The table has points of a device's services for each state of its own channel (channel_states.py). It
is found as best-fixed is, within the same budget: from best-fixed's points in all states, one entry after the
other takes the cut of least cost, all devices in the same trials, each judged by its own cost. So it is a
local optimum, and exact only where the edge is ample. In the end the whole system, on arrivals and channels
of its own, decides between the table and best-fixed's points, which stay unless the table gains more than the
standard error of its gain. Cuts that burden both the device and its radio more than another one does are
left out: they relieve the edge alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.best_fixed import BUDGET, REPLICATIONS, SLOTS, search_fixed
from lyaopt.policies.channel_states import ChannelStates, channel_states, decibels
from lyaopt.policies.fixed import least_cut
from lyaopt.policies.paired_trials import Outcome, Progress, Trials, search_seed
from lyaopt.simulation import Decision, Observation, Policy, Trace

STATES = 8
_ROUNDS = 4
"""Times that all entries are gone through, if changes do not end before."""
_SEARCH, _CHECK = 0x7461626C65, 0x636865636B
"""Purposes of seeds: "table", "check"."""


@dataclass(eq=False)
class Table:
    """Points by the state of the channel.

    It carries the level of each channel from period to period, so that one object follows one run at a time.

    Attributes
    ----------
    points : ndarray (states, S) or (states, S, B) of int
        For each state of its device's channel the cut of a service; the same in all replications, or in each.
    states : ChannelStates
    searched : int
        Slots that were simulated to find it.
    """

    points: Integers
    states: ChannelStates
    searched: int = 0
    name: str = "table"
    _level_db: Floats = field(default_factory=lambda: np.empty((0, 0)), init=False, repr=False)

    def decide(self, observation: Observation) -> Decision:
        """Points of one period (S, B); for good where there is one state."""
        if self.states.count == 1:
            return Decision(self.points[0], for_good=True)
        state = self._follow(observation)[observation.system.device_of_service]
        points = self.points if self.points.ndim == 3 else self.points[..., None]
        return Decision(np.take_along_axis(points, state[None], axis=0)[0])

    def _follow(self, observation: Observation) -> Integers:
        """The states (M, B) after the period before."""
        seen = decibels(observation.system, observation.mean_gain)
        if observation.period == 0 or self._level_db.shape != seen.shape:
            self._level_db = seen
        else:
            self._level_db = self.states.next_level(self._level_db, seen)
        return self.states.of(self._level_db)

    def copies(self, system: int, count: int) -> Table:
        """A table that goes on in so many systems from what this one has seen in one of its systems."""
        points = self.points if self.points.ndim == 2 else self.points[..., system]
        copy = replace(self, points=points)
        copy._level_db = np.repeat(self._level_db[:, system : system + 1], count, axis=1)
        return copy


def table(
    system: System,
    *,
    seed: int = 0,
    budget: int = BUDGET,
    slots: int = SLOTS,
    replications: int = REPLICATIONS,
    traces: Sequence[Trace] = (),
    progress: Progress | None = None,
    states: int = STATES,
) -> Table:
    """Search for a table.

    Parameters
    ----------
    system : System
    seed, budget, slots, replications, traces, progress
        As of `search_fixed`, whose search comes first and counts.
    states : int
        States of a channel. One where channels are drawn anew in each slot.

    Raises
    ------
    ProblemError
        As `best_fixed` raises it, or if `states` is wrong.
    """
    if not isinstance(states, (int, np.integer)) or isinstance(states, bool) or not 1 <= states <= 1000:
        raise ProblemError("$.states", f"expected a whole number from 1 to 1000, got {states!r}")
    fixed = search_fixed(
        system,
        seed=seed,
        budget=budget,
        slots=slots,
        replications=replications,
        traces=traces,
        progress=progress,
    )
    trials = Trials(system, search_seed(seed, _SEARCH), slots, replications, budget, traces, progress)
    trials.used = fixed.slots
    told = channel_states(
        system,
        int(states),
        seed=trials.seed,
        slots=trials.slots,
        replications=trials.replications,
        traces=traces,
    )
    start = np.repeat(np.asarray(fixed.policy().points)[None], told.count, axis=0)
    return Table(start, told, trials.used) if told.count == 1 else _search(trials, told, start, seed)


def _search(trials: Trials, states: ChannelStates, start: Integers, seed: int) -> Table:
    """The better of the start and of what is found from there, in all with the budget of the trials."""
    check = replace(trials, seed=search_seed(seed, _CHECK))
    trials.budget -= check.price(2)
    points = search_table(trials, states, start)
    check.used = trials.used
    return Table(better_table(check, states, start, points), states, check.used)


def search_table(trials: Trials, states: ChannelStates, start: Integers) -> Integers:
    """Search all devices at once, each judged by its own cost, until no entry changes or the budget ends.

    Parameters
    ----------
    trials : Trials
    states : ChannelStates
    start : ndarray (states, S) of int

    Returns
    -------
    ndarray (states, S) of int
    """
    points, device = start.copy(), trials.system.device_of_service
    row = np.arange(device.size) - np.searchsorted(device, device)
    for _ in range(_ROUNDS):
        before = points.copy()
        for state in range(len(points)):
            for n in range(int(row.max()) + 1):
                services = np.flatnonzero(row == n)
                cuts = _cuts_to_try(trials.system, services, points[state])
                candidates = np.repeat(points[..., None], cuts.shape[1], axis=2)
                candidates[state, services] = cuts
                outcome = try_tables(trials, states, candidates)
                if outcome is None:
                    return points
                for s, tried in zip(services.tolist(), cuts, strict=True):
                    points[state, s] = tried[outcome.better(int(device[s]), 0)]
        if (points == before).all():
            break
    return points


def better_table(trials: Trials, states: ChannelStates, incumbent: Integers, other: Integers) -> Integers:
    """The other table if it gains in the whole system, else the incumbent; both (states, S)."""
    outcome = try_tables(trials, states, np.stack([incumbent, other], axis=-1))
    return incumbent if outcome is None or outcome.total().better(0, 0) == 0 else other


def try_tables(trials: Trials, states: ChannelStates, candidates: Integers) -> Outcome | None:
    """Try tables (states, S, C); None if the budget does not allow it, or it was called off."""

    def make(replications: int) -> Policy:
        return Table(np.repeat(candidates, replications, axis=2), states)

    return trials.run_policy(make, candidates.shape[2])


def useful_cuts(system: System, service: int) -> Integers:
    """Cuts of a service such that no other one has as little work for the device and as few bits."""
    cuts = np.arange(least_cut(system), int(system.cut_counts[service]))
    cycles, bits = system.local_cycles[service, cuts], system.transmit_bits[service, cuts]
    order = np.lexsort((cuts, bits, cycles))
    fewest = np.minimum.accumulate(np.concatenate([[np.inf], bits[order][:-1]]))
    return np.asarray(np.sort(cuts[order][bits[order] < fewest]))


def _cuts_to_try(system: System, services: Integers, present: Integers) -> Integers:
    """The present cut of each service, then its useful ones (services, C); the present one fills rows up."""
    useful = [useful_cuts(system, int(s)) for s in services]
    table = np.repeat(present[services][:, None], 1 + max(map(len, useful)), axis=1)
    for line, cuts in zip(table, useful, strict=True):
        line[1 : 1 + len(cuts)] = cuts
    return table
