"""Radio documents and names of radios: what is none is refused at its place, with the known ones."""

from __future__ import annotations

import json

import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.cpus import cpu_names, load_cpu
from lyaopt.model.plausibility import doubts_of_system
from lyaopt.model.radios import RadioTable, load_radio, parse_radio, radio_names, radio_to_dict
from lyaopt.model.scenarios import parse_scenario, scenario_schema, scenario_to_dict
from lyaopt.model.system import Device, MeasuredRadio, Service

FIGURES = ("rate_bps", "power_w", "slope_w_per_mbps", "idle_power_w", "tail_s", "tail_power_w")


def document(**radio):
    figures = {"rate_bps": 1e6, "power_w": 1.0} | radio
    return {"name": "tiny", "source": "my bench", "licence": "CC0-1.0", "radio": figures}


def scenario(line):
    return f'[[devices]]\ndistance_m = 200.0\n{line}\n[[devices.services]]\nmodel = "mobilenetv2"\n'


@pytest.mark.parametrize("name", radio_names())
def test_a_table_is_written_as_it_is_read(name):
    table = load_radio(name)
    assert parse_radio(json.dumps(radio_to_dict(table))) == table
    assert isinstance(table, RadioTable)


@pytest.mark.parametrize("field", FIGURES)
@pytest.mark.parametrize("value", [None, True, "1", -1, -0.5, [], {}, float("nan"), float("inf")], ids=repr)
def test_figures_that_are_none_are_refused_at_their_place(field, value):
    with pytest.raises(DocumentError) as caught:
        parse_radio(json.dumps(document(**{field: value})))
    if not isinstance(value, float) or value < 0.0:  # NaN and infinities are no JSON
        assert caught.value.path == f"$.radio.{field}"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "path", "reason"),
    [
        ('radio = "lte"', "radio", "expected one of 5g-low-band-2021, "),
        ("radio = 5", "radio", "expected an object, got 5"),
        ('radio = {model = "x"}', "radio.model", 'got "x"'),
        ("radio = {model = 3}", "radio.model", "got 3"),
        ('radio = {model = "lte-2021", rate = 1}', "radio.rate", "did you mean rate_bps?"),
        (
            'radio = {model = "lte-2021", tail_s = -1}',
            "radio.tail_s",
            "expected a finite number >= 0, got -1",
        ),
        ("radio = {rate_bps = 1e6}", "radio.power_w", "missing"),
        (
            "radio = {rate_bps = 1e300, power_w = 1, slope_w_per_mbps = 1e300}",
            "radio.slope_w_per_mbps",
            "a slope of finite power",
        ),
        (
            "radio = {rate_bps = 1e-308, power_w = 1e9, slope_w_per_mbps = 1}",
            "radio.rate_bps",
            "a bit takes a finite energy",
        ),
        ('cpu_points = "rk"', "cpu_points", f"expected one of {cpu_names()[0]}, "),
        ("idle_power_w = -1", "idle_power_w", "expected a finite number >= 0, got -1"),
    ],
)
def test_wrong_radios_and_names_are_refused_with_their_place(line, path, reason):
    with pytest.raises(DocumentError) as caught:
        parse_scenario(scenario(line))
    assert caught.value.path == f"$.devices[0].{path}"
    assert reason in caught.value.reason
    assert caught.value.line == 3


def test_names_stand_for_the_numbers():
    system = parse_scenario(
        scenario('cpu_points = "rk3588_a76"\nradio = {model = "lte-2012", rate_bps = 3e6}')
    )
    (device,) = system.devices
    lte = load_radio("lte-2012").radio
    assert device.cpu_points == load_cpu("rk3588_a76").points
    assert device.cpu_capacity_hz == device.cpu_points[-1].hz
    assert (device.radio.rate_bps, device.radio.power_w) == (3e6, lte.power_w)
    assert (device.radio.tail_s, device.radio.tail_power_w) == (lte.tail_s, lte.tail_power_w)
    assert system.max_power_w[0] == pytest.approx(lte.power_w + 3 * lte.slope_w_per_mbps)
    named = Device(200.0, (Service("mobilenetv2"),), cpu_points="rk3588_a76", radio="lte-2012")
    assert named.radio == lte
    with pytest.raises(ProblemError, match=r"\$\.radio: expected one of"):
        Device(200.0, (Service("mobilenetv2"),), radio="lte")


def test_documents_hold_what_differs_from_the_defaults():
    plain = scenario_to_dict(parse_scenario(scenario("radio = {rate_bps = 1e6, power_w = 1.0}")))
    assert plain["devices"][0]["radio"] == {"rate_bps": 1e6, "power_w": 1.0}
    assert "idle_power_w" not in plain["devices"][0]
    line = "idle_power_w = 0.5\nradio = {rate_bps = 1e6, power_w = 1.0, tail_s = 2.0, tail_power_w = 0.3}"
    more = scenario_to_dict(parse_scenario(scenario(line)))["devices"][0]
    assert more["idle_power_w"] == 0.5
    assert more["radio"] == {"rate_bps": 1e6, "power_w": 1.0, "tail_s": 2.0, "tail_power_w": 0.3}


def test_the_schema_takes_names_and_numbers():
    definitions = scenario_schema()["$defs"]
    device, radio = definitions["Device"]["properties"], definitions["MeasuredRadio"]
    names = {"type": "string", "enum": list(radio_names())}
    assert names in device["radio"]["anyOf"]
    assert {"type": "string", "enum": list(cpu_names())} in device["cpu_points"]["anyOf"]
    assert set(radio["properties"]) == {*FIGURES, "model"}
    assert radio["properties"]["model"]["enum"] == list(radio_names())
    assert radio["anyOf"] == [{"required": ["rate_bps", "power_w"]}, {"required": ["model"]}]
    assert radio["additionalProperties"] is False
    assert "required" not in radio


def test_mixed_up_units_are_doubted():
    def places(radio, **device):
        services = (Service("mobilenetv2"),)
        from lyaopt.model.system import System

        found = doubts_of_system(System((Device(200.0, services, radio=MeasuredRadio(**radio), **device),)))
        return [doubt.path.removeprefix("$.devices[0].") for doubt in found]

    usual = {"rate_bps": 25e6, "power_w": 2.9, "slope_w_per_mbps": 0.077, "tail_s": 10.6, "tail_power_w": 1.1}
    assert places(usual, idle_power_w=1.6) == []
    assert places(usual | {"slope_w_per_mbps": 76.7}) == ["radio.slope_w_per_mbps"]  # mW
    assert places(usual | {"slope_w_per_mbps": 7.7e-8}) == ["radio.slope_w_per_mbps"]  # W per bit/s
    assert places(usual | {"tail_s": 10_600.0}) == ["radio.tail_s"]  # ms
    assert places(usual | {"tail_power_w": 1092.0}) == ["radio.tail_power_w"]
    assert places(usual, idle_power_w=1600.0) == ["idle_power_w"]
