"""Policies beside the frontier: ratios, curves, intervals, the document and the picture."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lyaopt.bounds import energy_at_latency, waiting_bound
from lyaopt.errors import ProblemError
from lyaopt.evaluation import (
    FrontierReport,
    compare_with_bound,
    latency_curve,
    over_bound,
    over_bound_at_latency,
    paired_estimate,
)
from lyaopt.evaluation.frontier import interpolate
from lyaopt.evaluation.frontier_plot import draw_frontier
from lyaopt.evaluation.over_bound import mean_times_s, waiting_cost_in_force
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed, SearchOptions, all_local, middle, price
from lyaopt.simulation import simulate

SYSTEM = load_scenario("default")
SHORT = SearchOptions(slots=1000, replications=4)
COSTS = (0.003, 0.03, 0.3)


class Named:
    """Fixed points under another name."""

    def __init__(self, points, name):
        self.points, self.name = points, name

    def decide(self, observation):
        return Fixed(self.points).decide(observation)


@cache
def report() -> FrontierReport:
    """The price rule at three waiting costs, and two policies; one of them is the rule itself."""
    rule = {cost: price(SYSTEM, SHORT, waiting_cost_j_per_s=cost) for cost in COSTS}
    policies = [middle(SYSTEM), all_local(SYSTEM), rule[0.03]]
    names = ["middle", "all-local", "the rule itself"]
    return compare_with_bound(
        SYSTEM, policies, {"price": rule}, replications=8, slots=6000, warmup=500, seed=3, names=names
    )


# --- ratios


def test_latencies_are_those_of_littles_law():
    """For a policy that keeps up they are the mean latency of completed tasks, up to the ends of the run."""
    result = simulate(SYSTEM, all_local(SYSTEM), slots=60_000, warmup=500, replications=8, seed=1)
    assert mean_times_s(SYSTEM, result).mean() == pytest.approx(result.mean_latency_s, rel=0.05)


def test_tasks_that_wait_count_as_latency():
    """A tenth of the edge starves: what completes does not show how long tasks wait."""
    starved = load_scenario("scarce-edge")
    result = simulate(starved, middle(starved), slots=4000, replications=4)
    rate = starved.arrival_rate_per_s.sum()
    np.testing.assert_allclose(mean_times_s(starved, result) * rate, result.mean_tasks.sum(axis=0))


def test_the_curve_is_within_a_per_cent_of_the_bound_at_its_latencies():
    latencies = (0.2, 0.5, 2.0)
    curve = latency_curve(SYSTEM, latencies)
    exact = [energy_at_latency(SYSTEM, latency).bound_energy_j for latency in latencies]
    found = curve.energy_at(latencies)
    assert (found <= np.multiply(exact, 1.0 + 1e-6)).all()
    assert (found >= np.multiply(exact, 0.99)).all()


def test_the_ratio_at_a_latency_is_energy_over_the_bound_there():
    result = simulate(SYSTEM, all_local(SYSTEM), slots=4000, warmup=100, replications=4, seed=2)
    latency = float(mean_times_s(SYSTEM, result).mean())
    found = over_bound_at_latency(SYSTEM, result, latency_curve(SYSTEM, [latency]))
    bound = energy_at_latency(SYSTEM, latency).bound_energy_j
    assert found.value == pytest.approx(result.mean_energy_j / bound, rel=0.01)
    assert found.low < found.value < found.high
    assert over_bound_at_latency(SYSTEM, result, None) is None


def test_the_ratio_at_a_waiting_cost_is_energy_and_waiting_over_lb3():
    theta = np.linspace(0.01, 0.08, len(SYSTEM.services))
    result = simulate(SYSTEM, all_local(SYSTEM), slots=2000, replications=4, seed=2)
    found = over_bound(SYSTEM, result, theta)
    total = result.mean_energy_j + result.waiting_cost_j(theta)
    assert found.value == pytest.approx(total / waiting_bound(SYSTEM, theta).bound_j)
    assert found.low < found.value < found.high


def test_without_tasks_there_is_no_ratio():
    idle = simulate(SYSTEM, middle(SYSTEM), slots=1, replications=2)
    assert idle.mean_tasks.sum() == 0.0
    curve = latency_curve(SYSTEM, mean_times_s(SYSTEM, idle))
    assert curve is None
    assert over_bound_at_latency(SYSTEM, idle, curve) is None


def test_moving_devices_have_no_bound():
    moving = replace(SYSTEM, channel=replace(SYSTEM.channel, walk_m_per_sqrt_s=1.0))
    result = simulate(moving, all_local(moving), slots=200, replications=2)
    assert latency_curve(moving, [0.5]) is None
    assert over_bound(moving, result, np.full(8, 0.1)) is None
    found = compare_with_bound(moving, [middle(moving)], replications=2, slots=200, warmup=0)
    assert found.to_dict()["bound"] is None
    assert found.points[0].over_bound is None


def test_a_policy_is_judged_by_its_own_waiting_cost_first():
    own = price(SYSTEM, SHORT, waiting_cost_j_per_s=0.5)
    np.testing.assert_array_equal(waiting_cost_in_force(own, SYSTEM, 0.1), np.full(8, 0.5))
    np.testing.assert_array_equal(waiting_cost_in_force(None, SYSTEM, 0.1), np.full(8, 0.1))
    assert waiting_cost_in_force(middle(SYSTEM), SYSTEM) is None


# --- intervals


def test_shared_luck_cancels_in_a_paired_ratio():
    luck = np.random.default_rng(0).lognormal(size=20)
    found = paired_estimate([3.0 * luck, luck], lambda above, below: above / below)
    np.testing.assert_allclose([found.value, found.low, found.high], 3.0)


def test_an_interval_of_a_mean_has_its_confidence():
    rng = np.random.default_rng(5)
    found = [paired_estimate([rng.normal(size=30)], np.asarray, seed) for seed in range(200)]
    assert 0.88 <= np.mean([each.low <= 0.0 <= each.high for each in found]) <= 0.99


def test_one_replication_has_no_interval():
    found = paired_estimate([np.array([2.0])], np.asarray)
    assert found.value == 2.0
    assert np.isnan([found.low, found.high]).all()


# --- the report


def test_no_point_lies_below_the_bound():
    for point in report().all_points:
        assert point.over_bound.high >= 1.0
        assert point.over_bound.low <= point.over_bound.value <= point.over_bound.high


def test_the_bound_falls_with_latency_and_is_convex():
    latencies, energies = report().bound_curve()
    assert (np.diff(energies) <= 0.0).all()
    slopes = np.diff(energies) / np.diff(latencies)
    assert (np.diff(slopes) >= -1e-9 * np.abs(slopes).max()).all()
    reached = [point.latency_s.value for point in report().all_points]
    assert latencies[0] < min(reached)
    assert latencies[-1] > max(reached)


def test_a_rule_spends_more_and_is_faster_as_waiting_costs_more():
    points = report().curves["price"]
    assert [point.waiting_cost_j_per_s for point in points] == list(COSTS)
    assert (np.diff([point.energy_j.value for point in points]) > 0.0).all()
    assert (np.diff([point.latency_s.value for point in points]) < 0.0).all()


def test_a_rule_spends_as_much_as_itself():
    (itself,) = (point for point in report().points if point.policy == "the rule itself")
    over = itself.over_curve["price"]
    np.testing.assert_allclose([over.value, over.low, over.high], 1.0)


def test_a_curve_is_not_extended():
    ends = [point.latency_s.value for point in report().curves["price"]]
    for point in report().points:
        inside = min(ends) <= point.latency_s.value <= max(ends)
        assert ("price" in point.over_curve) == inside


def test_power_laws_are_interpolated_exactly():
    """Straight lines on logarithmic axes, in any order of the points."""
    latencies = np.array([[4.0, 1.0], [1.0, 9.0], [2.0, 3.0]])
    energies = 5.0 * latencies**-1.7
    where = np.array([3.0, 2.0])
    np.testing.assert_allclose(interpolate(where, latencies, energies), 5.0 * where**-1.7)
    beyond = interpolate(np.array([0.5, 9.1]), latencies, energies)
    assert np.isnan(beyond).all()


def test_the_document_has_the_keys_of_the_formats_page():
    document = json.loads(json.dumps(report().to_dict(), allow_nan=False))
    assert set(document) == {
        *("slots", "warmup", "replications", "seed", "confidence", "bound", "curves", "policies", "versions"),
    }
    assert set(document["bound"]) == {"method", "least_energy_j", "latency_s", "energy_j"}
    keys = {"policy", "waiting_cost_j_per_s", "energy_j", "mean_latency_s", "p99_s", "done_share"}
    for point in [*document["curves"]["price"], *document["policies"]]:
        assert set(point) == {*keys, "over_bound", "over_curve"}
        for name in ("energy_j", "mean_latency_s", "p99_s", "over_bound"):
            assert set(point[name]) == {"value", "low", "high"}
    assert [point["policy"] for point in document["policies"]] == ["middle", "all-local", "the rule itself"]


def test_what_was_finished_is_reported():
    policies = [middle(SYSTEM), Named(np.zeros(8, np.int64), "inputs")]
    found = compare_with_bound(
        SYSTEM, policies, replications=2, slots=500, warmup=0, progress=lambda done: done < 500
    )
    assert [point.policy for point in found.points] == ["middle"]


@pytest.mark.parametrize("cost", [0.0, -1.0, np.inf, np.nan])
def test_waiting_costs_are_finite_and_positive(cost):
    with pytest.raises(ProblemError, match=r"\$\.curves"):
        compare_with_bound(SYSTEM, [], {"price": {cost: middle(SYSTEM)}})


# --- the picture


def test_the_picture_has_logarithmic_axes_and_names(monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    seen = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **_: (seen.append(figure), file.write(b"p")))
    assert draw_frontier(report(), "p.svg") == b"p"
    (axes,) = seen[0].axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    texts = {text.get_text() for text in axes.texts}
    assert {"middle", "all-local", "impossible"} <= texts
    lines = {line.get_label(): line for line in axes.lines}
    curve = lines["price, by theta"].get_xydata()
    points = report().curves["price"]
    np.testing.assert_allclose(curve[:, 1], [1e3 * point.energy_j.value for point in points])
    bound = lines["least energy of any policy"].get_xydata()
    np.testing.assert_allclose(bound[:, 1], 1e3 * report().bound.energy_at(bound[:, 0]))
