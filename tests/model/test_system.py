"""Checks and derived quantities of systems."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.scenarios import (
    format_scenario,
    load_scenario,
)
from lyaopt.model.system import Arrivals, Channel, Device, Learning, Service, System

TINY = Profile("tiny", "made up", 24, 10, 8, (Cut("in", 0, 24), Cut("a", 4, 64), Cut("b", 10, 0)))
ONE = System((Device(200.0, (Service(TINY),)),))


# --- what a system computes


def test_tables_hold_the_work_of_every_cut():
    system = load_scenario("default")
    for s, service in enumerate(system.services):
        profile, last = service.profile, int(system.cut_counts[s]) - 1
        assert len(profile.cuts) == last + 1
        whole = profile.total_macs * system.cycles_per_mac
        assert system.local_cycles[s, : last + 1] == pytest.approx(profile.mac_share * whole, rel=1e-15)
        assert system.transmit_bits[s, : last + 1].tolist() == [cut.bits for cut in profile.cuts]
        assert (system.edge_cycles[s] + system.local_cycles[s]) == pytest.approx(whole, rel=1e-15)
        assert system.local_cycles[s, 0] == system.transmit_bits[s, last] == system.edge_cycles[s, last] == 0
        assert not system.transmit_bits[s, last:].any()
        assert not system.edge_cycles[s, last:].any()
        assert (system.local_cycles[s, last:] == system.local_cycles[s, last]).all()


def test_services_count_device_by_device():
    few, many = Device(200.0, (Service(TINY),)), Device(210.0, (Service(TINY), Service("alexnet", 0.5)))
    system = System((many, few, many))
    assert system.device_of_service.tolist() == [0, 0, 1, 2, 2]
    assert system.arrival_rate_per_s.tolist() == [0.2, 0.5, 0.2, 0.2, 0.5]
    assert system.cut_counts.tolist() == [3, 9, 3, 3, 9]
    assert system.distance_m.tolist() == [210.0, 200.0, 210.0]
    assert system.service_ids == (("service-0", "service-1"), ("service-0",), ("service-0", "service-1"))
    assert system.device_ids == ("device-0", "device-1", "device-2")


def test_bandwidth_is_shared_unless_a_device_has_its_own():
    own = replace(ONE.devices[0], bandwidth_hz=7e5)
    assert System((*ONE.devices, own)).device_bandwidth_hz.tolist() == [3e5, 7e5]


@given(
    st.floats(1, 10),
    st.floats(1e8, 1e10),
    st.floats(2, 5),
    st.floats(1, 1000),
)
def test_the_mean_gain_is_a_power_law(antenna, carrier, exponent, distance):
    channel = Channel(antenna, carrier, exponent)
    outside = replace(channel, antenna_gain_outside=True)
    gain = channel.mean_gain(distance)
    assert gain == pytest.approx((antenna * 3e8 / (4 * math.pi * carrier * distance)) ** exponent)
    assert outside.mean_gain(distance) == pytest.approx(gain * antenna ** (1 - exponent))
    assert channel.mean_gain(2 * distance) == pytest.approx(gain / 2**exponent)


@given(st.floats(1, 20), st.floats(0.001, 0.999), st.floats(0.01, 100))
def test_bursts_keep_the_mean_rate(factor, share, duration):
    if factor * share > 1:
        with pytest.raises(DocumentError, match="busy_rate_factor"):
            Arrivals(factor, share, duration)
        return
    bursts = Arrivals(factor, share, duration)
    assert share * factor + (1 - share) * bursts.quiet_rate_factor == pytest.approx(1)
    assert bursts.quiet_rate_factor >= 0
    assert duration / (duration + bursts.quiet_duration_s) == pytest.approx(share)


def test_arrays_cannot_be_changed():
    for name in (
        "local_cycles",
        "transmit_bits",
        "edge_cycles",
        "cut_counts",
        "device_of_service",
        "distance_m",
    ):
        with pytest.raises(ValueError, match="read-only"):
            getattr(ONE, name)[...] = 0


# --- construction in Python


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: replace(ONE, edge_capacity_hz=-1.0), "$.edge_capacity_hz"),
        (lambda: replace(ONE, slots_per_period=1.5), "$.slots_per_period"),
        (lambda: replace(ONE, noise_psd_dbm_per_hz=1e9), "$.noise_psd_dbm_per_hz"),
        (lambda: replace(ONE, devices=()), "$.devices"),
        (lambda: System((Device(200.0, ()),)), "$.devices"),
        (lambda: Device(math.nan, (Service(TINY),)), "$.distance_m"),
        (lambda: Service(TINY, arrival_rate_per_s=math.inf), "$.arrival_rate_per_s"),
        (lambda: Service("no such network"), "$.model"),
        (lambda: Channel(fading="rician"), "$.fading"),
        (lambda: Channel(fading_correlation=1.0), "$.fading_correlation"),
        (lambda: Channel(walk_nearest_m=250.0), "$.walk_farthest_m"),
        (lambda: Learning(hidden_layers=0), "$.hidden_layers"),
        (lambda: System((Device(1e-60, (Service(TINY),)),)), "$.devices[0].distance_m"),
        (lambda: System((Device(1e200, (Service(TINY),)),)), "$.devices[0].distance_m"),
        (
            lambda: replace(ONE, devices=[Device(9.0, (Service(TINY),))], channel=WALK),
            "$.devices[0].distance_m",
        ),
        (lambda: System([replace(ONE.devices[0], id="a")] * 2), "$.devices[1].id"),
        (lambda: System((Device(9.0, [Service(TINY, id="a")] * 2),)), "$.devices[0].services[1].id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_constructor_refuses_wrong_values(make, path):
    with pytest.raises(DocumentError) as caught:
        make()
    assert caught.value.path == path
    assert "expected" in caught.value.reason or "duplicate id" in caught.value.reason


WALK = Channel(walk_m_per_sqrt_s=1.0)


def test_a_device_may_walk_within_its_bounds():
    assert replace(ONE, channel=WALK).channel.walk_m_per_sqrt_s == 1.0


def test_lists_become_tuples_so_that_equal_systems_are_equal():
    assert System([Device(200, [Service(TINY)])]) == ONE
    assert hash(System([Device(200, [Service("alexnet")])])) is not None


def test_a_profile_made_in_python_cannot_be_written():
    with pytest.raises(ProblemError, match=re.escape("$.devices[0].services[0].model")):
        format_scenario(ONE)
