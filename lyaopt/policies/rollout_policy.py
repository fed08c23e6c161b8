r"""Planning by roll-outs: each cut that a service may take is tried on futures that may come.

At the start of a period the present state is copied, and for each service and each of its cuts simulations
go on from it: in the coming period this service has this cut and all others what the base policy decides;
from then on the base policy decides for all. The base policy is a table, which is one of fixed points where
channels are not slow. A service takes the cut of least mean cost over the horizon, if it gains more than the
standard error of the gain over the base's cut, and else keeps that. All cuts meet the same R futures, so
that what chance brings to all of them cancels.

The futures are not that of the run: they are drawn by a seed made of the run's seed and the number of the
period, which no run draws by. Two runs with the same seed and past decide the same, whatever comes after.
What is copied is all of the present state, also what a device cannot see: the shadowing without the fading.

A cut matters only if a task is born in the period, and most periods bring none. Without one all cuts cost
the same; so their differences given that there is a task have the sign, and the order, of those that are
not given it. Hence each roll-out gets one more task of its service, at the start of the period. By the
Mecke formula, E sum over tasks of f(task, all tasks) = integral of lambda E f(t, all tasks and one at t) for
Poisson arrivals, that one on top of the others is what a task of the period sees: nothing is biased by its
being sure to come, though it comes at the start where tasks come anywhere in the period. Planning all
services together would judge a cut by futures in nearly all of which it does not matter.

Services are planned one at a time, each as if all others followed the base policy. That tasks of two of them
are born in the same period is rare where periods are short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation import sums
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.best_fixed import BUDGET, REPLICATIONS, SLOTS
from lyaopt.policies.channel_states import is_slow
from lyaopt.policies.channel_table import STATES, Table, table, useful_cuts
from lyaopt.policies.paired_trials import Progress, search_seed, standard_error
from lyaopt.simulation import Decision, Observation, Trace, slot_costs
from lyaopt.simulation.state import State

HORIZON, FUTURES = 60, 16
_PURPOSE = 0x706C616E  # "plan"


@dataclass(eq=False)
class Planning:
    """The cuts that cost least in roll-outs of a base policy.

    Attributes
    ----------
    base : Table
    horizon : int
        Periods of a roll-out, the coming one included. Tasks should be done within them: what is left to do
        for them at the end costs nothing more.
    futures : int
        R, roll-outs of each cut of each service.
    """

    base: Table
    horizon: int = HORIZON
    futures: int = FUTURES
    name: str = "planning"

    def __post_init__(self) -> None:
        for option, least in (("horizon", 1), ("futures", 2)):
            value = getattr(self, option)
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
                raise ProblemError(f"$.{option}", f"expected a whole number >= {least}, got {value!r}")

    @property
    def searched(self) -> int:
        """Slots that were simulated for the base policy; those of the roll-outs come with every decision."""
        return self.base.searched

    def decide(self, observation: Observation) -> Decision:
        """Points of one period (S, B)."""
        _check_known(observation)
        base = np.asarray(self.base.decide(observation).points)
        shape = (len(observation.system.services), observation.replications)
        points = np.array(np.broadcast_to(base if base.ndim == 2 else base[:, None], shape))
        for b in range(observation.replications):
            points[:, b] = self._plan(observation, b, points[:, b])
        return Decision(points)

    def _plan(self, observation: Observation, of: int, base: Integers) -> Integers:
        """Points (S,) of one system, given the base's."""
        service, points = _candidates(observation.system, base)
        costs = self._roll_out(observation, of, service, points)
        planned = base.copy()
        for s in range(base.size):
            mine = np.flatnonzero(service == s)
            gain = costs[mine[0]] - costs[mine]
            best = int(gain.mean(axis=1).argmax())
            if gain[best].mean() > standard_error(gain[best]):
                planned[s] = points[s, mine[best]]
        return planned

    def _roll_out(self, observation: Observation, of: int, service: Integers, points: Integers) -> Floats:
        """Costs of the horizon (C, R), given the service of each candidate (C,) and points (S, C)."""
        count, futures = service.size, self.futures
        seed = search_seed(observation.seed, _PURPOSE, observation.period)
        numbers = of * futures + np.tile(np.arange(futures), count)
        state = observation.state.copies(of, numbers, seed)
        first = np.repeat(points, futures, axis=1)
        tasks = np.zeros_like(first)
        tasks[np.repeat(service, futures), np.arange(numbers.size)] = 1
        state.add_tasks(tasks, first)
        _advance(state, 1, first)
        self._follow(state, of, seed)
        return _costs(state).reshape(count, futures)

    def _follow(self, state: State, of: int, seed: int) -> None:
        """Take roll-outs on under the base policy."""
        base, left = self.base.copies(of, state.layout.replications), self.horizon - 1
        while left > 0:
            decision = base.decide(Observation(state, seed))
            points = np.asarray(decision.points)
            periods = left if decision.for_good else 1
            _advance(state, periods, points if points.ndim == 2 else points[:, None])
            left -= periods


def planning(
    system: System,
    *,
    seed: int = 0,
    budget: int = BUDGET,
    slots: int = SLOTS,
    replications: int = REPLICATIONS,
    traces: Sequence[Trace] = (),
    progress: Progress | None = None,
    states: int = STATES,
    horizon: int = HORIZON,
    futures: int = FUTURES,
) -> Planning:
    """Planning on the table that `lyaopt.policies.channel_table` finds.

    Parameters
    ----------
    system : System
    seed, budget, slots, replications, traces, progress, states
        As of `lyaopt.policies.channel_table`.
    horizon, futures : int
        See `Planning`.
    """
    found = table(
        system,
        seed=seed,
        budget=budget,
        slots=slots,
        replications=replications,
        traces=traces,
        progress=progress,
        states=states,
    )
    return Planning(found, horizon, futures)


def _check_known(observation: Observation) -> None:
    system = observation.system
    if observation.state.replays and (is_slow(system) or system.arrivals.busy_rate_factor > 1.0):
        reason = "expected slots drawn anew: a trace does not tell the state that planning goes on from"
        raise ProblemError("$.policy", reason)


def _candidates(system: System, base: Integers) -> tuple[Integers, Integers]:
    """The service of each candidate (C,) and points (S, C); of each service the base's cut comes first."""
    service, cuts = [], []
    for s, cut in enumerate(base.tolist()):
        tried = [cut, *(k for k in useful_cuts(system, s).tolist() if k != cut)]
        service += [s] * len(tried)
        cuts += tried
    points = np.repeat(base[:, None], len(service), axis=1)
    points[service, np.arange(len(service))] = cuts
    return np.array(service), points


def _advance(state: State, periods: int, points: Integers) -> None:
    """Take systems so many periods on at points (S, B) or (S, 1)."""
    layout = state.layout
    wide = np.broadcast_to(points, (layout.services, layout.replications))
    state.advance(periods * state.system.slots_per_period, layout.to_lanes(wide[None], np.int64))
    state.forget_finished()


def _costs(state: State) -> Floats:
    """Costs (34) of all whole periods, summed over slots and devices (B,)."""
    system = state.system
    services, devices = state.take_sums()
    energy = devices[sums.LOCAL_ENERGY] + system.slot_duration_s * devices[sums.POWER]
    queues = services[sums.BACKLOGS : sums.RATES]
    return np.asarray(slot_costs(system, energy, queues).sum(axis=0))
