"""Intervals against the textbook."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

pytest.importorskip("scipy")

from lyaopt.benchmark.intervals import mean_interval

# Quantiles of Student's distribution at 97.5 %, as printed in tables.
QUANTILES = {2: 12.7062, 4: 3.18245, 10: 2.26216, 20: 2.09302}


@pytest.mark.parametrize("count", QUANTILES)
def test_the_interval_is_the_one_of_the_textbook(count):
    values = np.random.default_rng(count).exponential(3.0, count)
    half = QUANTILES[count] * statistics.stdev(values.tolist()) / math.sqrt(count)
    found = mean_interval(values)
    assert found.value == pytest.approx(statistics.fmean(values.tolist()))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), rel=1e-5)


def test_it_holds_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(2.0, 1.0, (2_000, 8))
    held = [found.low <= 2.0 <= found.high for found in map(mean_interval, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_replications_without_a_value_are_left_out():
    assert mean_interval([1.0, math.nan, 3.0]) == mean_interval([1.0, 3.0])
    one, none = mean_interval([2.0]), mean_interval([math.nan])
    assert one.to_dict() == {"value": 2.0, "low": None, "high": None}
    assert none.to_dict() == {"value": None, "low": None, "high": None}
