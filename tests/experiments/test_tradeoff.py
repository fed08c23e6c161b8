"""Energy against latency: fronts, picks, and `lyaopt tune`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import ProblemError
from lyaopt.evaluation import Estimate
from lyaopt.experiments import tradeoff
from lyaopt.experiments.results import Results
from lyaopt.experiments.statistics import Run
from lyaopt.experiments.tradeoff import Point, factor_between, pick, points_of, tradeoff_parts
from lyaopt.experiments.tradeoff_plot import draw_tradeoff
from lyaopt.model.scenarios import load_scenario
from lyaopt_cli.main import run
from lyaopt_cli.tables.experiments import print_tradeoff
from tests.experiments.synthetic import measured
from tests.support.slot_text import on_a_terminal


def point(energy, latency, factor=1.0, policy="middle"):
    nothing = float("nan")
    return Point(
        policy, factor, 1.0, 1.0, Estimate(energy, nothing, nothing), Estimate(latency, nothing, nothing)
    )


NUMBERS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=12)


@given(NUMBERS)
def test_the_front_holds_the_undominated_points(pairs):
    found = tradeoff.with_front([point(float(energy), float(latency)) for energy, latency in pairs])
    for mine, (energy, latency) in zip(found, pairs, strict=True):
        beaten = any((e <= energy and t <= latency) and (e, t) != (energy, latency) for e, t in pairs)
        assert mine.on_front != beaten


@given(NUMBERS, st.integers(0, 7))
def test_the_pick_is_the_least_energy_within_the_target(pairs, target):
    points = tradeoff.with_front([point(float(energy), float(latency)) for energy, latency in pairs])
    chosen = pick(points, float(target))
    within = [energy for energy, latency in pairs if latency <= target]
    assert (chosen is None) == (not within)
    if chosen is not None:
        assert chosen.energy_j.value == min(within)


def test_a_pick_meets_the_target_with_its_whole_interval():
    likely = replace(point(1.0, 1.9), latency_s=Estimate(1.9, 1.7, 2.1))
    sure = replace(point(2.0, 1.8), latency_s=Estimate(1.8, 1.6, 2.0))
    assert pick([likely, sure], 2.0) is sure
    assert pick([likely], 2.0) is None


def test_points_without_a_latency_are_neither_picked_nor_on_the_front():
    points = tradeoff.with_front([point(1.0, float("nan")), point(2.0, 1.0)])
    assert [found.on_front for found in points] == [False, True]
    assert pick(points, 5.0) is points[1]


def test_a_pick_is_refined_towards_the_next_factor_of_its_policy():
    points = [point(3.0, 1.0, 1.0), point(2.0, 9.0, 4.0), point(2.0, 9.0, 2.0, "random")]
    assert factor_between(points, points[0]) == 2.0
    assert factor_between(points, points[1]) is None
    # Waiting costs save energy where they are smaller.
    priced = [replace(one, energy_weight_local=None, policy="price") for one in points]
    assert factor_between(priced, priced[0]) is None
    assert factor_between(priced, priced[1]) == 2.83


def told(points, target, capsys):
    print_tradeoff(points, "p95", target)
    lines = capsys.readouterr().out.splitlines()
    return lines[-1], tradeoff.document(points, "p95", target)["end_of_range"]


@pytest.mark.parametrize(("factor", "end"), [(1.0, "smallest"), (2.0, None), (4.0, "largest")])
def test_a_pick_at_an_end_of_the_range_is_told(factor, end, capsys):
    """One of three factors has least energy; other policies have other ranges."""
    others = [point(9.0, 1.0, other) for other in (1.0, 2.0, 4.0) if other != factor]
    other_policy = [point(9.0, 1.0, other, "random") for other in (0.5, 8.0)]
    line, said = told([point(1.0, 1.0, factor), *others, *other_policy], 2.0, capsys)
    assert said == end
    assert (f"{factor:g} U is the {end} factor tried" in line) == (end is not None)


def test_the_end_of_the_range_is_told_where_no_target_is_met(capsys):
    points = [point(1.0, 5.0, 4.0), point(2.0, 3.0, 1.0)]
    line, said = told(points, 2.0, capsys)
    assert said == "smallest"
    assert "1 U is the smallest factor tried" in line
    line, said = told([point(1.0, float("nan"), 4.0)], 2.0, capsys)
    assert said is None
    assert line == "No weights reach 2 s: no task was completed"
    assert tradeoff.document(points, "p95", None)["end_of_range"] is None


def test_the_command_selects_weights_that_meet_the_target(tmp_path, capsysbinary):
    arguments = [
        "tune",
        "default",
        "--policy",
        "middle",
        "--policy",
        "all-offload",
        "--out",
        str(tmp_path / "out"),
    ]
    assert run([*arguments, "--latency-p95", "2", "--json", "--plot", str(tmp_path / "t.svg")]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    chosen, points = document["pick"], document["points"]
    assert chosen["latency_s"]["high"] <= 2.0
    within = [found for found in points if found["latency_s"]["high"] <= 2.0]
    assert chosen["energy_j"]["value"] == min(found["energy_j"]["value"] for found in within)
    system = load_scenario("default")
    assert chosen["energy_weight_local"] == chosen["factor"] * system.energy_weight_local
    assert len(points) == 2 * len(tradeoff.FACTORS) + tradeoff.REFINEMENTS
    by_factor = {found["factor"]: found for found in points if found["policy"] == "all-offload"}
    energies = [by_factor[factor]["energy_j"]["value"] for factor in sorted(by_factor)]
    assert energies[0] > energies[-1]
    assert (tmp_path / "t.svg").read_bytes().startswith(b"<?xml")
    # An unreachable target is reported with exit code 1; nothing is computed again.
    assert run([*arguments, "--latency-p95", "0.001", "--json"]) == 1
    assert json.loads(capsysbinary.readouterr().out)["pick"] is None
    shown = on_a_terminal(*arguments, "--latency-p95", "2")
    assert f"with all-offload: {1e6 * chosen['energy_j']['value']:.3g} µJ per slot" in shown
    assert run([*arguments, "--latency-p95", "2"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert text.splitlines()[-1] == shown.splitlines()[-1]
    assert document["end_of_range"] in (None, "largest")
    assert not {"{", "…", "\x1b"} & set(text)


def test_prices_are_tuned_by_their_waiting_costs():
    """Their points differ in theta; the weights of energy, which they do not know, stay."""
    system = load_scenario("balanced")
    weighted, priced = tradeoff_parts(system, "balanced", ["middle", "price"])
    assert weighted.sweep.policies == ("middle",)
    costs = [cell.systems[0].waiting_costs_j_per_s[0] for cell in priced.cells]
    assert costs == pytest.approx(tradeoff.FACTORS)
    assert {cell.systems[0].energy_weight_local for cell in priced.cells} == {system.energy_weight_local}
    own = replace(system, waiting_cost_j_per_s=0.5)
    (priced,) = tradeoff_parts(own, "balanced", ["price"], [2.0])
    assert priced.cells[0].systems[0].waiting_cost_j_per_s == 1.0
    results = Results("made", None, priced.sweep.points, ["price"], {})
    results.runs["price", 0] = [Run(None, measured(1e-5))]
    (found,) = points_of([results], own, "mean")
    assert (found.factor, found.waiting_cost_j_per_s, found.setting) == (2.0, 1.0, "theta")
    assert found.energy_weight_local is None
    assert found.to_dict()["waiting_cost_j_per_s"] == 1.0


def test_bad_requests_are_refused(tmp_path, capsys):
    assert run(["tune", "default", "--latency-p95", "1", "--latency-mean", "1"]) == 2
    assert run(["tune", "default", "--policy", "no-such"]) == 2
    assert run(["tune", "default", "--plot", "t.gif"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "Give one latency" in lines[0]
    assert lines[1].startswith("lyaopt tune: $.policies[0]: expected middle")
    assert len(lines) == 3


def test_an_unknown_latency_is_refused():
    with pytest.raises(ProblemError, match=r"\$\.latency: expected one of mean, p50, p95, p99; got 'p42'"):
        points_of([], load_scenario("default"), "p42")


def test_a_figure_shows_the_pick():
    points = tradeoff.with_front([point(3.0, 1.0, 1.0), point(2.0, 9.0, 4.0)])
    with_pick = draw_tradeoff(points, "p95", "a.svg", target_s=5.0, chosen=points[0])
    assert with_pick != draw_tradeoff(points, "p95", "a.svg", target_s=None, chosen=None)
