"""A -0.0 means 0.0 wherever it is given: as a number, in an array, a document, a scenario or a trace."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotBatch, SlotProblem, solve_slot, solve_slots
from lyaopt.arrays import as_scalar, check_array
from lyaopt.model.system import Device, Service, System
from lyaopt.simulation.traces import Trace
from lyaopt.slot.documents import parse_slot_document, problem_from_dict
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SCALAR_FIELDS, WEIGHT_FIELDS

_NOT_ZERO = ("slot_duration_s", "bandwidth_hz")
_NAMES = [n for n in (*SCALAR_FIELDS, *DEVICE_FIELDS, *QUEUE_FIELDS, *WEIGHT_FIELDS) if n not in _NOT_ZERO]
_ANSWERS = ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "cpu_hz", "power_w")


def _fields(name: str, zero: float, shape: tuple[int, ...]) -> dict[str, Any]:
    """Three devices with three services in all regimes, and a zero in one field."""
    rng = np.random.default_rng(7)
    draw = {"local_queue_cycles": 1e8, "transmit_queue_bits": 1e6, "edge_queue_cycles": 1e8}
    values: dict[str, Any] = {n: rng.uniform(0.01, 1.0, shape) * most for n, most in draw.items()}
    values |= {
        "slot_duration_s": 0.01,
        "energy_coefficient": 1e-28,
        "energy_weight_local": 1e17,
        "energy_weight_transmit": 1e13,
        "edge_capacity_hz": 2e10,
        "cpu_capacity_hz": np.full(3, 1.5e9),
        "max_power_w": np.full(3, 0.3),
        "channel_gain": np.full(shape[:-1], 1e-11),
        "bandwidth_hz": np.full(3, 3e5),
    }
    if name in WEIGHT_FIELDS:
        values[name] = rng.uniform(1.0, 1e6, shape)
    if np.ndim(values[name]):
        values[name].flat[0] = zero
    else:
        values[name] = zero
    return values


def _has_sign(instance: Any) -> bool:
    arrays = [np.asarray(v) for n in _NAMES if (v := getattr(instance, n)) is not None]
    return any(np.signbit(array).any() for array in arrays)


def _assert_same(one: Any, other: Any) -> None:
    for name in _ANSWERS:
        assert np.asarray(getattr(one, name)).tobytes() == np.asarray(getattr(other, name)).tobytes(), name


@pytest.mark.parametrize("name", _NAMES)
def test_a_slot_is_solved_with_the_zero(name: str) -> None:
    with_sign, without = (SlotProblem(**_fields(name, zero, (3, 3))) for zero in (-0.0, 0.0))
    assert not _has_sign(with_sign)
    assert not any(np.signbit(array).any() for array in with_sign._packed)
    _assert_same(solve_slot(with_sign), solve_slot(without))


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("spectrum", ["split", "shared"])
def test_a_batch_is_solved_with_the_zeros(name: str, method: str, spectrum: str) -> None:
    batches = [SlotBatch(**_fields(name, zero, (4, 3, 3)), spectrum=spectrum) for zero in (-0.0, 0.0)]
    assert not _has_sign(batches[0])
    _assert_same(*[solve_slots(batch, method) for batch in batches])


@pytest.mark.parametrize("name", ["energy_coefficient", "energy_weight_local", "energy_weight_transmit"])
@pytest.mark.parametrize("shape", [(3,), (4, 1), (4, 3)])
def test_zeros_of_devices_and_slots_have_no_sign(name: str, shape: tuple[int, ...]) -> None:
    given = [_fields(name, zero, (4, 3, 3)) | {name: np.full(shape, zero)} for zero in (-0.0, 0.0)]
    _assert_same(*[solve_slots(SlotBatch(**values)) for values in given])


def test_the_array_given_is_left_as_it_is() -> None:
    values = _fields("channel_gain", -0.0, (4, 3, 3))
    gain = values["channel_gain"] = np.asfortranarray(values["channel_gain"])
    before = gain.tobytes("A")
    assert SlotBatch(**values).channel_gain is not gain
    assert gain.tobytes("A") == before


def _document(zero: float, path: tuple[str | int, ...]) -> dict[str, Any]:
    service = dict.fromkeys((*QUEUE_FIELDS, *WEIGHT_FIELDS), 1e6)
    device: dict[str, Any] = {"cpu_capacity_hz": 1e9, "max_power_w": 0.3, "channel_gain": 1e-11}
    scalars = {"energy_coefficient": 1e-28, "energy_weight_local": 1e17, "energy_weight_transmit": 1e13}
    data: dict[str, Any] = {"slot_duration_s": 0.01, "edge_capacity_hz": 2e10, "bandwidth_hz": 1e6}
    data |= scalars | {"devices": [device | {"services": [service]}]}
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = zero
    return data


_PATHS: list[tuple[str | int, ...]] = [(n,) for n in SCALAR_FIELDS if n not in _NOT_ZERO]
_PATHS += [("devices", 0, n) for n in DEVICE_FIELDS if n not in _NOT_ZERO]
_PATHS += [("devices", 0, "services", 0, n) for n in (*QUEUE_FIELDS, *WEIGHT_FIELDS)]


@pytest.mark.parametrize("path", _PATHS)
def test_documents_have_no_signed_zero(path: tuple[str | int, ...]) -> None:
    signed = _document(-0.0, path)
    expected = solve_slot(problem_from_dict(_document(0.0, path)))
    for problem in (problem_from_dict(signed), parse_slot_document(json.dumps(signed))):
        assert not _has_sign(problem)
        assert not any(np.signbit(array).any() for array in problem._packed)
        _assert_same(solve_slot(problem), expected)


def _numbers_with(zero: float) -> System:
    zeros = dict.fromkeys(("edge_capacity_hz", "energy_coefficient", "waiting_cost_j_per_s"), zero)
    zeros |= dict.fromkeys(("energy_weight_local", "energy_weight_transmit"), zero)
    service = Service("alexnet", arrival_rate_per_s=zero, waiting_cost_j_per_s=zero)
    device = Device(distance_m=100.0, services=(service,), cpu_capacity_hz=zero, max_power_w=zero)
    return System(devices=(device,), **zeros)


def test_scenarios_have_no_signed_zero() -> None:
    """Every number of a system, its devices and services that may be 0."""
    system = _numbers_with(-0.0)
    parts = (system, *system.devices, *system.services)
    numbers = [getattr(part, f.name) for part in parts for f in fields(part)]
    zeros = [number for number in numbers if isinstance(number, float) and number == 0.0]
    assert len(zeros) >= 9
    assert not np.signbit(zeros).any()
    assert not np.signbit(replace(system, energy_coefficient=-0.0).energy_coefficient)


def test_traces_have_no_signed_zero() -> None:
    trace = Trace(np.zeros((2, 1), int), np.array([[-0.0], [1.0]]))
    assert not np.signbit(trace.channel_gain).any()


def test_checked_numbers_have_no_sign() -> None:
    assert not np.signbit(as_scalar(-0.0, "x"))
    assert not np.signbit(as_scalar(np.float32(-0.0), "x"))
    for dtype in (np.float32, np.float64):
        array = np.array([[1.0, -0.0], [2.0, 3.0]], dtype)[:, ::-1]
        assert not np.signbit(check_array(array, str)).any()
        with pytest.raises(ProblemError, match=r"\(0, 0\).*expected a finite number > 0"):
            check_array(array, lambda index: f"$.{index}", positive=True)
