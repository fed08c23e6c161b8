"""Recorded arrivals and channels for replay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers, as_numbers, is_masked, read_only, restore_read_only
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.system import System
from lyaopt.slot.limits import check_signal

RECORDED = ("arrivals", "channel_gain")
"""Arrays that are recorded, either or both."""
_LARGEST_COUNT = 10**9


@dataclass(frozen=True, eq=False)
class Trace:
    """Arrivals and channels of T slots and, if given, partition points.

    Attributes
    ----------
    arrivals : ndarray (T, S) of int
        New tasks of each service, services counted device by device.
    channel_gain : ndarray (T, M), or (T, E, M) with E edge servers
        h of each device, or of its link to each server; of a measured radio the share of its rate that it can
        carry, from 0 to 1. With several servers, h of a device is that at its `distance_m`: links have it
        times their mean gain over the mean gain there.
    partition : ndarray (ceil(T / G), S) of int, or None
        Partition point k of each service in each period.
    starts : ndarray (B,) of int, or None
        Slot of the trace in which each of B replications starts; behind the last slot comes the first one.
        None starts all at slot 0, and the trace ends.
    drawn : {"arrivals", "channel_gain"} or None
        Which of both was drawn from a scenario's law rather than recorded, see `complete_trace`.
    edges : ndarray (ceil(T / G), M) of int, or None
        The edge server that each device is attached to in each period, with several servers.

    Raises
    ------
    DocumentError
        If an array has the wrong type or shape, or holds a NaN, an infinity, or a negative number.
    """

    arrivals: Integers
    channel_gain: Floats
    partition: Integers | None = None
    starts: Integers | None = None
    drawn: str | None = None
    edges: Integers | None = None

    __setstate__ = restore_read_only

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrivals", _whole(self.arrivals, "arrivals"))
        object.__setattr__(self, "channel_gain", _finite(self.channel_gain, "channel_gain"))
        if self.partition is not None:
            object.__setattr__(self, "partition", _whole(self.partition, "partition"))
        if self.edges is not None:
            object.__setattr__(self, "edges", _whole(self.edges, "edges"))
        if len(self.arrivals) != len(self.channel_gain):
            expected = f"as many slots as arrivals, {len(self.arrivals)}"
            raise trace_error("channel_gain", f"expected {expected}, got {len(self.channel_gain)}")
        if self.starts is not None:
            object.__setattr__(self, "starts", self._checked_starts())

    def _checked_starts(self) -> Integers:
        starts = _whole(np.atleast_2d(np.asarray(self.starts)), "starts")[0]
        if self.partition is not None:
            raise trace_error("starts", "expected none: partition points are those of slot 0 on")
        wrong = np.flatnonzero(starts >= self.slots)
        if wrong.size:
            place = int(wrong[0])
            raise trace_error("starts", f"expected a slot below {self.slots}, got {starts[place]}", (place,))
        return starts

    @property
    def slots(self) -> int:
        """T."""
        return len(self.arrivals)

    @property
    def sha256(self) -> str:
        """SHA-256 of arrivals and channels in hexadecimal, whatever the file holds besides.

        What was drawn is left out, so that the hash is that of the recording, with every seed.
        """
        return hash_of({name: getattr(self, name) for name in RECORDED if name != self.drawn})

    def spread_over(self, replications: int) -> Trace:
        """Return the trace without partition points, in which replications start at evenly spaced slots.

        Parameters
        ----------
        replications : int
            B.
        """
        return self.started_at(np.arange(replications) * self.slots // replications)

    def started_at(self, starts: Integers) -> Trace:
        """Return the trace without partition points, in which replications start at given slots.

        Parameters
        ----------
        starts : ndarray (B,) of int
            Slots below T.
        """
        return Trace(self.arrivals, self.channel_gain, starts=starts, drawn=self.drawn)

    def gains_in(self, replication: int, first: int, last: int) -> Floats:
        """Return the gains in the slots of a run from `first` to before `last` (last - first, M).

        Parameters
        ----------
        replication : int
            Of the run, in which it matters where replications start.
        first, last : int
            Slots of the run.
        """
        start = 0 if self.starts is None else int(self.starts[replication])
        places = (np.arange(first, last) + start) % max(self.slots, 1)
        return np.asarray(self.channel_gain[places])

    def after(self, slots: int) -> Trace:
        """Return the trace from a slot on, without partition points.

        Parameters
        ----------
        slots : int
            Their number that is left out, below T.
        """
        return Trace(self.arrivals[slots:], self.channel_gain[slots:], drawn=self.drawn)

    def check_replications(self, replications: int) -> None:
        """Check that there is a start for each of B replications, if there are starts.

        Parameters
        ----------
        replications : int
            B.

        Raises
        ------
        DocumentError
            If not.
        """
        if self.starts is not None and len(self.starts) != replications:
            raise trace_error(
                "starts", f"expected {replications}, one for each replication, got {len(self.starts)}"
            )

    def check_slots(self, slots: int) -> None:
        """Check that a run of so many `slots` is no longer than the trace, unless it goes around.

        Parameters
        ----------
        slots : int
            Warm-up included.

        Raises
        ------
        ProblemError
            If it is longer.
        """
        if self.starts is None and slots > self.slots:
            raise ProblemError("$.slots", f"expected at most the {self.slots} of the trace, got {slots}")

    def first(self, slots: int, system: System) -> Trace:
        """Return the first slots of the trace.

        Parameters
        ----------
        slots : int
            Their number, from 1 to T.
        system : System
            Gives G, slots of a period.
        """
        periods = -(-slots // system.slots_per_period)
        points = None if self.partition is None else self.partition[:periods]
        edges = None if self.edges is None else self.edges[:periods]
        return Trace(self.arrivals[:slots], self.channel_gain[:slots], points, drawn=self.drawn, edges=edges)

    def check_against(self, system: System) -> None:
        """Check that the shapes and values of the trace fit a system.

        Parameters
        ----------
        system : System
            M devices with S services in all.

        Raises
        ------
        DocumentError
            If they do not.
        """
        services, devices = len(system.services), len(system.devices)
        periods = -(-self.slots // system.slots_per_period)
        _check_shape(self.arrivals, "arrivals", (self.slots, services))
        links = system.edges is not None and self.channel_gain.ndim == 3
        of_links = (len(system.links.edge_ids),) if links else ()
        _check_shape(self.channel_gain, "channel_gain", (self.slots, *of_links, devices))
        self._check_shares(system)
        radios = system.max_power_w, system.device_bandwidth_hz, system.noise_w_per_hz
        for gain in np.moveaxis(self.link_gains(system), 1, 0):
            check_signal(gain, *radios, system.slot_duration_s)
        if self.edges is not None:
            _check_shape(self.edges, "edges", (periods, devices))
        if self.partition is not None:
            _check_shape(self.partition, "partition", (periods, services))
            check_points(self.partition, system, "partition")

    def link_gains(self, system: System) -> Floats:
        """Return the gains of the links of each device to each of E edge servers (T, E, M).

        Parameters
        ----------
        system : System
            Gives the mean gains of links, and of devices.
        """
        if self.channel_gain.ndim == 3:
            return self.channel_gain
        if system.edges is None:
            return self.channel_gain[:, None]
        return self.channel_gain[:, None] * (system.links.mean_gain / system.mean_channel_gain())

    def _check_shares(self, system: System) -> None:
        """Check that gains of measured radios are shares of their rates."""
        wrong = np.argwhere((self.channel_gain > 1.0) & ~np.isnan(system.radio_rate_bps))
        if wrong.size:
            place = tuple(wrong[0])
            reason = f"expected a share of the radio's rate, from 0 to 1, got {self.channel_gain[place]}"
            raise trace_error("channel_gain", reason, place)


def hash_of(arrays: Mapping[str, Integers | Floats]) -> str:
    """SHA-256 of recorded arrays, in hexadecimal: alike for equal numbers of any type.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        `arrivals` (T, S), `channel_gain` (T, M), or both.
    """
    hasher = hashlib.sha256()
    for name in RECORDED:
        if name in arrays:
            numbers = np.asarray(arrays[name], "<i8" if name == "arrivals" else "<f8") + 0  # no -0.0
            hasher.update(f"{name} {numbers.shape}\0".encode())
            hasher.update(np.ascontiguousarray(numbers).data)
    return hasher.hexdigest()


def check_points(points: Integers, system: System, name: str) -> None:
    """Check that every partition point is a cut of its service's DNN.

    Parameters
    ----------
    points : ndarray (..., S) of int
        Partition points, not negative.
    system : System
        Gives K of each service.
    name : str
        Name of the field, for the error.

    Raises
    ------
    DocumentError
        If one is larger than K.
    """
    wrong = np.argwhere(points >= system.cut_counts)
    if wrong.size:
        place = tuple(wrong[0])
        raise trace_error(
            name, f"expected at most K = {system.cut_counts[place[-1]] - 1}, got {points[place]}", place
        )


def _check_shape(array: Any, name: str, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise trace_error(name, f"expected shape {shape}, got {array.shape}")


def _whole(values: Any, name: str) -> Integers:
    array = _numbers(values, name)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise trace_error(name, f"expected a table of integers, got {array.ndim} axes of {array.dtype}")
    wrong = np.argwhere((array < 0) | (array > _LARGEST_COUNT))
    if wrong.size:
        place = tuple(wrong[0])
        raise trace_error(name, f"expected an integer from 0 to {_LARGEST_COUNT}, got {array[place]}", place)
    return _frozen(array, np.int64)


def _numbers(values: Any, name: str) -> Any:
    if isinstance(values, np.ndarray) and not is_masked(values):
        return values
    try:
        return as_numbers(values, name)
    except ProblemError as error:
        raise trace_error(name, error.reason) from None


def _finite(values: Any, name: str) -> Floats:
    array = _numbers(values, name)
    if array.ndim not in (2, 3) or array.dtype.kind not in "fiu":
        raise trace_error(name, f"expected a table of numbers, got {array.ndim} axes of {array.dtype}")
    array = array.astype(np.float64)
    wrong = np.argwhere(~((array >= 0.0) & (array < np.inf)))
    if wrong.size:
        place = tuple(wrong[0])
        raise trace_error(name, f"expected a finite number >= 0, got {array[place]}", place)
    return _frozen(array + 0.0, np.float64)  # no -0.0


def _frozen(array: Any, dtype: Any) -> Any:
    return read_only(np.array(array, dtype, order="C"))


def trace_error(name: str, reason: str, place: tuple[Any, ...] = ()) -> DocumentError:
    """Make the error of an array of a trace.

    Parameters
    ----------
    name : str
        Of the array.
    reason : str
        What was expected, and what was got.
    place : tuple of int
        Indices of the wrong element, if it is one.
    """
    return DocumentError([(f"$.{name}" + "".join(f"[{i}]" for i in place), reason)])
