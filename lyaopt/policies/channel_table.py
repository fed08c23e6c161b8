"""Search for a table from the state of a device's channel to the partition points of its services.

If channels stay good or bad for longer than a period, the best points depend on the state. The table holds
points of a device's services for each state of its own channel (channel_states.py). The search shares its
budget with the search for fixed points, whose result is the start in all states. It then changes one entry
after the other to the cut of least cost, in trials of all devices at once, each judged by its own cost. The
result is a local optimum, and exact only with an ample edge. A last trial of the whole system, on arrivals
and channels of its own, replaces the fixed points by the table only if the gain exceeds its standard error.
Cuts that need more cycles of the device and more bits than another cut are left out: they relieve only the
edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.best_fixed import search_fixed
from lyaopt.policies.channel_states import ChannelStates, channel_states, decibels
from lyaopt.policies.fixed import least_cut
from lyaopt.policies.paired_trials import DEFAULT_SEARCH, Outcome, SearchOptions, Trials, search_seed
from lyaopt.simulation import Decision, Observation, Policy

STATES = 8
_MOST_ROUNDS = 4
"""Passes over all entries."""
_SEARCH, _CHECK = 0x7461626C65, 0x636865636B
"""Purposes of seeds: "table", "check"."""


@dataclass(eq=False)
class Table:
    """Partition points by the state of the channel.

    A table stores the level of each channel from period to period: use one object for one run at a time.

    Attributes
    ----------
    points : ndarray (states, S) or (states, S, B) of int
        Cut of each service by the state of its device's channel; for all replications, or for each.
    states : ChannelStates
    searched : int
        Slots simulated by the search.
    name : str
    """

    points: Integers
    states: ChannelStates
    searched: int = 0
    name: str = "table"
    _level_db: Floats = field(default_factory=lambda: np.empty((0, 0)), init=False, repr=False)

    def decide(self, observation: Observation) -> Decision:
        """Return the points (S, B) of the next period; if there is one state, those of the whole run.

        Parameters
        ----------
        observation : Observation
            Its channel gains select the states.

        Returns
        -------
        Decision
        """
        if self.states.count == 1:
            return Decision(self.points[0], for_good=True)
        state = self._update_states(observation)[observation.system.device_of_service]
        points = self.points if self.points.ndim == 3 else self.points[..., None]
        return Decision(np.take_along_axis(points, state[None], axis=0)[0])

    def _update_states(self, observation: Observation) -> Integers:
        """The states (M, B) after the last period."""
        period_db = decibels(observation.system, observation.mean_gain)
        if observation.period == 0 or self._level_db.shape != period_db.shape:
            self._level_db = period_db
        else:
            self._level_db = self.states.next_level(self._level_db, period_db)
        return self.states.state_of(self._level_db)

    def replicate(self, replication: int, count: int) -> Table:
        """Continue one replication in several.

        Parameters
        ----------
        replication : int
            Index of the replication whose levels are copied.
        count : int
            Replications of the result.

        Returns
        -------
        Table
        """
        points = self.points if self.points.ndim == 2 else self.points[..., replication]
        replicated = replace(self, points=points)
        replicated._level_db = np.repeat(self._level_db[:, replication : replication + 1], count, axis=1)
        return replicated


def table(system: System, options: SearchOptions = DEFAULT_SEARCH, *, states: int = STATES) -> Table:
    """Search for a table.

    Parameters
    ----------
    system : System
        Simulated by the search.
    options : SearchOptions, optional
        The budget covers the search for fixed points, which comes first.
    states : int
        States of a channel, from 1 to 1000; one if channels are independent from slot to slot.

    Returns
    -------
    Table

    Raises
    ------
    ProblemError
        As `best_fixed` raises it, or if `states` is wrong.
    """
    if not isinstance(states, (int, np.integer)) or isinstance(states, bool) or not 1 <= states <= 1000:
        raise ProblemError("$.states", f"expected a whole number from 1 to 1000, got {states!r}")
    fixed = search_fixed(system, options)
    trials = options.trials(system, _SEARCH)
    trials.used = fixed.slots
    fitted = channel_states(
        system,
        int(states),
        seed=trials.seed,
        slots=trials.slots,
        replications=trials.replications,
        traces=trials.traces,
    )
    start = np.repeat(np.asarray(fixed.policy().points)[None], fitted.count, axis=0)
    if fitted.count == 1:
        return Table(start, fitted, trials.used)
    return _search(trials, fitted, start, options.seed)


def _search(trials: Trials, states: ChannelStates, start: Integers, seed: int) -> Table:
    """The better of the start and the searched table, within the budget of the trials."""
    check = replace(trials, seed=search_seed(seed, _CHECK))
    trials.budget -= check.slots_needed(2)
    points = search_table(trials, states, start)
    check.used = trials.used
    return Table(better_table(check, states, start, points), states, check.used)


def search_table(trials: Trials, states: ChannelStates, start: Integers) -> Integers:
    """Search all devices at once, each judged by its own cost, until no entry changes or the budget ends.

    Parameters
    ----------
    trials : Trials
        Simulate the candidates within the budget.
    states : ChannelStates
        Of the channel of each device.
    start : ndarray (states, S) of int
        Partition point of each service in each state of its channel.

    Returns
    -------
    ndarray (states, S) of int
    """
    points, device = start.copy(), trials.system.device_of_service
    row = np.arange(device.size) - np.searchsorted(device, device)
    for _ in range(_MOST_ROUNDS):
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
    """Choose between two tables by the cost of the whole system.

    Parameters
    ----------
    trials : Trials
        Simulate both tables within the budget.
    states : ChannelStates
        Of the channel of each device.
    incumbent, other : ndarray (states, S) of int
        Partition point of each service in each state of its channel.

    Returns
    -------
    ndarray (states, S) of int
        `other` if its gain exceeds the standard error, else `incumbent`.
    """
    outcome = try_tables(trials, states, np.stack([incumbent, other], axis=-1))
    return incumbent if outcome is None or outcome.total().better(0, 0) == 0 else other


def try_tables(trials: Trials, states: ChannelStates, candidates: Integers) -> Outcome | None:
    """Simulate several tables.

    Parameters
    ----------
    trials : Trials
        Simulate the tables within the budget.
    states : ChannelStates
        Of the channel of each device.
    candidates : ndarray (states, S, C) of int
        C tables of partition points.

    Returns
    -------
    Outcome or None
        None if the budget does not suffice or `progress` stopped the search.
    """

    def make(replications: int) -> Policy:
        return Table(np.repeat(candidates, replications, axis=2), states)

    return trials.run_policy(make, candidates.shape[2])


def useful_cuts(system: System, service: int) -> Integers:
    """Find the cuts on the Pareto front of device cycles and bits.

    Parameters
    ----------
    system : System
        Holds the service's profile.
    service : int
        Index among the S services, device by device.

    Returns
    -------
    ndarray (n,) of int
        Rising; of cuts with equal cycles and bits, the first.
    """
    cuts = np.arange(least_cut(system), int(system.cut_counts[service]))
    cycles, bits = system.local_cycles[service, cuts], system.transmit_bits[service, cuts]
    order = np.lexsort((cuts, bits, cycles))
    fewest = np.minimum.accumulate(np.concatenate([[np.inf], bits[order][:-1]]))
    return np.asarray(np.sort(cuts[order][bits[order] < fewest]))


def _cuts_to_try(system: System, services: Integers, present: Integers) -> Integers:
    """The present cut of each service and its useful cuts (services, C); the present one pads the rows."""
    useful = [useful_cuts(system, int(s)) for s in services]
    table = np.repeat(present[services][:, None], 1 + max(map(len, useful)), axis=1)
    for line, cuts in zip(table, useful, strict=True):
        line[1 : 1 + len(cuts)] = cuts
    return table
