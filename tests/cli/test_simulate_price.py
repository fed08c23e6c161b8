"""`lyaopt simulate --policy price`: its options, and the ratio to LB3."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import energy_at_latency, waiting_bound
from lyaopt.model.scenarios import format_scenario, load_scenario
from lyaopt.model.system import MeasuredRadio, OperatingPoint
from lyaopt.policies import make_policy
from lyaopt.simulation import price_source, price_table, simulate
from lyaopt_cli.main import run

SYSTEM = load_scenario("balanced")
MIDDLE = ("--policy", "middle", "--slots", "3000", "--seed", "3")


def printed(capsysbinary, *arguments):
    assert run(["simulate", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_the_ratio_is_energy_and_waiting_over_the_bound(capsysbinary):
    (document,) = printed(capsysbinary, "balanced", *MIDDLE, "--waiting-cost", "0.02")
    assert document["waiting_cost_j_per_s"] == 0.02
    total = document["mean_energy_j"] + 0.02 * SYSTEM.slot_duration_s * document["mean_tasks"]
    np.testing.assert_allclose(document["over_bound"], total / waiting_bound(SYSTEM, 0.02).bound_j)
    (document,) = printed(capsysbinary, "balanced", *MIDDLE)
    assert not {"waiting_cost_j_per_s", "over_bound"} & set(document)


def test_waiting_costs_of_a_scenario_are_those_of_its_services(capsysbinary, tmp_path):
    first = replace(SYSTEM.devices[0].services[0], waiting_cost_j_per_s=0.3)
    device = replace(SYSTEM.devices[0], services=(first, *SYSTEM.devices[0].services[1:]))
    system = replace(SYSTEM, waiting_cost_j_per_s=0.01, devices=(device, *SYSTEM.devices[1:]))
    path = tmp_path / "s.toml"
    path.write_text(format_scenario(system))
    (document,) = printed(capsysbinary, str(path), *MIDDLE)
    assert document["waiting_cost_j_per_s"] == [0.3, *[0.01] * 7]


def test_mean_tasks_are_counted_slot_by_slot():
    from lyaopt.policies import middle

    result = simulate(SYSTEM, middle(SYSTEM), slots=2000, seed=5, record=True)
    queued = np.cumsum(result.record.arrivals - result.record.completed, axis=0)
    present = np.vstack([np.zeros((1, 8), np.int64), queued[:-1]])  # in the system during each slot
    np.testing.assert_allclose(result.mean_tasks[:, 0], present.mean(axis=0), rtol=1e-13)
    later = simulate(SYSTEM, middle(SYSTEM), slots=1500, warmup=500, seed=5)
    np.testing.assert_allclose(later.mean_tasks[:, 0], present[500:].mean(axis=0), rtol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "middle", "--target-latency", "1"], "is for --policy price"),
        (["--policy", "price", "--target-latency", "1", "--waiting-cost", "1"], "either"),
        (["--policy", "price", "--waiting-cost", "nan"], "expected a finite number"),
        (["--policy", "price", "--target-latency", "0"], "expected seconds"),
        (["--policy", "price", "--waiting-cost", "0"], "expected numbers > 0"),
        (["--policy", "middle", "--save-prices", "t"], "--save-prices takes one --policy"),
        (["--policy", "price", "--policy", "value", "--save-prices", "t"], "takes one --policy"),
        (["--policy", "price", "--save-prices", "."], "Is a directory"),
    ],
)
def test_wrong_options_end_in_one_line(arguments, message, capsys):
    assert run(["simulate", "balanced", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_prices_are_saved_as_the_policy_has_them(capsysbinary, tmp_path):
    policy = make_policy("price", SYSTEM, seed=3, waiting_cost_j_per_s=0.02)
    table = price_table(policy.rule, SYSTEM)
    words = ("--policy", "price", "--waiting-cost", "0.02", "--seed", "3", "--slots", "100")
    for name, content in (("p.f64", table.tobytes()), ("p.h", price_source(table).encode())):
        path = tmp_path / name
        printed(capsysbinary, "balanced", *words, "--save-prices", str(path))
        assert path.read_bytes() == content


def test_without_a_waiting_cost_the_bound_is_that_at_the_own_latency(capsysbinary):
    (document,) = printed(capsysbinary, "balanced", *MIDDLE, "--bound")
    latency = document["mean_tasks"] / SYSTEM.arrival_rate_per_s.sum()
    expected = document["mean_energy_j"] / energy_at_latency(SYSTEM, latency).bound_energy_j
    assert document["over_bound_at_latency"] == pytest.approx(expected, rel=0.01)
    (document,) = printed(capsysbinary, "balanced", *MIDDLE, "--bound", "--waiting-cost", "0.02")
    assert "over_bound_at_latency" not in document
    (document,) = printed(capsysbinary, "balanced", *MIDDLE)
    assert "over_bound_at_latency" not in document


def test_a_trace_has_no_bound_at_its_latency(capsysbinary, tmp_path):
    record = str(tmp_path / "r.npz")
    printed(capsysbinary, "balanced", *MIDDLE, "--record", record)
    (document,) = printed(capsysbinary, "balanced", "--trace", record, "--bound")
    assert "over_bound_at_latency" not in document


def test_without_scipy_a_run_has_no_ratio(capsysbinary, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    (document,) = printed(capsysbinary, "balanced", *MIDDLE, "--waiting-cost", "0.02")
    assert document["over_bound"] is None


def test_tables_of_a_scenario_are_simulated_beside_their_bound(capsysbinary, tmp_path):
    points = (OperatingPoint(6e8, 0.05), OperatingPoint(1.5e9, 0.3))
    first, second, *rest = SYSTEM.devices
    devices = (replace(first, cpu_points=points), replace(second, radio=MeasuredRadio(4e7, 0.3)), *rest)
    system = replace(SYSTEM, devices=devices)
    path = tmp_path / "tables.toml"
    path.write_text(format_scenario(system))
    for policy in ("price", "middle"):
        arguments = ("--policy", policy, "--slots", "3000", "--seed", "3", "--waiting-cost", "0.02")
        (document,) = printed(capsysbinary, str(path), *arguments)
        total = document["mean_energy_j"] + 0.02 * SYSTEM.slot_duration_s * document["mean_tasks"]
        np.testing.assert_allclose(document["over_bound"], total / waiting_bound(system, 0.02).bound_j)
