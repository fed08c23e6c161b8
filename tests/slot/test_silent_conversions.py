"""What NumPy would take for a number without a word is refused, by its path, wherever numbers are given."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotBatch, SlotProblem
from lyaopt.arrays import as_scalar
from lyaopt.model.system import Device, Service, System
from lyaopt.simulation.traces import Trace
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SCALAR_FIELDS, WEIGHT_FIELDS
from tests.slot.one_device import slot

pytestmark = pytest.mark.filterwarnings("ignore:Warning. converting a masked element:UserWarning")
_NO_NUMBERS = [
    pytest.param("3", id="text"),
    pytest.param(b"1", id="bytes"),
    pytest.param(True, id="bool"),
    pytest.param(np.True_, id="numpy-bool"),
    pytest.param(None, id="none"),
    pytest.param(1j, id="complex"),
    pytest.param(Decimal(1), id="decimal"),
    pytest.param(np.ma.masked, id="masked"),
    pytest.param(np.ma.array([1.0], mask=[True])[0:1], id="masked-array"),
    pytest.param([1.0], id="list"),
]
_ARRAYS = (*QUEUE_FIELDS, *WEIGHT_FIELDS, *DEVICE_FIELDS)


def _ways(value: Any, numbers: int) -> list[Any]:
    """Arrays of numbers with one other entry: a list, and an array of objects."""
    entries = [1.0] * (numbers - 1) + [value]
    objects = np.empty(numbers, object)
    objects[:] = entries
    return [entries, tuple(entries), objects]


@pytest.mark.parametrize("value", _NO_NUMBERS)
@pytest.mark.parametrize("name", _ARRAYS)
def test_one_entry_that_is_no_number_is_refused_in_a_slot(name: str, value: Any) -> None:
    for row in _ways(value, 2):
        devices = [[1.0, 1.0]] * 2
        fields: dict[str, Any] = dict.fromkeys(QUEUE_FIELDS, devices) | {key: [1, 1] for key in DEVICE_FIELDS}
        fields[name] = row if name in DEVICE_FIELDS else [[1.0, 1.0], row]
        with pytest.raises(ProblemError, match=name) as refused:
            SlotProblem(**dict.fromkeys(SCALAR_FIELDS, 1.0), **fields)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", _NO_NUMBERS)
@pytest.mark.parametrize("name", [*_ARRAYS, *SCALAR_FIELDS, "service_counts"])
def test_one_entry_that_is_no_number_is_refused_in_a_batch(name: str, value: Any) -> None:
    for row in _ways(value, 2):
        fields: dict[str, Any] = dict.fromkeys(QUEUE_FIELDS, np.ones((2, 2, 2)))
        fields |= dict.fromkeys((*DEVICE_FIELDS, *SCALAR_FIELDS), 1.0) | {"channel_gain": np.ones((2, 2))}
        fields[name] = row
        if name in (*QUEUE_FIELDS, *WEIGHT_FIELDS):
            fields[name] = [[[1.0, 1.0], row]] * 2
        elif name == "channel_gain":
            fields[name] = [[1.0, 1.0], row]
        elif name == "service_counts":
            fields[name] = [2, value]
        with pytest.raises(ProblemError, match=name):
            SlotBatch(**fields)


@pytest.mark.parametrize("value", _NO_NUMBERS)
@pytest.mark.parametrize("name", [*SCALAR_FIELDS, "noise_psd_dbm_per_hz"])
def test_a_scalar_that_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ProblemError, match=name):
        slot(**{name: value})


@pytest.mark.parametrize("value", _NO_NUMBERS)
@pytest.mark.parametrize("part", ["cpu_points", "radio"])
def test_a_table_with_an_entry_that_is_no_number_is_refused(part: str, value: Any) -> None:
    for pair in _ways(value, 2):
        with pytest.raises(ProblemError, match=part):
            slot(**{part: [pair if part == "radio" else [pair]]})


def test_numbers_of_all_kinds_are_taken() -> None:
    """Among them whole ones beyond 64 bits and objects, which are Python numbers."""
    row = [1, np.float32(2.0)]
    objects = np.empty((1, 2), object)
    objects[:] = [[2**70, np.int8(3)]]
    assert slot(local_queue_cycles=[row]).local_queue_cycles.tolist() == [[1.0, 2.0]]
    assert slot(local_queue_cycles=objects).local_queue_cycles.tolist() == [[2.0**70, 3.0]]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble, np.int16, np.uint64])
def test_numbers_of_numpy_become_floats_of_the_same_value(kind: Any) -> None:
    value = kind(100)
    taken = [as_scalar(value, "x"), slot(edge_capacity_hz=value).edge_capacity_hz]
    if kind is not np.longdouble:
        device = Device(distance_m=value, services=(Service("alexnet", arrival_rate_per_s=value),))
        system = System(devices=(device,), slots_per_period=np.int32(5), cycles_per_mac=value)
        taken += [device.distance_m, device.services[0].arrival_rate_per_s, system.cycles_per_mac]
        assert type(system.slots_per_period) is int
    assert [type(number) for number in taken] == [float] * len(taken)
    assert {*taken} == {100.0}


def test_a_long_double_that_a_float_cannot_hold_is_refused() -> None:
    least = np.finfo(np.longdouble).tiny
    if float(least) > 0.0:
        pytest.skip("long doubles are doubles here")
    with pytest.raises(ProblemError, match="slot_duration_s"):
        slot(slot_duration_s=least)


@pytest.mark.parametrize("name", [3, None, b"a", "", ["a"], {}, "\ud800", np.int64(1)])
def test_names_that_are_no_text_are_refused(name: Any) -> None:
    with pytest.raises(ProblemError, match=r"\$\.device_ids\[0\]: expected a string"):
        slot(device_ids=[name])
    with pytest.raises(ProblemError, match=r"\$\.service_ids\[0\]\[1\]: expected a string"):
        slot(service_ids=[["a", name]])


@pytest.mark.parametrize("names", ["a", 3, {"a": 1}, {"a"}])
def test_names_in_something_else_than_a_list_are_refused(names: Any) -> None:
    for fields in ({"device_ids": names}, {"service_ids": names}, {"service_ids": [names]}):
        with pytest.raises(ProblemError, match=next(iter(fields))):
            slot(**fields)


def test_counts_are_no_booleans_and_become_whole_numbers() -> None:
    with pytest.raises(ProblemError, match="service_counts"):
        slot(service_counts=(True,))
    assert [type(count) for count in slot(service_counts=[np.int8(2)]).service_counts or ()] == [int]


@pytest.mark.parametrize("value", _NO_NUMBERS)
def test_traces_hold_numbers_only(value: Any) -> None:
    with pytest.raises(ProblemError, match="channel_gain"):
        Trace(np.zeros((2, 1), int), [[1.0], [value]])  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match="arrivals"):
        Trace([[1], [value]], np.ones((2, 1)))  # type: ignore[arg-type]
