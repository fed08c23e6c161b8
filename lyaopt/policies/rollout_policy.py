r"""Roll-out policy: each cut of each service is evaluated by simulating possible futures.

At the start of a period, the present state is copied for each service and each of its cuts. In the coming
period this service takes the cut, and all others follow the base policy; afterwards the base policy decides
for all. The base policy is a table, or fixed points if channels are not slow. A service takes the cut of
least mean cost over the horizon if its gain over the base's cut exceeds the standard error of the gain. All
cuts are simulated on the same R futures (common random numbers), so that shared noise cancels.

The futures differ from the future of the run: their seed is made of the run's seed and the number of the
period, and no run draws by it. Two runs with the same seed and past therefore decide alike. The copy holds
the whole state, including what a device cannot observe: shadowing without fading.

A cut matters only if a task arrives in the period, and most periods bring none. Without a task all cuts cost
the same, so that differences conditioned on a task have the sign and the order of the unconditioned ones.
Each roll-out therefore adds one task of its service at the start of the period. By the Mecke formula,

    E[sum over tasks of f(task, all tasks)] = integral of lambda E[f(t, all tasks and one at t)],

a task added to Poisson arrivals meets what an arriving task meets, so that adding it causes no bias, except
that it comes at the start of the period instead of anywhere in it.

Each service is planned as if all others followed the base policy. Planning them jointly would judge a cut by
futures in nearly all of which it does not matter, as tasks of two services rarely arrive in one short period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation import sums
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.channel_states import is_slow
from lyaopt.policies.channel_table import STATES, Table, table, useful_cuts
from lyaopt.policies.paired_trials import DEFAULT_SEARCH, SearchOptions, search_seed, standard_error
from lyaopt.simulation import Decision, Observation, slot_costs
from lyaopt.simulation.state import State
from lyaopt.slot.formulas import transmit_energy

HORIZON, FUTURES = 60, 16
_PURPOSE = 0x706C616E  # "plan"


@dataclass(eq=False)
class Planning:
    """Chooses the cuts of least cost in roll-outs of a base policy.

    Attributes
    ----------
    base : Table
    horizon : int
        Periods of a roll-out, the coming one included. It should outlast a task: work that is left at the
        end costs nothing more.
    futures : int
        R, roll-outs of each cut of each service; at least 2.
    name : str

    Raises
    ------
    ProblemError
        If a number is wrong.
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
        """Slots simulated by the search for the base policy, without the roll-outs of decisions."""
        return self.base.searched

    def decide(self, observation: Observation) -> Decision:
        """Return the points (S, B) of the next period.

        Parameters
        ----------
        observation : Observation
            The roll-outs continue from its state.

        Returns
        -------
        Decision

        Raises
        ------
        ProblemError
            If the run replays a trace of slow channels or bursty arrivals, whose state a trace does not hold.
        """
        _check_state_known(observation)
        base = np.asarray(self.base.decide(observation).points)
        shape = (len(observation.system.services), observation.replications)
        points = np.array(np.broadcast_to(base if base.ndim == 2 else base[:, None], shape))
        for b in range(observation.replications):
            points[:, b] = self._plan(observation, b, points[:, b])
        return Decision(points)

    def _plan(self, observation: Observation, replication: int, base: Integers) -> Integers:
        """Points (S,) of one replication, from the base's."""
        service, points = _candidates(observation.system, base)
        costs = self._roll_out(observation, replication, service, points)
        planned = base.copy()
        for s in range(base.size):
            mine = np.flatnonzero(service == s)
            gain = costs[mine[0]] - costs[mine]
            best = int(gain.mean(axis=1).argmax())
            if gain[best].mean() > standard_error(gain[best]):
                planned[s] = points[s, mine[best]]
        return planned

    def _roll_out(
        self, observation: Observation, replication: int, service: Integers, points: Integers
    ) -> Floats:
        """Costs of the horizon (C, R), from the service (C,) and the points (S, C) of each candidate."""
        count, futures = service.size, self.futures
        seed = search_seed(observation.seed, _PURPOSE, observation.period)
        numbers = replication * futures + np.tile(np.arange(futures), count)
        state = observation.state.copies(replication, numbers, seed)
        first = np.repeat(points, futures, axis=1)
        tasks = np.zeros_like(first)
        tasks[np.repeat(service, futures), np.arange(numbers.size)] = 1
        state.add_tasks(tasks, first)
        _advance(state, 1, first)
        self._follow_base(state, replication, seed)
        return _costs(state).reshape(count, futures)

    def _follow_base(self, state: State, replication: int, seed: int) -> None:
        """Continue roll-outs under the base policy to the end of the horizon."""
        base, left = self.base.replicate(replication, state.layout.replications), self.horizon - 1
        while left > 0:
            decision = base.decide(Observation(state, seed))
            points = np.asarray(decision.points)
            periods = left if decision.for_good else 1
            _advance(state, periods, points if points.ndim == 2 else points[:, None])
            left -= periods


def planning(
    system: System,
    options: SearchOptions = DEFAULT_SEARCH,
    *,
    states: int = STATES,
    horizon: int = HORIZON,
    futures: int = FUTURES,
) -> Planning:
    """Search for a table and plan by roll-outs of it.

    Parameters
    ----------
    system : System
        Simulated by the search and the roll-outs.
    options : SearchOptions, optional
        Budget, seed and trials of the search for the table.
    states : int
        As in `lyaopt.policies.channel_table.table`.
    horizon, futures : int
        As in `Planning`.

    Returns
    -------
    Planning

    Raises
    ------
    ProblemError
        As `table` raises it, or if `horizon` or `futures` is wrong.
    """
    return Planning(table(system, options, states=states), horizon, futures)


def _check_state_known(observation: Observation) -> None:
    system = observation.system
    if observation.state.replays and (is_slow(system) or _has_bursts(system)):
        reason = (
            "expected drawn arrivals and channels: a trace does not hold the state that roll-outs start from"
        )
        raise ProblemError("$.policy", reason)


def _has_bursts(system: System) -> bool:
    """Whether a service switches between two rates of arrivals."""
    on_off = any(service.arrivals.kind == "on-off" for service in system.services)
    return on_off or system.arrivals.busy_rate_factor > 1.0


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
    """Advance all systems by some periods at points (S, B) or (S, 1)."""
    layout = state.layout
    wide = np.broadcast_to(points, (layout.services, layout.replications))
    state.advance(periods * state.system.slots_per_period, layout.to_lanes(wide[None], np.int64))
    state.forget_finished()


def _costs(state: State) -> Floats:
    """Costs (34) of all whole periods, summed over slots and devices (B,)."""
    system = state.system
    services, devices = state.take_sums()
    energy = devices[sums.LOCAL_ENERGY] + transmit_energy(system.slot_duration_s, devices[sums.POWER])
    energy = energy + devices[sums.TAIL_ENERGY]
    queues = services[sums.BACKLOGS : sums.RATES]
    return np.asarray(slot_costs(system, energy, queues).sum(axis=0))
