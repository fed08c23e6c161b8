"""The state of replications of a system with several edge servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.simulation import sums, task_queues
from lyaopt._kernels.simulation.edge_slots import advance_over_edges
from lyaopt._kernels.simulation.rules import RuleEntry
from lyaopt._kernels.simulation.state_types import BACKLOG
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.edges import Links
from lyaopt.model.system import System
from lyaopt.simulation.edge_results import EdgeResults
from lyaopt.simulation.edges_model import edges_model, with_prices
from lyaopt.simulation.kernel_arrays import new_record
from lyaopt.simulation.linked_layout import LinkedLayout
from lyaopt.simulation.plan_tables import plan_table
from lyaopt.simulation.policy import Decision, LinkObservation
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.state import State
from lyaopt.simulation.traces import Trace


class EdgesState(State):
    """A `State` in which each device is attached to one of several edge servers.

    Parameters
    ----------
    system : System
        With `edges`.
    replications, seed, trace, distinct_streams, memory, workers
        As of `State`; one thread simulates.
    """

    layout: LinkedLayout

    def __init__(
        self,
        system: System,
        replications: int,
        seed: int,
        trace: Trace | None,
        distinct_streams: int,
        memory: int = 0,
        workers: int = 1,
    ) -> None:
        super().__init__(system, replications, seed, trace, distinct_streams, memory)

    def _extend(self, trace: Trace | None) -> None:
        self._recorded: list[tuple[Floats, Floats, Floats, Integers]] = []
        self._model = edges_model(self._model, self.system, self.layout)
        self._streams = self._linked_streams(self.system.links)
        self._trace = self._linked_trace(trace)
        self._advance = self._without_weights

    @property
    def _without_weights(self) -> Callable[..., Any]:
        return advance_over_edges

    def _linked_streams(self, links: Links) -> Any:
        """Links have draws of their own, those to the first server by their devices, see edge_links.py."""
        streams, layout = self._streams, self.layout
        devices, own = layout.devices * layout.groups, len(streams.lane_device)
        mean = np.zeros((len(streams.lane_mean), layout.lanes))
        mean[:, :own] = streams.lane_mean
        return streams._replace(
            lane_device=np.repeat(np.arange(devices, dtype=np.uint32), layout.width),
            lane_gain=np.repeat(np.vstack([links.mean_gain[:1], links.mean_gain]), layout.width),
            lane_distance=np.repeat(np.vstack([links.distance_m[:1], links.distance_m]), layout.width),
            lane_mean=mean,
            laws=_laws_of_devices(streams.laws, devices),
        )

    def restart(self, seed: int, numbers: Integers) -> None:
        """Restart at slot 0 as `State.restart` does; the gain of devices is that of their best links.

        Parameters
        ----------
        seed, numbers
            As of `State.restart`.
        """
        super().restart(seed, numbers)
        usual = np.repeat(self.system.links.mean_gain.max(axis=0), self.layout.width)
        self.kernel_state.last_gain[:, : usual.size] = usual
        present = self.kernel_state.sums.devices[:, sums.PRESENT, sums.GAIN]
        present[:, : usual.size] = self.system.slots_per_period * usual

    def _linked_trace(self, trace: Trace | None) -> Any:
        """Gains of all links, and no arrivals there; what stands for the devices is never read."""
        layout = self.layout
        none = np.zeros((len(self._trace.arrivals), layout.rows, layout.edges * layout.devices), np.int64)
        arrivals = np.concatenate([self._trace.arrivals, none], axis=-1)
        if trace is None:
            return self._trace._replace(gain=np.empty((0, arrivals.shape[-1])), arrivals=arrivals)
        links = trace.link_gains(self.system)
        gain = np.hstack([links[:, 0], links.reshape(len(links), -1)])
        return self._trace._replace(gain=gain, arrivals=arrivals)

    def attach(self, edges: Any, name: str) -> None:
        """Attach devices to edge servers from the next period on.

        Parameters
        ----------
        edges : array_like of int (M,), (M, B) or (P, M, B)
            Of each device: the same in all replications, in each of them, or in each for P periods in a row.
        name : str
            Of the policy.

        Raises
        ------
        ProblemError
            If it is no such table, or a device does not reach its server.
        """
        shape = self.layout.devices, self.layout.replications
        table = plan_table(edges, "$.edges", name, f"edge servers of {shape[0]} devices", shape)
        check_reached(self.system.links, table, f"policy {name}: ")
        plan = self.layout.device_lanes(np.broadcast_to(table, (len(table), *shape)))
        self._model = self._model._replace(
            edges=self._model.edges._replace(first=self.slot // self.system.slots_per_period, plan=plan)
        )

    def attached(self) -> Integers:
        """The edge server that each device is attached to (M, B); before the first slot that of slot 0."""
        edges, layout = self._model.edges, self.layout
        lanes = edges.attached if self.slot else edges.plan[0]
        apart = lanes.reshape(layout.blocks, layout.devices, layout.width)
        found: Integers = np.moveaxis(apart, 0, 1).reshape(layout.devices, -1)[:, : layout.replications]
        return found.copy()

    def edge_backlog(self) -> Floats:
        """Q^e at each server, in cycles (E, S, B)."""
        amounts = self.kernel_state.queue_amounts[:, BACKLOG, task_queues.EDGE]
        found: Floats = self.layout.by_link(amounts)
        return found

    def observe_links(self) -> LinkObservation:
        """What policies see of the servers and links."""
        total = self.kernel_state.sums.devices[:, sums.PRESENT, sums.GAIN]
        mean = self.layout.by_device_link(total) / self.system.slots_per_period
        last = self.layout.by_device_link(self.kernel_state.last_gain)
        return LinkObservation(self.attached(), self.edge_backlog(), last, mean)

    def advance_recorded(self, slots: int, plan: Integers) -> tuple[Floats, Floats]:
        """Simulate and record slots; what the links did is kept for `links_of_record`.

        Parameters
        ----------
        slots : int
            Number of slots.
        plan : ndarray (P, blocks, N, L) of int
            As of `State.advance`.
        """
        begin, record, layout = self.slot, new_record(self.layout, slots), self.layout
        self.advance(slots, plan, record)
        services = [sums.BACKLOGS + task_queues.EDGE, sums.RATES + task_queues.EDGE]
        parts = [layout.by_link(record.services[:, :, row])[..., 0] for row in services]
        parts.append(layout.by_device_link(record.devices[:, :, sums.GAIN_RECORD])[..., 0])
        backlog, rate, gain = (np.moveaxis(part, 0, 1) for part in parts)
        self._recorded.append((backlog, rate, gain, self._attached_from(begin)))
        return layout.by_service(record.services), layout.by_device(record.devices)

    def _attached_from(self, begin: int) -> Integers:
        """Servers (P, M) of the first replication in the periods that began since a slot."""
        edges, slots = self._model.edges, self.system.slots_per_period
        if self._model.choice.chosen:  # a record has one period at a time
            return self.attached().T[: int(begin % slots == 0)]
        periods = np.arange(-(-begin // slots), -(-self.slot // slots))
        lines = edges.plan[np.minimum(periods - edges.first, len(edges.plan) - 1)]
        found: Integers = lines[:, 0, :: self.layout.width]
        return found

    def links_of_record(self) -> dict[str, NDArray[Any]]:
        """What links did in the recorded slots: the fields that `EdgesRecord` has beyond `Record`."""
        backlog, rate, gain, edges = (np.concatenate(each) for each in zip(*self._recorded, strict=True))
        last = np.moveaxis(self.edge_backlog(), -1, 0)
        backlog = np.concatenate([backlog, last])
        names = ("link_queue_cycles", "link_cpu_hz", "link_gain", "edges")
        return dict(zip(names, (backlog, rate, gain, edges), strict=True))

    def take_sums(self) -> tuple[Floats, Floats]:
        """As `State.take_sums`; behind its rows of services those of backlogs and of rates at each server."""
        links = self._link_sums(sums.PAST)
        services, devices = super().take_sums()
        return np.concatenate([services, links]), devices

    def present_sums(self) -> tuple[Floats, Floats]:
        """As `State.present_sums`, with the rows of each server."""
        services, devices = super().present_sums()
        return np.concatenate([services, self._link_sums(sums.PRESENT)]), devices

    def _link_sums(self, kind: int) -> Floats:
        array = self.kernel_state.sums.services[:, kind]
        rows = [sums.BACKLOGS + task_queues.EDGE, sums.RATES + task_queues.EDGE]
        return np.concatenate([self.layout.by_link(array[:, row]) for row in rows])

    def next_gain(self) -> Floats:
        """Refuse: rules in Python know one edge server."""
        _refuse("rule", "a rule in Python")

    def use_shares(self) -> None:
        """Refuse: shares are of one edge server."""
        _refuse("shares", "a policy that allocates by shares")

    def use_rule(self, rule: RuleEntry | PriceRule) -> None:
        """Let prices weigh the services, and choose servers and points if the rule does.

        Parameters
        ----------
        rule : PriceRule
            Of this system; other rules are refused.
        """
        if not isinstance(rule, PriceRule):
            _refuse("rule", "an allocation rule")
        self._model = with_prices(self._model, rule, self.system, self.layout)

    def set_weights(self, weights: Floats | None) -> None:
        """Refuse: weights are of one edge server."""
        _refuse("rule", "a rule in Python")

    def copies(self, of: int, numbers: Integers, seed: int) -> State:
        """Refuse: copies are of a state with one server."""
        _refuse("policy", "a policy that copies the state")

    def add_tasks(self, tasks: Integers, points: Integers) -> None:
        """Refuse: tasks are added by the simulation alone."""
        _refuse("tasks", "adding tasks")


def attach(state: State, decision: Decision, policy: str) -> None:
    """Attach devices to edge servers as a policy decides.

    Parameters
    ----------
    state : State
        Of several edge servers, if the decision names some.
    decision : Decision
        Its `edges` may be left out.
    policy : str
        Name of the policy.

    Raises
    ------
    ProblemError
        As `EdgesState.attach`, or if there is one server only.
    """
    if decision.edges is None:
        return
    if not isinstance(state, EdgesState):
        reason = f"policy {policy}: expected none, as the scenario has no [[edges]]"
        raise ProblemError("$.edges", reason)
    state.attach(decision.edges, policy)


def links_of_record(state: State) -> dict[str, NDArray[Any]] | None:
    """Return what links did in the recorded slots of a `state`; None if there is one edge server only."""
    return state.links_of_record() if isinstance(state, EdgesState) else None


def edge_results(state: State, means: Floats) -> EdgeResults | None:
    """Return what each edge server did in a run; None if there is one only.

    Parameters
    ----------
    state : State
        At the end.
    means : ndarray (rows, S, B)
        Per slot, of the rows of `EdgesState.take_sums`.
    """
    if not isinstance(state, EdgesState):
        return None
    links, rows = state.system.links, means[sums.SERVICE_SUMS :].sum(axis=1)
    count = len(links.edge_ids)
    return EdgeResults(links.edge_ids, links.capacity_hz, rows[:count], rows[count:], state.attached())


def check_reached(links: Links, table: Any, what: str) -> None:
    """Check that every device reaches the edge server it is to be attached to.

    Parameters
    ----------
    links : Links
        Of the system.
    table : ndarray (P, M, B) of int
        Servers.
    what : str
        Begins the error.

    Raises
    ------
    ProblemError
        If one does not.
    """
    count = len(links.edge_ids)
    wrong = (table < 0) | (table >= count)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise ProblemError("$.edges", f"{what}expected numbers from 0 to {count - 1}, got {table[place]}")
    device = np.arange(table.shape[1])[:, None]
    wrong = ~links.reached[table, device]
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        name = links.edge_ids[table[place]]
        raise ProblemError("$.edges", f"{what}device {place[1]} does not reach {name}")


def _laws_of_devices(laws: Any, devices: int) -> Any:
    """Laws of arrivals of so many `devices`, of which the last ones are links, where nothing arrives."""
    if not laws.kind.size:
        return laws
    more = ((0, 0), (0, devices - laws.kind.shape[1]))
    return laws._replace(kind=np.pad(laws.kind, more), numbers=np.pad(laws.numbers, (*more, (0, 0))))


def _refuse(name: str, what: str) -> NoReturn:
    raise ProblemError(f"$.{name}", f"expected none with several edge servers, got {what}")
