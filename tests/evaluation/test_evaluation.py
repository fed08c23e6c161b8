"""Policies side by side: paired replications, intervals, and the command."""

from __future__ import annotations

import json
import re
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.bounds import energy_at_latency, waiting_bound
from lyaopt.errors import ProblemError
from lyaopt.evaluation import Score, evaluate, interquartile_mean
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import all_local, all_offload, make_policy, middle
from lyaopt.simulation import Trace, simulate
from lyaopt.simulation.costs import backlog_shares
from lyaopt_cli.main import run
from lyaopt_cli.tables.evaluation import saving_words
from tests.support.slot_text import on_a_terminal

SYSTEM = load_scenario("default")


@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=40))
def test_the_interquartile_mean_ignores_the_outer_quarters(values):
    found = interquartile_mean(np.array(values))
    ordered = np.sort(values)
    cut = len(values) // 4
    assert found.value == pytest.approx(ordered[cut : len(values) - cut].mean(), abs=1e-9)
    assert found.low <= found.value + 1e-9
    assert found.high >= found.value - 1e-9


def test_few_or_no_values_give_no_interval():
    assert np.isnan(interquartile_mean(np.array([])).value)
    assert interquartile_mean(np.array([3.0, np.nan])).value == 3.0
    assert np.isnan(interquartile_mean(np.array([3.0])).low)


def test_an_interval_covers_the_mean_at_about_its_confidence():
    rng = np.random.default_rng(5)
    inside = [
        found.low <= 0.0 <= found.high
        for found in (interquartile_mean(rng.normal(size=30), seed) for seed in range(120))
    ]
    assert 0.85 <= np.mean(inside) <= 1.0


def test_scores_are_those_of_single_replications():
    """Each replication equals the simulator's result, latencies included."""
    result = simulate(SYSTEM, middle(SYSTEM), slots=4000, warmup=500, replications=3, seed=2)
    score = Score.of(SYSTEM, result)
    assert score.energy_j.sum() == pytest.approx(3 * result.mean_energy_j)
    counts = [result.latencies.of_groups(np.arange(8 * b, 8 * b + 8)).count for b in range(3)]
    assert sum(counts) == result.latencies.count
    assert np.average(score.latency_s[0], weights=counts) == pytest.approx(result.mean_latency_s)
    assert (np.diff(score.latency_s[1:], axis=0) >= 0).all()


def test_savings_are_paired():
    """A policy saves nothing compared with itself, in every replication."""
    policies = [middle(SYSTEM), make_policy("15,10,5,18,16,9,4,8", SYSTEM), all_local(SYSTEM)]
    found = evaluate(SYSTEM, policies, replications=6, slots=3000, warmup=200)
    first, same, other = found.scores
    saving = first.saving_against(same)
    assert (saving.value, saving.low, saving.high) == (0.0, 0.0, 0.0)
    there, back = first.saving_against(other).value, other.saving_against(first).value
    assert (there > 0) != (back > 0)
    assert len({score.result.born for score in found.scores}) == 1
    assert found.to_dict()["policies"][0]["times_bound"] > 1.0


def test_policies_need_different_names():
    with pytest.raises(ProblemError, match="different names"):
        evaluate(SYSTEM, [middle(SYSTEM), middle(SYSTEM)])


def test_policies_of_one_name_are_named_by_their_arguments(capsysbinary):
    points = ["3,1,5,8,6,2,4,1", "1,1,1,1,1,1,1,1"]
    brief = ["--replications", "2", "--slots", "300", "--warmup", "0"]
    assert run(["evaluate", *points, "middle", "default", *brief, "--json"]) == 0
    found = json.loads(capsysbinary.readouterr().out)["policies"]
    assert [policy["policy"] for policy in found] == [*points, "middle"]
    assert found[0]["cost"] != found[1]["cost"]


def test_costs_are_those_of_the_reward():
    found = evaluate(SYSTEM, [middle(SYSTEM)], replications=2, slots=500, warmup=0)
    (score,), weights = found.scores, SYSTEM.learning
    waiting = np.einsum("qs,qsb->b", backlog_shares(SYSTEM), score.result.queues)
    expected = weights.reward_energy_weight * score.energy_j + weights.reward_backlog_weight * waiting
    np.testing.assert_allclose(score.cost, expected)


