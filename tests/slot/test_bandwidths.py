"""Own bandwidths of devices: the others share what is left, in slot documents and scenarios alike."""

import json
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lyaopt.errors import ProblemError
from lyaopt.model.system import Device, Service, System
from lyaopt.slot.documents import parse_slot_document, problem_from_dict

SERVICE = {"local_queue_cycles": 1e6, "transmit_queue_bits": 1e4, "edge_queue_cycles": 1e6}
WIDTHS = st.lists(st.one_of(st.none(), st.floats(1e2, 6e5)), min_size=1, max_size=6)


def slot(total, own):
    numbers = {"cpu_capacity_hz": 1e9, "max_power_w": 0.3, "channel_gain": 1e-11}
    devices = [numbers | {"services": [SERVICE]} for _ in own]
    for device, width in zip(devices, own, strict=True):
        if width is not None:
            device["bandwidth_hz"] = width
    return {
        "slot_duration_s": 0.01,
        "bandwidth_hz": total,
        "edge_capacity_hz": 2e10,
        "energy_coefficient": 1e-28,
        "energy_weight_local": 1e17,
        "energy_weight_transmit": 1e13,
        "devices": devices,
    }


def scenario(total, own):
    devices = [Device(200.0, (Service("alexnet"),), bandwidth_hz=width) for width in own]
    return System(tuple(devices), bandwidth_hz=total)


READERS = {
    "text": lambda total, own: parse_slot_document(json.dumps(slot(total, own))).bandwidth_hz,
    "dict": lambda total, own: problem_from_dict(slot(total, own)).bandwidth_hz,
    "system": lambda total, own: scenario(total, own).device_bandwidth_hz,
}
readers = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


def refusal(read, total, own):
    with pytest.raises(ProblemError) as caught:
        read(total, own)
    return caught.value


@readers
@given(own=WIDTHS)
def test_no_more_is_handed_out_than_there_is(read, own):
    total, given_hz = Fraction(10**6), sum(Fraction(width) for width in own if width is not None)
    sharing = own.count(None)
    assume(abs(total - given_hz) > 1e-2 or total == given_hz)  # within rounding either answer is right
    if given_hz > total or (sharing and given_hz == total):
        places = {f"$.devices[{m}].bandwidth_hz" for m, width in enumerate(own) if width is not None}
        assert refusal(read, 1e6, own).path in places
        return
    found = read(1e6, own).tolist()
    for width, got in zip(own, found, strict=True):
        expected = (total - given_hz) / sharing if width is None else Fraction(width)
        assert abs(Fraction(got) - expected) <= 1e-12 * total
    assert sum(map(Fraction, found)) <= total * (1 + Fraction(1, 10**9))


@readers
def test_the_first_device_beyond_is_named(read):
    with pytest.raises(
        ProblemError, match=r"^\$\.devices\[1\]\.bandwidth_hz: expected less than 2e\+06 of the 2e\+06 Hz \("
    ):
        read(2e6, [None, 2.1e6, None])
    with pytest.raises(
        ProblemError,
        match=r"^\$\.devices\[2\]\.bandwidth_hz: expected at most 100000 of the 1e\+06 Hz, got 200000",
    ):
        read(1e6, [6e5, 3e5, 2e5])


@readers
def test_all_of_it_leaves_nothing_for_others(read):
    assert read(1e6, [4e5, 6e5]).tolist() == [4e5, 6e5]
    assert read(1e6, [1e6 / 3] * 3).tolist() == [1e6 / 3] * 3
    with pytest.raises(
        ProblemError,
        match=r"^\$\.devices\[1\]\.bandwidth_hz: .* \(devices without their own share the rest\)",
    ):
        read(1e6, [4e5, 6e5, None])


def test_one_of_six_that_takes_nearly_all():
    widths = scenario(2e6, [None, None, 1.9e6, None, None, None]).device_bandwidth_hz
    assert widths[2] == 1.9e6
    assert widths.sum() == pytest.approx(2e6, rel=1e-12)


def test_a_bandwidth_of_null_is_refused():
    document = slot(1e6, [4e5, None])
    document["devices"][1]["bandwidth_hz"] = None
    with pytest.raises(ProblemError, match=r"^\$\.devices\[1\]\.bandwidth_hz: expected a finite number > 0"):
        parse_slot_document(json.dumps(document))
