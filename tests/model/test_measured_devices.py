"""Devices with operating points and measured radios in scenarios."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lyaopt.errors import DocumentError
from lyaopt.model.cpus import load_cpu
from lyaopt.model.scenarios import format_scenario, parse_scenario, scenario_schema
from lyaopt.model.scenarios.format import scenario_to_dict
from lyaopt.model.system import Device, MeasuredRadio, OperatingPoint, Service, System

SERVICES = (Service("alexnet"),)
POINTS = load_cpu("rk3588_a76").points


def scenario(line):
    return f'[[devices]]\ndistance_m = 100\n{line}\n[[devices.services]]\nmodel = "alexnet"\n'


def test_the_keys_are_those_of_slot_documents():
    system = parse_scenario(
        scenario("cpu_points = [{hz = 6e8, power_w = 0.11}, {hz = 1.2e9, power_w = 0.34}]\n")
        .replace("distance_m = 100\n", "distance_m = 100\nradio = {rate_bps = 12e6, power_w = 0.8}\n")
    )  # fmt: skip
    device = system.devices[0]
    assert device.cpu_points == (OperatingPoint(6e8, 0.11), OperatingPoint(1.2e9, 0.34))
    assert device.radio == MeasuredRadio(12e6, 0.8)
    assert system.is_measured
    assert system.cpu_points == (((6e8, 0.11), (1.2e9, 0.34)),)


def test_scenarios_with_tables_parse_to_the_same_again():
    both = Device(200.0, SERVICES, cpu_points=POINTS, radio=MeasuredRadio(12e6, 0.8), cpu_capacity_hz=2e9)
    system = System((both, Device(150.0, SERVICES), Device(150.0, SERVICES, radio=MeasuredRadio(1e6, 0.0))))
    assert parse_scenario(format_scenario(system)) == system
    assert parse_scenario(json.dumps(scenario_to_dict(system))) == system
    plain = scenario_to_dict(System((Device(150.0, SERVICES),)))
    assert not {"cpu_points", "radio"} & set(plain["devices"][0])


def test_the_last_frequency_bounds_the_capacity_and_is_its_default():
    given = [None, 1e9, 5e9, 0.0]
    devices = [Device(200.0, SERVICES, cpu_points=POINTS) for _ in given]
    devices = [
        Device(200.0, SERVICES, cpu_points=POINTS, **({} if hz is None else {"cpu_capacity_hz": hz}))
        for hz in given
    ]
    system = System((*devices, Device(200.0, SERVICES)))
    assert system.cpu_capacity_hz.tolist() == [2.4e9, 1e9, 2.4e9, 0.0, 1.5e9]
    assert parse_scenario(scenario("cpu_points = [{hz = 7e8, power_w = 1}]")).cpu_capacity_hz == [7e8]


def test_a_measured_radio_has_its_own_power_and_whole_rates():
    system = System((Device(200.0, SERVICES, radio=MeasuredRadio(12e6, 0.8)), Device(200.0, SERVICES)))
    assert system.max_power_w.tolist() == [0.8, 0.3]
    assert system.radio_rate_bps[0] == 12e6
    assert np.isnan(system.radio_rate_bps[1])
    assert system.mean_channel_gain()[0] == 1.0
    assert system.mean_channel_gain()[1] == system.channel.mean_gain(200.0)


@pytest.mark.parametrize(
    ("line", "path", "reason"),
    [
        ("cpu_points = 3", "cpu_points", "expected a list of objects, got 3"),
        ("cpu_points = []", "cpu_points", "expected at least one operating point"),
        ("cpu_points = [1]", "cpu_points[0]", "expected an object, got 1"),
        ("cpu_points = [{hz = 1e9}]", "cpu_points[0].power_w", "missing"),
        ("cpu_points = [{hz = -1, power_w = 1}]", "cpu_points[0].hz", "expected a finite number > 0"),
        ("cpu_points = [{hz = nan, power_w = 1}]", "cpu_points[0].hz", "expected a finite number > 0"),
        (
            "cpu_points = [{hz = 1, power_w = 1, w = 1}]",
            "cpu_points[0].w",
            "expected one of the keys hz",
        ),
        ("cpu_points = [{hz = 2, power_w = 1}, {hz = 2, power_w = 2}]", "cpu_points[1].hz", "above 2, got 2"),
        ("radio = 3", "radio", "expected an object, got 3"),
        ("radio = {rate_bps = 0, power_w = 1}", "radio.rate_bps", "expected a finite number > 0"),
        ("radio = {rate_bps = 1}", "radio.power_w", "missing"),
        ("radio = {rate_bps = 1, power_w = inf}", "radio.power_w", "expected a finite number >= 0"),
        ("radio = {rate_bps = 1e-308, power_w = 1e9}", "radio.rate_bps", "a bit takes a finite energy"),
        ("radio = {rate = 1, power_w = 1}", "radio.rate", "did you mean rate_bps?"),
    ],
)
def test_wrong_tables_are_refused_with_their_place(line, path, reason):
    with pytest.raises(DocumentError) as caught:
        parse_scenario(scenario(line))
    assert caught.value.path == f"$.devices[0].{path}"
    assert reason in caught.value.reason
    assert caught.value.line == 3


def test_the_schema_knows_the_tables():
    schema = scenario_schema()
    device = schema["$defs"]["Device"]["properties"]
    assert {"cpu_points", "radio"} <= set(device)
    assert set(schema["$defs"]["OperatingPoint"]["properties"]) == {"hz", "power_w"}
    figures = {"rate_bps", "power_w", "slope_w_per_mbps", "idle_power_w", "tail_s", "tail_power_w"}
    assert set(schema["$defs"]["MeasuredRadio"]["properties"]) == figures | {"model"}


def test_full_power_is_that_of_the_last_corner_within_the_capacity():
    devices = [
        Device(200.0, SERVICES),
        Device(200.0, SERVICES, cpu_points=POINTS),
        Device(200.0, SERVICES, 0.0, cpu_points=POINTS),
        Device(200.0, SERVICES, 3e8, cpu_points=(OperatingPoint(6e8, 0.1),)),
    ]
    power = System(tuple(devices)).full_cpu_power_w
    assert power.tolist() == pytest.approx([1e-28 * 1.5e9**3, POINTS[-1].power_w, 0.0, 0.05])
