"""`lyaopt bound`: its output for results of `energy_bound`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from lyaopt.bounds import energy_bound
from lyaopt.model.scenarios import format_scenario, load_scenario, scenario_text
from lyaopt_cli.main import run
from tests.support.slot_text import on_a_terminal


def test_the_bound_is_printed(capsysbinary):
    assert run(["bound", "default", "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    system = load_scenario("default")
    bound = energy_bound(system)
    assert (document["status"], document["mean_power_w"]) == ("optimal", bound.power_w)
    assert document["mean_energy_j"] == bound.energy_j
    assert document["edge"]["cpu_hz"] == bound.edge_cpu_hz
    assert [device["id"] for device in document["devices"]] == list(system.device_ids)
    assert [device["rate_bps"] for device in document["devices"]] == bound.rate_bps.tolist()
    shares = [service["cut_share"] for device in document["devices"] for service in device["services"]]
    assert [len(share) for share in shares] == system.cut_counts.tolist()
    assert [sum(share) for share in shares] == pytest.approx([1] * 8)


def test_a_terminal_gets_a_table():
    text = on_a_terminal("bound", "default")
    assert all(name in text for name in load_scenario("default").device_ids)
    assert "per slot" in text


def test_an_overload_is_status_1(capsysbinary, tmp_path):
    system = load_scenario("default")
    weak = replace(system.devices[3], cpu_capacity_hz=1e6, max_power_w=1e-6)
    path = tmp_path / "s.toml"
    path.write_text(format_scenario(replace(system, devices=(weak,))))
    assert run(["bound", str(path), "--json"]) == 1
    expected = {"status": "unstable", "mean_power_w": None, "mean_energy_j": None}
    assert json.loads(capsysbinary.readouterr().out) == expected


def test_a_system_without_a_bound_is_bad_input(monkeypatch, capsysbinary, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(scenario_text("default").replace("[channel]", "[channel]\nwalk_m_per_sqrt_s = 1.0"))
    assert run(["bound", str(path)]) == 2
    assert run(["bound", "no such scenario"]) == 2
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert run(["bound", "default"]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    first, second, third = captured.err.decode().splitlines()
    assert "walk_m_per_sqrt_s" in first
    assert "no such scenario" in second
    assert "pip install 'lyaopt[bound]'" in third
