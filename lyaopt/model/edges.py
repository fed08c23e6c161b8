"""Several edge servers: their capacities, and the links by which devices reach them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from lyaopt.arrays import Floats, Integers, read_only
from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Id, NonNegative, Positive

if TYPE_CHECKING:
    from lyaopt.model.system import Device, System

MOST_EDGES = 1000
"""Every device has a lane for each of them."""
_Errors = Iterator[tuple[str, str]]


@checked
@dataclass(frozen=True, config=STRICT)
class Edge:
    """One of several edge servers."""

    capacity_hz: NonNegative
    """F^e of this server, in cycles per second."""
    id: Id | None = None
    """Name, unique in the scenario; ``edge-0`` and so on by position by default."""


@checked
@dataclass(frozen=True, config=STRICT)
class Link:
    """An edge server that a device reaches, and the channel to it."""

    edge: Id
    """Name of the server."""
    distance_m: Positive | None = None
    """Distance from it, in metres; that of the device by default."""
    gain_factor: Positive = 1.0
    """Mean channel gain, over that of the distance."""


@plain_dataclass(frozen=True, eq=False)
class Links:
    """Edge servers and links of a system, as arrays.

    Attributes
    ----------
    edge_ids : tuple of str
        Names of the E servers.
    capacity_hz : ndarray (E,)
        Of each server.
    reached : ndarray (E, M) of bool
        Whether a device reaches a server.
    distance_m : ndarray (E, M)
        Of each link.
    mean_gain : ndarray (E, M)
        Of each link, without shadowing; 0 where the device does not reach the server.
    """

    edge_ids: tuple[str, ...]
    capacity_hz: Floats
    reached: NDArray[np.bool_]
    distance_m: Floats
    mean_gain: Floats

    @classmethod
    def of(cls, system: System) -> Links:
        """Return those of a system; without `edges`, one server that all devices reach.

        Parameters
        ----------
        system : System
            The scenario.
        """
        edges = system.edges or (Edge(system.edge_capacity_hz),)
        ids, shape = _names(edges), (len(edges), len(system.devices))
        reached = np.ones(shape, np.bool_)
        distance, factor = np.repeat(system.distance_m[None], len(edges), axis=0), np.ones(shape)
        for m, device in enumerate(system.devices):
            if device.edges is None:
                continue
            reached[:, m] = False
            for link in device.edges:
                e = ids.index(link.edge)
                reached[e, m], factor[e, m] = True, link.gain_factor
                distance[e, m] = device.distance_m if link.distance_m is None else link.distance_m
        with np.errstate(all="ignore"):  # `signal_errors` refuses what is out of range
            mean = system.channel.mean_gain(distance) * factor
        gain = np.where(np.isnan(system.radio_rate_bps), mean, 1.0)
        gain = np.where(reached, gain, 0.0)
        arrays = (np.array([edge.capacity_hz for edge in edges]), reached, distance, gain)
        return cls(ids, *(read_only(array) for array in arrays))

    @property
    def nearest(self) -> Integers:
        """The server to which each device has the best mean gain (M,); of equal ones the first."""
        found: Integers = self.mean_gain.argmax(axis=0)
        return found


def _names(edges: Sequence[Edge]) -> tuple[str, ...]:
    return tuple(f"edge-{e}" if edge.id is None else edge.id for e, edge in enumerate(edges))


def edge_errors(system: System) -> _Errors:
    """Yield path and reason of what is wrong with edge servers and links, or does not go with several.

    Parameters
    ----------
    system : System
        The scenario.
    """
    edges, ids = system.edges, _names(system.edges or ())
    if edges is not None and not 1 <= len(edges) <= MOST_EDGES:
        yield "$.edges", f"expected from 1 to {MOST_EDGES} edge servers, got {len(edges)}"
        return  # further errors may be as many as pairs of servers
    for e, name in enumerate(ids):
        if name in ids[:e]:
            place = f"$.edges[{e}]" + (".id" if edges and edges[e].id is not None else "")
            yield place, f'duplicate id "{name}" of an edge'
    for m, device in enumerate(system.devices):
        place = f"$.devices[{m}].edges"
        if device.edges is not None and edges is None:
            yield place, "expected no links, as the scenario has no [[edges]]"
        elif device.edges is not None:
            yield from _link_errors(place, device, ids)
    if edges is not None:
        yield from _refusals(system)


def _link_errors(place: str, device: Device, ids: Sequence[str]) -> _Errors:
    links = device.edges or ()
    if not links:
        yield place, "expected at least one edge server that the device reaches, got none"
    for j, link in enumerate(links):
        if link.edge not in ids:
            yield f"{place}[{j}].edge", f'expected one of {", ".join(ids)}; got "{link.edge}"'
        elif link.edge in [other.edge for other in links[:j]]:
            yield f"{place}[{j}].edge", f'expected "{link.edge}" once'


def _refusals(system: System) -> _Errors:
    if system.spectrum == "shared":
        yield "$.spectrum", 'expected "split": with several edge servers devices share no spectrum'
    if system.channel.walk_m_per_sqrt_s > 0.0:
        yield "$.channel.walk_m_per_sqrt_s", "expected 0: with several edge servers devices do not move"
    for m, device in enumerate(system.devices):
        for name in ("cpu_points", "radio"):
            if getattr(device, name) is not None:
                reason = "expected none: with several edge servers devices have the paper's laws of energy"
                yield f"$.devices[{m}].{name}", reason


def with_one_edge(system: System, e: int) -> System:
    """Return the system in which all devices are at one of its edge servers for good.

    Parameters
    ----------
    system : System
        With `edges`.
    e : int
        Number of the server. Devices that do not reach it are where they are.

    Returns
    -------
    System
        Without `edges`; distances give the mean gains of the links.
    """
    return replace(
        at_links(system, np.full(len(system.devices), e)),
        edge_capacity_hz=float(system.links.capacity_hz[e]),
    )


def at_links(system: System, servers: Integers) -> System:
    """Return the system without `edges` in which each device has the mean gain of one of its links.

    Parameters
    ----------
    system : System
        With `edges`.
    servers : ndarray (M,) of int
        The server at the end of each link. Devices that do not reach it are where they are.
    """
    links, exponent = system.links, system.channel.path_loss_exponent
    devices = []
    for m, (device, e) in enumerate(zip(system.devices, servers.tolist(), strict=True)):
        distance = device.distance_m
        if links.reached[e, m]:
            factor = float(links.mean_gain[e, m] / system.channel.mean_gain(links.distance_m[e, m]))
            distance = float(links.distance_m[e, m] * factor ** (-1.0 / exponent))
        devices.append(replace(device, distance_m=distance, edges=None))
    return replace(system, devices=tuple(devices), edges=None)


def check_one_edge(system: System, what: str) -> None:
    """Check that a system has one edge server.

    Parameters
    ----------
    system : System
        The scenario.
    what : str
        What knows no more than one.

    Raises
    ------
    ProblemError
        `$.edges`, if the scenario has edge servers of its own.
    """
    if system.edges is not None:
        raise ProblemError("$.edges", f"expected a scenario without [[edges]]: {what}")
