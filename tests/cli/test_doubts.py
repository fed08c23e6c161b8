"""Warnings of units that are mixed up."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lyaopt.model.plausibility import doubts_of_system
from lyaopt.model.scenarios import format_scenario, list_scenarios, load_scenario
from lyaopt.model.system import MeasuredRadio, OperatingPoint
from lyaopt_cli.main import run
from tests.support.documented import ROOT

SLOT = json.loads((ROOT / "examples/slot.json").read_text())


@pytest.mark.parametrize("name", list_scenarios())
def test_shipped_scenarios_are_meant(name):
    assert doubts_of_system(load_scenario(name)) == []


def test_the_example_is_meant(capsysbinary):
    assert run(["solve-slot", str(ROOT / "examples/slot.json")]) == 0
    assert capsysbinary.readouterr().err == b""


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"slot_duration_s": 100.0}, "$.slot_duration_s", "is it in ms?"),
        ({"edge_capacity_hz": 20.0}, "$.edge_capacity_hz", "is it in GHz?"),
        ({"noise_psd_dbm_per_hz": -90.0}, "$.noise_psd_dbm_per_hz", "of a whole band"),
        ({"cpu_capacity_hz": 1.5}, "$.devices[1].cpu_capacity_hz", "is it in GHz?"),
        ({"channel_gain": 93.0}, "$.devices[1].channel_gain", "is it in dB?"),
        ({"max_power_w": 2e4}, "$.devices[1].max_power_w", "is it in mW?"),
        ({"radio": {"rate_bps": 12.0, "power_w": 1.2}}, "$.devices[1].radio.rate_bps", "is it in Mbit/s?"),
        ({"cpu_points": [{"hz": 1.8, "power_w": 0.9}]}, "$.devices[1].cpu_points[0].hz", "is it in GHz?"),
    ],
)
def test_a_slot_is_solved_and_warned_of(changes, path, reason, tmp_path, capsys):
    document = json.loads(json.dumps(SLOT))
    for key, value in changes.items():
        of_device = key in document["devices"][1] or key in ("radio", "cpu_points")
        (document["devices"][1] if of_device else document)[key] = value
    file = tmp_path / "slot.json"
    file.write_text(json.dumps(document))
    assert run(["solve-slot", "--json", str(file)]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["status"] == "optimal"
    warning, *others = printed.err.splitlines()
    assert warning.startswith(f"warning: {file}: {path}: ")
    assert reason in warning
    assert others == []


def test_nothing_is_said_of_zeros(tmp_path, capsys):
    document = json.loads(json.dumps(SLOT))
    document["devices"][0] |= {"channel_gain": 0.0, "max_power_w": 0.0, "cpu_capacity_hz": 0.0}
    file = tmp_path / "slot.json"
    file.write_text(json.dumps(document))
    assert run(["solve-slot", "--json", str(file)]) == 0
    assert capsys.readouterr().err == ""


def test_a_scenario_is_checked_and_warned_of(tmp_path, capsys):
    system = load_scenario("balanced")
    first, second, *others = system.devices
    points = (OperatingPoint(hz=1.2, power_w=0.3),)
    devices = (
        replace(first, distance_m=0.2, radio=MeasuredRadio(rate_bps=12.0, power_w=0.8)),
        replace(second, cpu_points=points, cpu_capacity_hz=1.2),
        *others,
    )
    file = tmp_path / "s.toml"
    file.write_text(format_scenario(replace(system, devices=devices, edge_capacity_hz=20.0)))
    assert run(["scenario", str(file)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[2] for line in lines[:3]] == [
        "$.system.edge_capacity_hz",
        "$.devices[0].radio.rate_bps",
        "$.devices[1].cpu_capacity_hz",
    ]
    assert lines[3] == f"warning: {file}: 1 more"


def test_a_gain_in_decibels_is_refused_by_its_place(tmp_path, capsys):
    document = json.loads(json.dumps(SLOT))
    document["devices"][2]["channel_gain"] = -93.0
    file = tmp_path / "slot.json"
    file.write_text(json.dumps(document))
    assert run(["solve-slot", str(file)]) == 2
    assert "$.devices[2].channel_gain: expected a finite number >= 0, got -93.0" in capsys.readouterr().err
