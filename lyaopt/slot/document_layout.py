"""Slot documents that differ in numbers only, as those of a stream: what one of them tells about the others.

Two texts without backslashes that are the same once the characters of numbers are left out have the same
objects, lists and pairs, if both are JSON and no list of the first is empty: JSON demands a value where the
first has a number, and allows none elsewhere. Keys and names may still differ in such characters, as ``"a1"``
and ``"a2"``. An object with as many pairs as the first that has all keys of the first has no others, and none
twice; names are compared.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.slot.inputs import QUEUE_FIELDS, SCALAR_FIELDS, WEIGHT_FIELDS
from lyaopt.slot.problem import SlotProblem

_NUMBER = b"0123456789+-.eE"
_DEVICE = ("cpu_capacity_hz", "max_power_w", "channel_gain")
_NOISE, _WIDTH = "noise_psd_dbm_per_hz", "bandwidth_hz"
BANDWIDTH = len(SCALAR_FIELDS)
"""Column of the bandwidth, behind the scalars."""


def skeleton(text: bytes) -> bytes:
    """Leave out the characters of numbers.

    Parameters
    ----------
    text : bytes
        A document.
    """
    return text.translate(None, _NUMBER)


class Layout:
    """Where a valid document has its numbers.

    Parameters
    ----------
    data : dict
        The document as Python values.
    problem : SlotProblem
        Its problem, of M devices of at most N services.

    Attributes
    ----------
    size : int
        K, the number of numbers.
    shape : tuple of int
        (N, M), as kernels have it.
    noise : int or None
        Column of the noise among the numbers, if it is given.
    devices : (3 * M,) array of int
        Columns of F^l of all devices, then p^max, then h.
    power_and_gain : list of slice
        Columns of p^max and of h.
    widths : array of int
        Columns of b_w of all devices; none where it is left out.
    queues, weights : arrays of int
        Columns of the backlogs and weights of all services; none where weights are left out.
    places : array of int
        Their places in an array (3, N, M).

    Raises
    ------
    ValueError
        If the document has rare keys, devices or services with other keys than the first, or no services.
    """

    def __init__(self, data: dict[str, Any], problem: SlotProblem) -> None:
        devices = data["devices"]
        services = [service for device in devices for service in device["services"]]
        top, of_device, of_service = (
            _keys_of([data], ("devices",), (*SCALAR_FIELDS, "bandwidth_hz"), (_NOISE,)),
            _keys_of(devices, ("services",), _DEVICE, ("id", _WIDTH)),
            _keys_of(services, (), QUEUE_FIELDS, ("id", *WEIGHT_FIELDS)),
        )
        if not all(device["services"] for device in devices):
            raise ValueError
        self._top, self._of_device, self._of_service = map(_getter, (top, of_device, of_service))
        keys = [*top, *of_device * len(devices), *of_service * len(services)]
        self._numbers = itemgetter(*(place for place, key in enumerate(keys) if key != "id"))
        named = [place for place, key in enumerate(keys) if key == "id"]
        self._names_of = itemgetter(*named, 0) if named else None
        self._names = [value for value in self._values(data) if isinstance(value, str)]
        self.size = len(keys) - len(named)
        self.shape = problem.local_queue_cycles.shape[::-1]
        self.noise = top.index(_NOISE) if _NOISE in top else None
        self._place(len(top), [len(device["services"]) for device in devices], of_device, of_service)

    def _place(self, first: int, counts: list[int], of_device: list[str], of_service: list[str]) -> None:
        most, many = self.shape
        numbers = [key for key in of_device if key != "id"]
        columns = first + np.arange(many * len(numbers)).reshape(many, -1)
        self.power_and_gain = [
            slice(first + numbers.index(key), first + columns.size, len(numbers)) for key in _DEVICE[1:]
        ]
        self.devices: Integers = columns[:, [numbers.index(key) for key in _DEVICE]].T.ravel()
        self.widths: Integers = columns[:, [numbers.index(_WIDTH)] if _WIDTH in numbers else []].ravel()
        first += columns.size
        numbers = [key for key in of_service if key != "id"]
        columns = first + np.arange(sum(counts) * len(numbers)).reshape(-1, len(numbers))
        self.queues: Integers = columns[:, [numbers.index(key) for key in QUEUE_FIELDS]].T.ravel()
        weights = [numbers.index(key) for key in WEIGHT_FIELDS if key in numbers]
        self.weights: Integers = columns[:, weights].T.ravel()
        lanes = [n * many + m for m, count in enumerate(counts) for n in range(count)]
        self.places: Integers = (most * many * np.arange(3)[:, None] + lanes).ravel()

    def _values(self, data: dict[str, Any]) -> list[Any]:
        devices = data["devices"]
        services = [service for device in devices for service in device["services"]]
        inner = chain(map(self._of_device, devices), map(self._of_service, services))
        return [*self._top(data), *chain.from_iterable(inner)]

    def numbers(self, data: dict[str, Any]) -> tuple[float, ...]:
        """Return the numbers of a document with the same skeleton, unchecked.

        Parameters
        ----------
        data : dict
            The document as Python values.

        Raises
        ------
        LookupError
            If keys or names are others.
        """
        values = self._values(data)
        if self._names_of is not None and [*self._names_of(values)][:-1] != self._names:
            raise LookupError
        return self._numbers(values)

    def fill(self, numbers: Floats, columns: Integers) -> Floats:
        """Arrange numbers of services as kernels take them.

        Parameters
        ----------
        numbers : (B, K) array
            Of B documents.
        columns : array of int
            `queues` or `weights`.

        Returns
        -------
        (B, 3, N, M) array
            With zeros where a device has fewer services than another.
        """
        filled = np.zeros((len(numbers), 3 * self.shape[0] * self.shape[1]))
        filled[:, self.places] = numbers[:, columns]
        return filled.reshape(-1, 3, *self.shape)


def _keys_of(
    objects: list[dict[str, Any]], inner: tuple[str, ...], needed: tuple[str, ...], more: tuple[str, ...]
) -> list[str]:
    """The keys of all of some objects: those needed and some more, without those of lists."""
    first = objects[0].keys()
    if any(other.keys() != first for other in objects) or not first >= {*inner, *needed}:
        raise ValueError
    keys = [*needed, *(key for key in more if key in first)]
    weights = sum(key in first for key in WEIGHT_FIELDS)
    if len(keys) + len(inner) != len(first) or weights not in (0, len(WEIGHT_FIELDS)):
        raise ValueError
    return keys


def _getter(keys: list[str]) -> Any:
    return itemgetter(*keys)