def test_a_picture_shows_every_policy(tmp_path, capsysbinary):
    brief = ["--replications", "2", "--slots", "300", "--warmup", "0"]
    assert run(["evaluate", "middle", "all-local", "default", *brief, "--plot", str(tmp_path / "p.svg")]) == 0
    text = (tmp_path / "p.svg").read_text()
    assert text.startswith("<?xml")
    assert run(["evaluate", "middle", "default", *brief, "--plot", str(tmp_path / "p.gif")]) == 2
    assert b"--plot: expected a figure that ends in .png or .svg" in capsysbinary.readouterr().err


def test_a_stopped_evaluation_keeps_the_finished_policies():
    policies = [middle(SYSTEM), all_offload(SYSTEM)]
    found = evaluate(SYSTEM, policies, replications=2, slots=500, warmup=0, progress=lambda done: done < 500)
    assert [score.result.policy for score in found.scores] == ["middle"]
    with pytest.raises(ProblemError, match="stopped before"):
        evaluate(SYSTEM, policies, replications=2, slots=10**7, warmup=0, progress=lambda done: False)


def test_the_command_prints_the_result_of_the_function(capsysbinary):
    options = ["--replications", "3", "--slots", "1000", "--warmup", "100", "--seed", "4"]
    assert run(["evaluate", "all-offload", "middle", "default", *options, "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    policies = [all_offload(SYSTEM), middle(SYSTEM)]
    found = evaluate(SYSTEM, policies, replications=3, slots=1000, warmup=100, seed=4)
    assert document == json.loads(json.dumps(found.to_dict()))


def test_a_terminal_gets_a_table():
    text = on_a_terminal(
        "evaluate",
        "all-offload",
        "all-local",
        "default",
        "--replications",
        "2",
        "--slots",
        "600",
        "--warmup",
        "0",
    )
    assert "all-offload " in text
    assert "the energy of all-local" in text
    assert "Bound" in text


@pytest.mark.parametrize(
    ("policies", "message"), [(["nobody"], "nobody"), (["middle", "middle"], "different names")]
)
def test_bad_use_is_one_line(capsysbinary, policies, message):
    assert run(["evaluate", *policies, "default"]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert message in line


def test_policies_are_beside_the_bound_at_their_latency_or_waiting_cost():
    options = {"replications": 4, "slots": 1000, "warmup": 100}
    (score,) = evaluate(SYSTEM, [all_local(SYSTEM)], **options).scores
    latency = score.result.mean_tasks.sum(axis=0).mean() / SYSTEM.arrival_rate_per_s.sum()
    expected = score.result.mean_energy_j / energy_at_latency(SYSTEM, latency).bound_energy_j
    assert score.over_bound_at_latency.value == pytest.approx(expected, rel=0.01)
    assert score.over_bound is None
    found = evaluate(SYSTEM, [all_local(SYSTEM)], **options, waiting_cost_j_per_s=0.1)
    (score,) = found.scores
    total = score.result.mean_energy_j + score.result.waiting_cost_j(np.full(8, 0.1))
    assert score.over_bound.value == pytest.approx(total / waiting_bound(SYSTEM, 0.1).bound_j)
    assert score.over_bound_at_latency is None
    (document,) = found.to_dict()["policies"]
    assert document["over_bound"]["value"] == score.over_bound.value
    assert document["over_bound_at_latency"] is None


def test_shadowed_channels_are_beside_the_bound_by_request_only(monkeypatch):
    shadowed = load_scenario("shadowing")
    asked = []
    bounds = import_module("lyaopt.evaluation.over_bound")  # a function of the package has its name
    monkeypatch.setattr(bounds, "latency_curve", lambda *arguments: asked.append(arguments))
    for bound, count in ((None, 0), (False, 0), (True, 1)):
        evaluate(shadowed, [middle(shadowed)], replications=2, slots=100, warmup=0, bound=bound)
        assert len(asked) == count


def scores(mine, others):
    """Scores of two policies that spend so much energy in each replication."""
    made = []
    for name, energy in (("mine", mine), ("other", others)):
        energy = np.asarray(energy, np.float64)
        result = SimpleNamespace(policy=name)
        made.append(Score(result, energy, energy, energy, energy, energy, energy, energy[None], energy[None]))
    return made


@pytest.mark.parametrize(
    ("mine", "others", "words"),
    [
        ([0.8, 0.8, 0.8], [1.0, 1.0, 1.0], "mine saves 20.0% of the energy of other (20.0% to 20.0%)"),
        ([1.2, 1.2, 1.2], [1.0, 1.0, 1.0], "mine spends 20.0% more energy than other (20.0% to 20.0%)"),
        ([4.123, 4.123], [1.0, 1.0], "mine spends 4.12 times the energy of other (4.12 to 4.12)"),
        ([4e9, 4e9], [1.0, 1.0], "mine spends 4e+09 times the energy of other (4e+09 to 4e+09)"),
        ([1.0, 1.0], [1.0, 1.0], "mine spends as much energy as other (0.0% less to 0.0% less)"),
        ([1.00004, 1.00004], [1.0, 1.0], "mine spends as much energy as other (0.0% more to 0.0% more)"),
        ([0.99996, 0.99996], [1.0, 1.0], "mine spends as much energy as other (0.0% less to 0.0% less)"),
        ([0.0, 0.0], [1.0, 1.0], "mine saves 100.0% of the energy of other (100.0% to 100.0%)"),
        ([0.5], [1.0], "mine saves 50.0% of the energy of other"),
        ([1.0, 1.0], [0.0, 0.0], "mine spends energy, where other spends none"),
        ([0.0, 0.0], [0.0, 0.0], "mine spends no energy either, where other spends none"),
        ([np.inf, np.inf], [1.0, 1.0], "the energies of mine and other are not known"),
        ([np.nan, np.nan], [1.0, 1.0], "the energies of mine and other are not known"),
    ],
)
def test_a_saving_is_said_in_words(mine, others, words):
    assert saving_words(*scores(mine, others)) == words


def test_the_ends_of_a_saving_are_in_the_order_of_their_size():
    words = saving_words(*scores(np.linspace(2.0, 6.0, 8), np.ones(8)))
    low, high = map(float, re.fullmatch(r".*\((.*) to (.*)\)", words).groups())
    assert 2.0 <= low < 4.0 < high <= 6.0
    words = saving_words(*scores(np.linspace(1.1, 1.5, 8), np.ones(8)))
    low, high = (float(end[:-1]) for end in re.fullmatch(r".*\((.*) to (.*)\)", words).groups())
    assert 10.0 <= low < 30.0 < high <= 50.0


def traced(slots=4000):
    rng = np.random.default_rng(9)
    return Trace(rng.poisson(0.004, (slots, 8)), 3e-11 * rng.exponential(size=(slots, 4)))


def test_replications_on_a_trace_start_at_slots_of_their_own_and_have_no_bound():
    trace = traced().spread_over(4)
    found = evaluate(SYSTEM, [middle(SYSTEM)], replications=4, slots=500, warmup=0, trace=trace)
    assert found.bound_energy_j is None
    assert found.scores[0].over_bound_at_latency is None
    for b, start in enumerate(trace.starts):
        part = Trace(trace.arrivals[start : start + 500], trace.channel_gain[start : start + 500])
        alone = simulate(SYSTEM, middle(SYSTEM), slots=500, trace=part)
        assert found.scores[0].energy_j[b] == alone.mean_energy_j


def test_the_command_divides_the_trace(tmp_path, capsysbinary):
    trace = traced()
    path = tmp_path / "trace.npz"
    np.savez(path, arrivals=trace.arrivals, channel_gain=trace.channel_gain)
    brief = ["--slots", "100", "--warmup", "0", "--replications", "3"]
    assert run(["evaluate", "middle", "greedy", "default", "--trace", str(path), *brief, "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert document["trace"] == {"sha256": trace.sha256, "searched_slots": 2000, "judged_slots": 2000}
    assert document["tuned"] == {"greedy": {"on": "trace", "first_slots": 2000, "in_sample": False}}
    assert document["bound_energy_j"] is None
    by_command = document["policies"][0]["energy_j"]["value"]
    judged = trace.after(2000).spread_over(3)
    found = evaluate(SYSTEM, [middle(SYSTEM)], replications=3, slots=100, warmup=0, trace=judged)
    assert by_command == interquartile_mean(found.scores[0].energy_j).value


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--search-slots", "9"], "--search-slots is for --trace"),
        (["--trace", "t.npz", "--search-slots", "99"], "more"),
    ],
)
def test_a_trace_leaves_slots_to_judge(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trace = traced(50)
    np.savez("t.npz", arrivals=trace.arrivals, channel_gain=trace.channel_gain)
    assert run(["evaluate", "middle", "default", *arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
