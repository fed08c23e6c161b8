"""The summary of what learning adds to the price rule."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.price_learning import file_of, system_of
from benchmarks.price_learning_table import interval, saving, summary, table
from lyaopt.model.scenarios import load_scenario


def line(seed, costs, scenario="balanced", best=5):
    return {
        "scenario": scenario,
        "seed": seed,
        "cost_j": list(costs),
        "energy_j": [1e-5] * len(costs),
        "tasks": [2.0] * len(costs),
        "latency_s": 0.5,
        "completed": 1.0,
        "waiting_cost_j_per_s": 0.01,
        "decisions": 100,
        "training_s": 9.0,
        "best_update": best,
    }


RULE = np.random.default_rng(1).uniform(1.0, 3.0, 40)


def test_savings_are_paired_by_replication():
    """Replications differ by a factor of three, trainings save five per cent in each of them."""
    lines = [line(0, RULE)] + [line(seed, 0.95 * RULE) for seed in (1, 2, 3)]
    found = summary(lines)["balanced"]
    for name in ("value", "low", "high"):
        assert found["saving"][name] == pytest.approx(0.05, rel=1e-9)
    assert found["trainings"] == 3
    assert "5.00 (5.00 to 5.00)" in table({"balanced": found})


def test_intervals_cover_the_spread_of_trainings():
    factors = np.array([0.90, 0.92, 0.94, 0.96, 0.98])
    low, high = interval(RULE, factors[:, None] * RULE)
    error = factors.std() / np.sqrt(5)
    assert 0.06 - 2.4 * error < low < 0.06 - 1.4 * error
    assert 0.06 + 1.4 * error < high < 0.06 + 2.4 * error


def test_trainings_that_kept_the_rule_add_nothing():
    found = summary([line(0, RULE), line(1, RULE, best=0)])["balanced"]
    assert found["kept_rule"] == 1
    assert abs(found["saving"]["value"]) < 1e-15
    assert saving(RULE, RULE[None]) == 0.0


def test_scenarios_without_the_rule_or_without_trainings_are_left_out():
    assert not summary([line(0, RULE), line(1, RULE, "bursty")])


def test_a_multiple_of_the_arrivals(tmp_path):
    plain, busy = load_scenario("balanced"), system_of("balanced@4")
    np.testing.assert_array_equal(busy.arrival_rate_per_s, 4.0 * plain.arrival_rate_per_s)
    np.testing.assert_array_equal(busy.local_cycles, plain.local_cycles)
    assert file_of(tmp_path, "balanced@4", 2) != file_of(tmp_path, "balanced", 2)
