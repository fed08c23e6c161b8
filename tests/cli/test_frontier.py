"""`lyaopt frontier`."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy, policy_names, registry
from lyaopt.simulation import load_trace, simulate
from lyaopt_cli.main import run

BRIEF = ["--replications", "2", "--slots", "200", "--warmup", "0", "--waiting-costs", "0.01,0.1"]
COMMAND = ["frontier", "default", "--policy", "middle", *BRIEF]


@pytest.fixture(autouse=True)
def short_searches(monkeypatch):
    """Searched policies with very short searches."""
    for name in filter(registry.is_searched, policy_names()):
        monkeypatch.setitem(registry._POLICIES, name, shortly(registry._POLICIES[name]))


def shortly(make):
    def made(system, options, *, waiting_cost_j_per_s=None):
        brief = replace(options, slots=50, replications=2, budget=20_000)
        own = {} if waiting_cost_j_per_s is None else {"waiting_cost_j_per_s": waiting_cost_j_per_s}
        return make(system, brief, **own)

    return made


def test_json_has_the_bound_the_curve_and_the_points(capsysbinary):
    assert run([*COMMAND, "--policy", "3,1,5,8,6,2,4,1", "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert [point["policy"] for point in document["policies"]] == ["middle", "fixed"]
    assert [point["waiting_cost_j_per_s"] for point in document["curves"]["price"]] == [0.01, 0.1]
    assert len(document["bound"]["latency_s"]) == len(document["bound"]["energy_j"]) > 10


def test_a_pipe_gets_a_table(capsysbinary):
    assert run(COMMAND) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "…" not in text
    assert "\x1b" not in text
    rows = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert rows.count("price") == 2
    assert "middle" in rows
    assert "LB3" in text


def test_the_default_policies_are_points(capsysbinary):
    assert run(["frontier", "default", *BRIEF, "--json"]) == 0
    found = [point["policy"] for point in json.loads(capsysbinary.readouterr().out)["policies"]]
    assert found == ["middle", "all-local", "all-offload", "best-fixed", "greedy"]


def test_a_picture_appears_whole_or_not_at_all(tmp_path, capsysbinary):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "frontier.svg"
    assert run([*COMMAND, "--plot", str(picture)]) == 0
    assert picture.read_text().rstrip().endswith("</svg>")
    assert run([*COMMAND, "--plot", str(tmp_path / "no" / "p.svg")]) == 2
    assert run([*COMMAND, "--plot", str(tmp_path / "p.gif")]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["frontier.svg"]
    assert capsysbinary.readouterr().err.decode().count("\n") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy", "nobody"], "nobody"),
        (["--policy", "middle", "--policy", "middle"], "different names"),
        (["--waiting-costs", "0.1,0"], "different numbers > 0"),
        (["--waiting-costs", "0.1,0.1"], "different numbers > 0"),
        (["--waiting-costs", "a"], "different numbers > 0"),
        (["--waiting-costs", "nan"], "different numbers > 0"),
        (["--rule", "greedy"], "greedy"),
        (["--slots", "0"], "--slots"),
    ],
)
def test_bad_input_is_one_line(capsysbinary, words, message):
    assert run(["frontier", "default", *BRIEF, *words]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert message in line


@pytest.fixture
def trace(tmp_path):
    """A trace with four times the arrivals of the scenario's law."""
    rng = np.random.default_rng(6)
    path = tmp_path / "trace.npz"
    np.savez(
        path, arrivals=rng.poisson(0.008, (4000, 8)), channel_gain=3e-11 * rng.exponential(size=(4000, 4))
    )
    return str(path)


def test_on_a_trace_there_is_no_bound_and_its_use_is_told(trace, capsysbinary):
    assert (
        run([*COMMAND, "--policy", "best-fixed", "--trace", trace, "--search-slots", "1000", "--json"]) == 0
    )
    document = json.loads(capsysbinary.readouterr().out)
    assert document["bound"] is None
    loaded = load_trace(trace, load_scenario("default"))
    assert document["trace"] == {"sha256": loaded.sha256, "searched_slots": 1000, "judged_slots": 3000}
    assert document["tuned"]["best-fixed"] == {"on": "trace", "first_slots": 1000, "in_sample": False}
    assert {point["over_bound"] for point in document["policies"]} == {None}
    assert run([*COMMAND, "--trace", trace]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "No bound: it would be of the scenario's law" in text
    assert "judged on the 2000 slots after the first 2000" in text


def test_mean_latency_is_by_the_arrivals_of_the_trace(trace, capsysbinary):
    """Little's law: mean tasks over the arrival rate, both of the trace."""
    options = ["--policy", "all-local", "--trace", trace, "--json", *BRIEF]
    assert run(["frontier", "default", *options]) == 0
    (point,) = json.loads(capsysbinary.readouterr().out)["policies"]
    system = load_scenario("default")
    judged = load_trace(trace, system).after(2000).spread_over(2)
    result = simulate(system, make_policy("all-local", system), slots=200, replications=2, trace=judged)
    arrivals_per_s = judged.arrivals.sum() / (2000 * 0.01)
    assert arrivals_per_s > 3.0 * system.arrival_rate_per_s.sum()
    expected = result.mean_tasks.sum(axis=0).mean() / arrivals_per_s
    assert point["mean_latency_s"]["value"] == pytest.approx(expected)
