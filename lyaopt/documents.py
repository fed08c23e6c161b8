"""Slot documents, read strictly, and solution documents (JSON).

Reading takes two steps. Nearly every document is read by a short loop that accepts only what is plainly
right; whatever it does not accept goes to the strict models in `lyaopt.schemas`, which find all errors and
their paths.
"""

from __future__ import annotations

import json
import math
from operator import itemgetter
from typing import Any

import numpy as np
from pydantic_core import from_json, to_json

from . import __version__, strict_json
from .problem import LARGEST_SIGNAL, Floats, ProblemError, noise_w_per_hz
from .slot import Objective, SlotProblem, SlotSolution

# Ragged services are padded with zeros: one long device among many short ones must not exhaust the memory.
MAX_PADDED_SERVICES = 2**24

_SCALARS = itemgetter(
    "slot_duration_s",
    "energy_coefficient",
    "energy_weight_local",
    "energy_weight_transmit",
    "edge_capacity_hz",
)
_DEVICE = itemgetter("cpu_capacity_hz", "max_power_w", "channel_gain")
_QUEUES = itemgetter("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
_NO_SERVICE = (0.0, 0.0, 0.0)
_NUMBERS = {float, int}
_DEFAULT_NOISE = -174.0


class DocumentError(ProblemError):
    """A document that is refused; `path` and `reason` are those of the first error.

    Attributes
    ----------
    errors : tuple of (str, str)
        Path and reason of everything that is wrong, the first one first.
    line : int or None
        Line of the first error in the text, from 1; None for a document that never was text.
    """

    def __init__(self, errors: list[tuple[str, str]], line: int | None = None) -> None:
        super().__init__(*errors[0])
        self.errors = tuple(errors)
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self.errors), self.line)


def read_slot_document(text: bytes | str) -> SlotProblem:
    """Read a slot document.

    Parameters
    ----------
    text : bytes or str
        One JSON object; bytes are UTF-8.

    Raises
    ------
    DocumentError
        If the text is not JSON, or not exactly a slot document (see docs/formats.md).
    """
    try:
        quote: Any = b'"' if isinstance(text, bytes) else '"'
        problem = plain_slot_problem(from_json(text), text.count(quote) // 2)
        if problem is not None:
            return problem
    except (ValueError, TypeError, LookupError, ArithmeticError):
        pass
    return _read_carefully(text)


def plain_slot_problem(data: Any, strings: int) -> SlotProblem | None:
    """The problem of a parsed document of which everything is plainly right; the quick way.

    A string has two quotes, and parsing keeps one of two equal keys: with as many strings in the text as in
    the parsed data no key was repeated.

    Raises
    ------
    ValueError, TypeError, LookupError, ArithmeticError
        If something is not plainly right; it may be right all the same.
    """
    gathered = _Gathered(data)
    return gathered.plain_problem() if gathered.strings == strings else None


def problem_from_dict(data: dict[str, Any]) -> SlotProblem:
    """Build the problem of a slot document that is already parsed; raises `DocumentError` as reading does."""
    errors = _errors(data)
    if errors:
        raise DocumentError([(strict_json.show_path(path), reason) for path, reason in errors])
    try:
        return _Gathered(data).problem()
    except ProblemError as error:
        raise DocumentError([(error.path, error.reason)]) from None


def _read_carefully(text: bytes | str) -> SlotProblem:
    try:
        decoded = strict_json.decode(text)
        data = strict_json.parse(decoded)
    except strict_json.JsonError as error:
        raise DocumentError([("$", error.reason)], error.line) from None
    errors = [(path, "expected this key once, got it again") for path in strict_json.repeated_keys(data)]
    errors += _errors(data)
    if errors:
        shown = [(strict_json.show_path(path), reason) for path, reason in errors]
        raise DocumentError(shown, strict_json.line_of(decoded, errors[0][0]))
    try:
        return _Gathered(data).problem()
    except ProblemError as error:
        line = strict_json.line_of(decoded, strict_json.parse_path(error.path))
        raise DocumentError([(error.path, error.reason)], line) from None


def _errors(data: Any) -> list[tuple[strict_json.Path, str]]:
    from .schemas import slot_document_errors

    return slot_document_errors(data) or structure_errors(data["devices"])


def structure_errors(devices: list[dict[str, Any]]) -> list[tuple[strict_json.Path, str]]:
    """Repeated ids of devices and services, and devices too uneven to be padded; each by path and reason."""
    errors = _repeated_ids(("devices",), "device", devices)
    for m, device in enumerate(devices):
        errors += _repeated_ids(("devices", m, "services"), "service", device["services"])
    most = max((len(device["services"]) for device in devices), default=0)
    if most * len(devices) > MAX_PADDED_SERVICES:
        got = f"{len(devices)} x {most}"
        expected = f"at most {MAX_PADDED_SERVICES} devices x most services on one"
        errors.append((("devices",), f"expected {expected}, got {got}"))
    return errors


def ids_by_position(kind: str, items: list[dict[str, Any]]) -> tuple[str, ...]:
    """Names of devices or services; those that have none are counted, as in ``device-0``."""
    return tuple([item.get("id", f"{kind}-{n}") for n, item in enumerate(items)])


def _repeated_ids(
    path: strict_json.Path, kind: str, items: list[dict[str, Any]]
) -> list[tuple[strict_json.Path, str]]:
    first: dict[str, int] = {}
    errors: list[tuple[strict_json.Path, str]] = []
    for index, name in enumerate(ids_by_position(kind, items)):
        if first.setdefault(name, index) != index:
            place: strict_json.Path = (*path, index, "id") if "id" in items[index] else (*path, index)
            got = strict_json.show_value(name)
            errors.append((place, f"expected an id that no other {kind} has, got {got} again"))
    return errors


class _Gathered:
    """The numbers and names of a parsed slot document, in flat lists, padded where services are ragged.

    Raises ValueError, TypeError or LookupError on a wrong key, structure or id; numbers are looked at apart.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        devices: list[dict[str, Any]] = data["devices"]
        _require(type(devices) is list and len(data) == 7 + ("noise_psd_dbm_per_hz" in data))
        self.noise = data.get("noise_psd_dbm_per_hz", _DEFAULT_NOISE)
        self.bandwidth = data["bandwidth_hz"]
        share = self.bandwidth / max(len(devices), 1)
        self.scalars = _SCALARS(data)
        self.counts = [len(device["services"]) for device in devices]
        self.most = max(self.counts, default=0)
        _require(self.most * len(devices) <= MAX_PADDED_SERVICES)
        self.device_ids = _checked_ids("device", devices)
        self.strings = len(data) + sum(map(len, devices)) + sum(["id" in device for device in devices])
        self.devices: list[float] = []
        self.queues: list[float] = []
        self.service_ids: list[tuple[str, ...]] = []
        for device in devices:
            _require(len(device) == 4 + ("id" in device) + ("bandwidth_hz" in device))
            self.devices += _DEVICE(device)
            self.devices.append(device.get("bandwidth_hz", share))
            self._add(device["services"])

    def _add(self, services: list[dict[str, Any]]) -> None:
        _require(type(services) is list)
        queues = self.queues
        strings = 0
        for service in services:
            named = "id" in service
            _require(len(service) == 3 + named)
            strings += 3 + 2 * named
            queues += _QUEUES(service)
        if len(services) < self.most:
            queues += _NO_SERVICE * (self.most - len(services))
        self.strings += strings
        self.service_ids.append(_checked_ids("service", services))

    def plain_problem(self) -> SlotProblem:
        """The slot problem; ValueError, TypeError or ArithmeticError unless its numbers are plainly right.

        Refused are also magnitudes that might leave double precision, judged over all devices at once.
        """
        numbers = [*self.scalars, self.bandwidth, *self.devices, *self.queues]
        _require({*map(type, numbers), type(self.noise)} <= _NUMBERS)
        narrowest = min(self.devices[3::4], default=self.bandwidth)
        # A sum is finite only if its terms are; the comparisons are false for NaN.
        _require(min(numbers) >= 0.0 and self.scalars[0] > 0.0 and self.bandwidth > 0.0)
        _require(sum(numbers, 0.0) / self.scalars[0] < math.inf and abs(self.noise) < math.inf)
        noise = noise_w_per_hz(self.noise)
        signal = max(self.devices[2::4], default=0.0) / (narrowest * noise)
        _require(max(self.devices[1::4], default=0.0) * signal <= LARGEST_SIGNAL)
        values: Floats = np.array([*self.scalars, noise, *self.devices, *self.queues], dtype=np.float64)
        end = 6 + len(self.devices)
        queues = values[end:].reshape(len(self.counts), self.most, 3)
        # One copy each, and then in the order that the kernels take.
        packed = (queues.T.copy(), values[6:end].reshape(-1, 4).T.copy(), values[:6])
        return SlotProblem._from_packed(packed, float(self.noise), **self._names())

    def problem(self) -> SlotProblem:
        """The slot problem with all checks; `ProblemError` if magnitudes leave double precision."""
        shape = (len(self.counts), self.most, 3)
        devices: Floats = np.array(self.devices, dtype=np.float64).reshape(-1, 4).T
        queues: Floats = np.array(self.queues, dtype=np.float64).reshape(shape).transpose(2, 0, 1)
        duration, coefficient, local, transmit, capacity = map(float, self.scalars)
        numbers = (duration, coefficient, local, transmit, capacity, *devices, *queues, float(self.noise))
        return SlotProblem(*numbers, **self._names())

    def _names(self) -> dict[str, Any]:
        return {
            "service_counts": tuple(self.counts),
            "device_ids": self.device_ids,
            "service_ids": tuple(self.service_ids),
        }


def _checked_ids(kind: str, items: list[dict[str, Any]]) -> tuple[str, ...]:
    ids = ids_by_position(kind, items)
    "".join(ids)  # takes strings only: the quickest check of all their types
    _require(len({*ids}) == len(ids) and all(ids))
    return ids


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def solution_to_dict(solution: SlotSolution) -> dict[str, Any]:
    """Solution document, as plain Python (see docs/formats.md for every key)."""
    problem = solution.problem
    local = solution.local_cpu_hz.tolist()
    rates = solution.rate_bps.tolist()
    edge = solution.edge_cpu_hz.tolist()
    count, most = solution.local_cpu_hz.shape
    counts = problem.service_counts or (most,) * count
    service_ids = problem.service_ids or tuple([ids_by_position("service", [{}] * n) for n in counts])
    services = [
        [
            {"id": name, "local_cpu_hz": f, "rate_bps": r, "edge_cpu_hz": e}
            for name, f, r, e in zip(service_ids[m], local[m], rates[m], edge[m], strict=False)
        ]
        for m in range(count)
    ]
    return {
        "status": solution.status,
        "objective": objective_to_dict(solution.objective),
        "certificate": {
            "relative_gap": solution.certificate.relative_gap,
            "max_violation": solution.certificate.max_violation,
        },
        "edge": {"cpu_hz": sum(map(sum, edge)), "price": solution.edge_price},
        "devices": _device_dicts(solution, list(map(sum, rates)), services),
        "lyaopt": __version__,
    }


def objective_to_dict(objective: Objective) -> dict[str, float]:
    """Values of the three problems and their sum."""
    return {
        "local": objective.local,
        "transmit": objective.transmit,
        "edge": objective.edge,
        "total": objective.total,
    }


def _device_dicts(
    solution: SlotSolution, rate_bps: list[float], services: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    columns = zip(
        solution.problem.device_ids or ids_by_position("device", [{}] * len(rate_bps)),
        solution.cpu_hz.tolist(),
        solution.power_w.tolist(),
        rate_bps,
        solution.local_energy_j.tolist(),
        solution.transmit_energy_j.tolist(),
        solution.local_price.tolist(),
        solution.rate_price.tolist(),
        services,
        strict=True,
    )
    return [
        {
            "id": name,
            "cpu_hz": cpu,
            "power_w": power,
            "rate_bps": rate,
            "local_energy_j": local_energy,
            "transmit_energy_j": transmit_energy,
            "local_price": local_price,
            "rate_price": rate_price,
            "services": given,
        }
        for name, cpu, power, rate, local_energy, transmit_energy, local_price, rate_price, given in columns
    ]


def encode_solution(solution: SlotSolution) -> bytes:
    """Solution document as compact JSON in one line, without the line's end.

    Raises
    ------
    ProblemError
        If a number of the solution is not finite, which JSON cannot say: magnitudes exceed double precision.
    """
    return encode(solution_to_dict(solution))


def encode(document: dict[str, Any]) -> bytes:
    """Write any result as compact JSON in one line; numbers read back exactly."""
    text = to_json(document)
    # Rare, but an id may hold the same letters: only then is a closer look worth its time.
    if b"NaN" in text or b"Infinity" in text:
        try:
            json.dumps(document, allow_nan=False)
        except ValueError:
            raise ProblemError(
                "$", "expected magnitudes within double precision, got a result beyond it"
            ) from None
    return text
