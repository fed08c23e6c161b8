"""`lyaopt bound`: its output for results of `energy_bound`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from lyaopt.bounds import energy_at_latency, energy_bound, waiting_bound
from lyaopt.model.scenarios import format_scenario, load_scenario, scenario_text
from lyaopt.model.system import MeasuredRadio, OperatingPoint
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


def bound_document(capsysbinary, *arguments: str, status: int = 0):
    assert run(["bound", *arguments, "--json"]) == status
    return json.loads(capsysbinary.readouterr().out)


def test_the_bound_with_waiting_is_printed(capsysbinary):
    document = bound_document(capsysbinary, "balanced", "--waiting-cost", "0.01", "--method", "lb3")
    bound = waiting_bound(load_scenario("balanced"), 0.01)
    assert (document["status"], document["method"], document["form"]) == ("optimal", "lb3", "whole slots")
    assert (document["waiting_cost_j_per_s"], document["bound_j"]) == (0.01, bound.bound_j)
    assert (document["edge_price"], document["cuts"]) == (bound.edge_price, bound.cuts.tolist())
    text = on_a_terminal("bound", "balanced", "--waiting-cost", "0.01", "--method", "lb3")
    assert all(name in text for name in ("headset", "classifier.1", "10 mJ/s", "energy and waiting", "lb3"))


def test_the_waiting_cost_of_the_scenario_is_the_default(capsysbinary, tmp_path):
    system = replace(load_scenario("balanced"), waiting_cost_j_per_s=0.01)
    first = replace(system.devices[0].services[0], waiting_cost_j_per_s=0.05)
    device = replace(system.devices[0], services=(first, *system.devices[0].services[1:]))
    path = tmp_path / "s.toml"
    path.write_text(format_scenario(replace(system, devices=(device, *system.devices[1:]))))
    method = ("--method", "lb3")
    document = bound_document(capsysbinary, str(path), *method)
    assert document["waiting_cost_j_per_s"] == [0.05] + [0.01] * 7
    given = bound_document(capsysbinary, str(path), "--waiting-cost", "0.01", *method)
    assert document["bound_j"] > given["bound_j"]
    assert "mean_power_w" in bound_document(capsysbinary, str(path), "--method", "lb1")


def test_the_energy_at_a_latency_is_printed(capsysbinary):
    document = bound_document(capsysbinary, "balanced", "--latency", "0.375", "--method", "lb3")
    bound = energy_at_latency(load_scenario("balanced"), 0.375)
    assert (document["latency_s"], document["bound_energy_j"]) == (0.375, bound.bound_energy_j)
    assert (document["waiting_cost_j_per_s"], document["method"]) == (bound.waiting_cost_j_per_s, "lb3")
    text = on_a_terminal("bound", "balanced", "--latency", "0.375", "--method", "lb3")
    assert "at a mean latency of 375 ms (lb3 at" in text


def test_the_larger_bound_is_the_default(capsysbinary, tmp_path):
    system = load_scenario("frame-rate")
    path = tmp_path / "s.toml"
    path.write_text(format_scenario(replace(system, devices=system.devices[:1])))
    given = str(path), "--waiting-cost", "0.1"
    alone, queueing, default = (
        bound_document(capsysbinary, *given, *method)
        for method in (("--method", "lb3"), ("--method", "lb4"), ())
    )
    assert (alone["method"], queueing["method"]) == ("lb3", "lb4")
    assert queueing["bound_j"] > 1.1 * alone["bound_j"]
    assert default == queueing
    # One waiting cost proves a bound at a latency: energy + theta tau lambda L >= LB4(theta).
    at = bound_document(capsysbinary, str(path), "--latency", "0.05")
    least = bound_document(capsysbinary, str(path), "--latency", "0.05", "--method", "lb3")
    assert (at["method"], least["method"]) == ("lb4", "lb3")
    assert at["bound_energy_j"] > least["bound_energy_j"]


def test_channels_with_a_memory_have_lb4(capsysbinary, tmp_path):
    system = load_scenario("shadowing")
    device = replace(system.devices[0], services=system.devices[0].services[1:])
    path = tmp_path / "s.toml"
    path.write_text(format_scenario(replace(system, devices=(device,))))
    given = str(path), "--waiting-cost", "0.01"
    alone, queueing = (bound_document(capsysbinary, *given, "--method", method) for method in ("lb3", "lb4"))
    assert (alone["form"], queueing["form"]) == ("shadowing", "queueing")
    assert queueing["bound_j"] > 0.998 * alone["bound_j"]


def test_a_latency_that_no_policy_has_is_status_1(capsysbinary):
    document = bound_document(capsysbinary, "balanced", "--latency", "0.05", status=1)
    assert (document["status"], document["bound_energy_j"]) == ("unreachable", None)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--method", "lb3"), "$.system.waiting_cost_j_per_s"),
        (("--waiting-cost", "nan"), "--waiting-cost"),
        (("--waiting-cost", "-1"), "--waiting-cost"),
        (("--latency", "0"), "--latency"),
        (("--latency", "1", "--waiting-cost", "1"), "--latency"),
        (("--latency", "1", "--method", "lb1"), "--latency"),
        (("--latency", "1", "--method", "lb4"), "--latency"),
        (("--waiting-cost", "1", "--method", "lb1"), "LB1"),
    ],
)
def test_bounds_that_make_no_sense_are_bad_usage(arguments, named, capsysbinary):
    assert run(["bound", "balanced", *arguments]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    assert named in captured.err.decode()
    assert len(captured.err.decode().splitlines()) == 1


def test_tables_have_the_bounds_that_know_them(capsysbinary, tmp_path):
    device = replace(
        load_scenario("balanced").devices[0],
        cpu_points=(OperatingPoint(6e8, 0.05), OperatingPoint(1.5e9, 0.3)),
        radio=MeasuredRadio(4e7, 0.3),
    )
    system = replace(load_scenario("balanced"), devices=(device,))
    path = tmp_path / "tables.toml"
    path.write_text(format_scenario(system))
    document = bound_document(capsysbinary, str(path), "--waiting-cost", "0.01")
    assert (document["method"], document["bound_j"]) == ("lb3", waiting_bound(system, 0.01).bound_j)
    assert bound_document(capsysbinary, str(path))["mean_energy_j"] == energy_bound(system).energy_j
    assert run(["bound", str(path), "--waiting-cost", "0.01", "--method", "lb4"]) == 2
    lines = capsysbinary.readouterr().err.decode().splitlines()
    assert len(lines) == 1
    assert "$.devices[0].cpu_points: LB4 knows cubic CPUs" in lines[0]
