"""Slot documents (JSON), parsed strictly.

A short loop parses nearly every document; it accepts only documents that are certainly valid. All others go
to the strict models in `lyaopt.slot.schemas`, which find errors and their paths, and from there to
`lyaopt.slot.checked_documents`.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io.fast_json import from_json, is_pydantic
from lyaopt.io.ids import MAX_PADDED_SERVICES, ids_by_position, structure_errors
from lyaopt.slot.bandwidths import device_bandwidths
from lyaopt.slot.inputs import QUEUE_FIELDS, SCALAR_FIELDS, SPECTRA, WEIGHT_FIELDS, SlotInputs
from lyaopt.slot.limits import LEAST, noise_w_per_hz, signals_fit
from lyaopt.slot.problem import SlotProblem

# Late, in functions: what only documents with errors or rare keys need.
if TYPE_CHECKING:
    from lyaopt.io import strict_json

_SCALARS = itemgetter(*SCALAR_FIELDS)
_DEVICE = itemgetter("cpu_capacity_hz", "max_power_w", "channel_gain")  # the bandwidth has a default
_QUEUES = itemgetter(*QUEUE_FIELDS)
_NO_SERVICE = (0.0, 0.0, 0.0)
_NUMBERS = {float, int}
_DEFAULT_NOISE = SlotInputs.noise_psd_dbm_per_hz


def parse_slot_document(text: bytes | str) -> SlotProblem:
    """Parse a slot document.

    Parameters
    ----------
    text : bytes or str
        One JSON object; bytes are UTF-8.

    Raises
    ------
    DocumentError
        If the text is not JSON, or not exactly a slot document (see docs/reference/formats.md).
    """
    data = None
    try:
        data = from_json(text)
        quote: Any = b'"' if isinstance(text, bytes) else '"'
        problem = plain_slot_problem(data, text.count(quote) // 2)
        if problem is not None:
            return problem
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        pass
    return _parse_strictly(text, data if is_pydantic() else None)


def plain_slot_problem(data: Any, strings: int) -> SlotProblem | None:
    """Return the problem of a parsed document that is certainly valid; the fast path.

    Each string has two quotes, and parsing keeps one of several equal keys: if the text has as many strings
    as the parsed data, no key is repeated.

    Parameters
    ----------
    data : object
        The document as Python values.
    strings : int
        Number of strings in its text.

    Raises
    ------
    ValueError, TypeError, LookupError, ArithmeticError
        If the document is not certainly valid; the strict models decide.
    """
    gathered = _Gathered(data)
    return gathered.plain_problem() if gathered.strings == strings else None


def problem_from_dict(data: dict[str, Any]) -> SlotProblem:
    """Build the problem of a slot document that is already parsed.

    Parameters
    ----------
    data : dict
        The document as Python values.

    Raises
    ------
    DocumentError
        If it is not exactly a slot document.
    """
    from lyaopt.io import strict_json
    from lyaopt.slot.checked_documents import problem_of

    errors = _errors(data)
    if errors:
        raise DocumentError([(strict_json.show_path(path), reason) for path, reason in errors])
    try:
        return problem_of(data)
    except ProblemError as error:
        raise DocumentError([(error.path, error.reason)]) from None


def _parse_strictly(text: bytes | str, quick: Any = None) -> SlotProblem:
    from lyaopt.io import strict_json
    from lyaopt.slot.checked_documents import problem_of

    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        data = strict_json.parse(decoded, quick)
        del quick
    errors = strict_json.duplicate_keys(data)
    errors += _errors(data)
    if errors:
        shown = [(strict_json.show_path(path), reason) for path, reason in errors]
        raise DocumentError(shown, strict_json.line_of(decoded, errors[0][0]))
    try:
        return problem_of(data)
    except ProblemError as error:
        line = strict_json.line_of(decoded, strict_json.parse_path(error.path))
        raise DocumentError([(error.path, error.reason)], line) from None


def _errors(data: Any) -> list[tuple[strict_json.Path, str]]:
    from lyaopt.slot.schemas import slot_document_errors

    return slot_document_errors(data) or structure_errors(data["devices"])


class _Gathered:
    """The numbers and names of a parsed slot document, in flat lists, padded where services are ragged.

    Raises ValueError, TypeError or LookupError on a wrong key, structure or id, and on rare keys: tables of
    operating points and measured radios. Checks no numbers.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        devices: list[dict[str, Any]] = data["devices"]
        with_spectrum = "spectrum" in data
        _require(type(devices) is list and len(data) == 7 + ("noise_psd_dbm_per_hz" in data) + with_spectrum)
        self.noise = data.get("noise_psd_dbm_per_hz", _DEFAULT_NOISE)
        self.spectrum = None
        if with_spectrum:
            self.spectrum = data["spectrum"]
            _require(self.spectrum in SPECTRA)
        self.bandwidth = data["bandwidth_hz"]
        self.scalars = _SCALARS(data)
        self.counts = [len(device["services"]) for device in devices]
        self.most = max(self.counts, default=0)
        _require(self.most * len(devices) <= MAX_PADDED_SERVICES)
        self.device_ids = _checked_ids("device", devices)
        self.strings = len(data) + sum(map(len, devices)) + sum(["id" in device for device in devices])
        self.strings += with_spectrum
        self.devices: list[float] = []
        self.queues: list[float] = []
        self.service_ids: list[tuple[str, ...]] = []
        self.more_keys = 0  # of services
        own = [device.get("bandwidth_hz") for device in devices]
        given = len(own) - own.count(None)
        for device, width in zip(devices, device_bandwidths(self.bandwidth, own), strict=True):
            has_own = "bandwidth_hz" in device
            given -= has_own
            _require(len(device) == 4 + ("id" in device) + has_own)
            self.devices += _DEVICE(device)
            self.devices.append(width)
            self._add(device["services"])
        _require(given == 0)  # a bandwidth of null is none
        self.weights = self._gather_weights(devices) if self.more_keys else None

    def _add(self, services: list[dict[str, Any]]) -> None:
        _require(type(services) is list)
        queues = self.queues
        keys = names = 0
        for service in services:
            names += "id" in service
            keys += len(service)
            queues += _QUEUES(service)
        if len(services) < self.most:
            queues += _NO_SERVICE * (self.most - len(services))
        self.strings += keys + names
        self.more_keys += keys - names - 3 * len(services)
        self.service_ids.append(_checked_ids("service", services))

    def _gather_weights(self, devices: list[dict[str, Any]]) -> list[list[float] | None]:
        """The weights of all services by field, the backlog by default; None where no service has one."""
        services = [service for device in devices for service in device["services"]]
        columns: list[list[float] | None] = []
        given = 0
        for name, queue in zip(WEIGHT_FIELDS, QUEUE_FIELDS, strict=True):
            column = [service.get(name) for service in services]
            missing = column.count(None)
            given += len(column) - missing
            if 0 < missing < len(column):
                column = [service.get(name, service[queue]) for service in services]
            columns.append(None if missing == len(column) else column)
        _require(given == self.more_keys)
        return columns

    def plain_problem(self) -> SlotProblem:
        """The slot problem; ValueError, TypeError or ArithmeticError unless its numbers are certainly valid.

        Magnitudes that might leave double precision are refused too, by bounds over all devices.
        """
        numbers = [*self.scalars, self.bandwidth, *self.devices, *self.queues]
        if self.weights is not None:
            numbers += [weight for column in self.weights if column is not None for weight in column]
        _require({*map(type, numbers), type(self.noise)} <= _NUMBERS)
        # A sum is finite only if its terms are; the comparisons are false for NaN.
        _require(min(numbers) >= 0.0 and self.scalars[0] > 0.0 and self.bandwidth > 0.0)
        _require(sum(numbers, 0.0) / self.scalars[0] < math.inf and abs(self.noise) < math.inf)
        noise = noise_w_per_hz(self.noise)
        power, gain, band = [(min(row), max(row)) for row in (self.devices[i::4] for i in (1, 2, 3))]
        tau = self.scalars[0]
        _require(signals_fit(gain, power, band, len(self.counts), noise, (tau, tau)))
        _require(min(filter(None, self.queues), default=math.inf) / max(tau, 1.0) >= LEAST)
        values: Floats = np.array([*self.scalars, noise, *self.devices, *self.queues], dtype=np.float64)
        np.abs(values, out=values)  # no -0.0
        end = 6 + len(self.devices)
        queues = values[end:].reshape(len(self.counts), self.most, 3)
        # One copy each, in the kernels' order.
        packed = (queues.T.copy(), values[6:end].reshape(-1, 4).T.copy(), values[:6])
        problem = SlotProblem._from_packed(packed, float(self.noise), **self._names())
        if self.weights is not None:
            problem._keep_weights(self._pack_weights(packed[0], self.weights), self.weights)
        return problem

    def _pack_weights(self, queues: Floats, columns: list[list[float] | None]) -> Floats:
        """The weights in the order of `queues` (3, N, M), by default the backlogs."""
        packed = queues.copy()
        present = None
        if min(self.counts) < self.most:
            present = np.arange(self.most) < np.array(self.counts)[:, None]
        for row, column in zip(packed, columns, strict=True):
            if column is None:
                continue
            if present is None:
                row.T.flat = column
            else:
                row.T[present] = column
        return packed

    def _names(self) -> dict[str, Any]:
        names = {
            "service_counts": tuple(self.counts),
            "device_ids": self.device_ids,
            "service_ids": tuple(self.service_ids),
        }
        return names if self.spectrum is None else names | {"spectrum": self.spectrum}


def _checked_ids(kind: str, items: list[dict[str, Any]]) -> tuple[str, ...]:
    ids = ids_by_position(kind, items)
    "".join(ids).encode()  # fails unless all are strings, of whole characters: the fastest check
    _require(len({*ids}) == len(ids) and all(ids))
    return ids


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError
