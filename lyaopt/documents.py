"""Slot documents, read strictly, and solution documents (JSON).

Reading takes two steps. Nearly every document is read by a short loop that accepts only what is plainly
right; whatever it does not accept goes to the strict models in `lyaopt.schemas`, which find all errors and
their paths.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

import numpy as np
from pydantic_core import from_json, to_json

from . import __version__, strict_json
from .slot import Floats, Objective, ProblemError, SlotProblem, SlotSolution

# Ragged services are padded with zeros: one long device among many short ones must not exhaust the memory.
MAX_PADDED_SERVICES = 2**25

_SCALARS = itemgetter(
    "slot_duration_s",
    "bandwidth_hz",
    "edge_capacity_hz",
    "energy_coefficient",
    "energy_weight_local",
    "energy_weight_transmit",
)
_DEVICE = itemgetter("cpu_capacity_hz", "max_power_w", "channel_gain")
_QUEUES = itemgetter("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
_NUMBERS = {float, int}
_DEFAULT_NOISE = -174.0


class DocumentError(ProblemError):
    """A document that is refused; `path` and `reason` are those of the first error.

    Attributes
    ----------
    errors : tuple of (path, reason)
        Everything that is wrong, the first one first.
    line : int or None
        Line of the first error in the text, from 1; None for a document that never was text.
    """

    def __init__(self, errors: list[tuple[str, str]], line: int | None = None) -> None:
        super().__init__(*errors[0])
        self.errors = tuple(errors)
        self.line = line


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
        gathered = _Gathered(from_json(text))
        gathered.refuse_unusual_numbers()
        # A string has two quotes, and parsing keeps one of two equal keys: with as many quotes in the text as
        # in the parsed data no key was repeated.
        quote: Any = b'"' if isinstance(text, bytes) else '"'
        if text.count(quote) == 2 * gathered.strings:
            return gathered.problem()
    except (ValueError, TypeError, LookupError, OverflowError):
        pass
    return _read_carefully(text)


def problem_from_dict(data: dict[str, Any]) -> SlotProblem:
    """Build the problem of a slot document that is already parsed; raises `DocumentError` as reading does."""
    errors = _errors(data)
    if errors:
        raise DocumentError([(strict_json.show_path(path), reason) for path, reason in errors])
    return _Gathered(data).problem()


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
    return _Gathered(data).problem()


def _errors(data: Any) -> list[tuple[strict_json.Path, str]]:
    from .schemas import slot_document_errors

    errors = slot_document_errors(data)
    if errors:
        return errors
    errors = _repeated_ids(("devices",), "device", data["devices"])
    for m, device in enumerate(data["devices"]):
        errors += _repeated_ids(("devices", m, "services"), "service", device["services"])
    most = max((len(device["services"]) for device in data["devices"]), default=0)
    if most * len(data["devices"]) > MAX_PADDED_SERVICES:
        got = f"{len(data['devices'])} x {most}"
        expected = f"at most {MAX_PADDED_SERVICES} devices x most services on one"
        errors.append((("devices",), f"expected {expected}, got {got}"))
    return errors


def _ids(kind: str, items: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple([item.get("id") or f"{kind}-{index}" for index, item in enumerate(items)])


def _repeated_ids(
    path: strict_json.Path, kind: str, items: list[dict[str, Any]]
) -> list[tuple[strict_json.Path, str]]:
    first: dict[str, int] = {}
    errors: list[tuple[strict_json.Path, str]] = []
    for index, name in enumerate(_ids(kind, items)):
        if first.setdefault(name, index) != index:
            place: strict_json.Path = (*path, index, "id") if "id" in items[index] else (*path, index)
            got = strict_json.show_value(name)
            errors.append((place, f"expected an id that no other {kind} has, got {got} again"))
    return errors


class _Gathered:
    """The numbers and names of a parsed slot document, in flat lists.

    Raises ValueError, TypeError or LookupError on a wrong key, structure or id; numbers are looked at apart.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.devices: list[dict[str, Any]] = data["devices"]
        self.scalars = _SCALARS(data)
        self.noise = data.get("noise_psd_dbm_per_hz", _DEFAULT_NOISE)
        _require(type(self.devices) is list and len(data) == 7 + ("noise_psd_dbm_per_hz" in data))
        share = self.scalars[1] / max(len(self.devices), 1)
        self.device_numbers: list[float] = []
        self.bandwidths: list[float] = []
        self.queues: list[float] = []
        self.counts: list[int] = []
        self.service_ids: list[tuple[str, ...]] = []
        self.strings = len(data)
        for device in self.devices:
            self._add(device, share)
        self.device_ids = _ids("device", self.devices)
        _require(len({*self.device_ids}) == len(self.devices))

    def _add(self, device: dict[str, Any], share: float) -> None:
        services = device["services"]
        named = "id" in device
        _require(type(services) is list and (not named or _is_id(device["id"])))
        _require(len(device) == 4 + named + ("bandwidth_hz" in device))
        self.strings += len(device) + named
        self.device_numbers += _DEVICE(device)
        self.bandwidths.append(device.get("bandwidth_hz", share))
        self.counts.append(len(services))
        for service in services:
            named = "id" in service
            _require(len(service) == 3 + named and (not named or _is_id(service["id"])))
            self.strings += 3 + 2 * named
            self.queues += _QUEUES(service)
        ids = _ids("service", services)
        _require(len({*ids}) == len(services))
        self.service_ids.append(ids)

    def refuse_unusual_numbers(self) -> None:
        """Raise ValueError or OverflowError unless all are plainly numbers, finite and in range."""
        numbers = [*self.scalars, *self.device_numbers, *self.bandwidths, *self.queues]
        _require({*map(type, numbers), type(self.noise)} <= _NUMBERS)
        # A sum is finite only if its terms are; the comparisons are false for NaN.
        _require(min(numbers) >= 0.0 and sum(numbers, 0.0) < np.inf and abs(self.noise) < np.inf)
        _require(self.scalars[0] > 0 and min(self.bandwidths, default=1) > 0 and self.scalars[1] > 0)
        _require(len(self.counts) * max(self.counts, default=0) <= MAX_PADDED_SERVICES)

    def problem(self) -> SlotProblem:
        """Arrays of the slot problem."""
        duration, _, edge_capacity, coefficient, weight_local, weight_transmit = map(float, self.scalars)
        cpu, power, gain = np.array(self.device_numbers, dtype=np.float64).reshape(-1, 3).T.copy()
        local, transmit, edge = self._padded_queues()
        return SlotProblem(
            slot_duration_s=duration,
            energy_coefficient=coefficient,
            energy_weight_local=weight_local,
            energy_weight_transmit=weight_transmit,
            edge_capacity_hz=edge_capacity,
            cpu_capacity_hz=cpu,
            max_power_w=power,
            channel_gain=gain,
            bandwidth_hz=np.array(self.bandwidths, dtype=np.float64),
            local_queue_cycles=local,
            transmit_queue_bits=transmit,
            edge_queue_cycles=edge,
            noise_psd_dbm_per_hz=float(self.noise),
            service_counts=tuple(self.counts),
            device_ids=self.device_ids,
            service_ids=tuple(self.service_ids),
        )

    def _padded_queues(self) -> Floats:
        """Queues as a (3, M, N) array."""
        queues: Floats = np.array(self.queues, dtype=np.float64).reshape(-1, 3).T
        shape = (3, len(self.counts), max(self.counts, default=0))
        if shape[1] * shape[2] == queues.shape[1]:
            return queues.copy().reshape(shape)
        padded = np.zeros(shape)
        padded[:, np.arange(shape[2]) < np.array(self.counts)[:, None]] = queues
        return padded


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _is_id(value: Any) -> bool:
    return type(value) is str and value != ""


def solution_to_dict(solution: SlotSolution) -> dict[str, Any]:
    """Solution document, as plain Python (see docs/formats.md for every key)."""
    problem = solution.problem
    local = solution.local_cpu_hz.tolist()
    rates = solution.rate_bps.tolist()
    edge = solution.edge_cpu_hz.tolist()
    count, most = solution.local_cpu_hz.shape
    counts = problem.service_counts or (most,) * count
    service_ids = problem.service_ids or tuple([_ids("service", [{}] * n) for n in counts])
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
        "devices": _device_dicts(solution, list(map(sum, local)), list(map(sum, rates)), services),
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
    solution: SlotSolution, cpu_hz: list[float], rate_bps: list[float], services: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    columns = {
        "id": solution.problem.device_ids or _ids("device", [{}] * len(cpu_hz)),
        "cpu_hz": cpu_hz,
        "power_w": solution.power_w.tolist(),
        "rate_bps": rate_bps,
        "local_energy_j": solution.local_energy_j.tolist(),
        "transmit_energy_j": solution.transmit_energy_j.tolist(),
        "local_price": solution.local_price.tolist(),
        "rate_price": solution.rate_price.tolist(),
        "services": services,
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


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
