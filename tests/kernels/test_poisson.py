"""Poisson counts of any mean against the distribution itself."""

import numpy as np
import pytest
from scipy import stats

from lyaopt._kernels.rng.poisson import _log_probability, chance_of_any, poisson
from lyaopt._kernels.simulation.state_types import ArrivalLaws, StreamKeys
from lyaopt._kernels.simulation.stream_options import BUSY_FACTOR, OPTIONS, QUIET_FACTOR
from lyaopt._kernels.simulation.traffic import arrivals_of_slots

PLAIN = np.zeros(OPTIONS)
PLAIN[[BUSY_FACTOR, QUIET_FACTOR]] = 1.0


def draw(mean, lanes, slots, seed=1, services=1):
    arrivals = np.full((slots, services, lanes), -1)
    arrivals_of_slots(
        StreamKeys(np.uint64(seed), np.arange(lanes, dtype=np.uint32), np.zeros(lanes, np.uint32)),
        0,
        np.full((services, lanes), mean),
        PLAIN,
        ArrivalLaws(np.empty((0, 0), np.int64), np.empty((0, 0, 0)), np.empty(0)),
        np.zeros((services, lanes), np.bool_),
        arrivals,
    )
    return arrivals


def chi_square(counts, mean, cells=60):
    """p-value of the counts, in cells of at least 20 expected each."""
    law = stats.poisson(mean)
    edges = np.unique(law.ppf(np.linspace(0.0, 1.0, cells + 1)[1:-1]))
    # without the upper tail, where inversion begins
    edges = np.union1d(edges, law.isf(np.array([1e-2, 1e-3, 1e-4])))
    expected = counts.size * np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]]))
    observed = np.bincount(np.searchsorted(edges, counts.ravel()), minlength=edges.size + 1)
    few = expected < 20
    observed = np.append(observed[~few], observed[few].sum())
    expected = np.append(expected[~few], expected[few].sum())
    if expected[-1] < 20:
        observed, expected = observed[:-1], expected[:-1] * observed[:-1].sum() / expected[:-1].sum()
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("mean", [1e-3, 0.5, 1.0, 5.0, 9.9, 9.999999, 10.0, 12.0, 30.0, 100.0, 1e4, 1e6, 1e9])
def test_counts_follow_the_distribution(mean):
    counts = draw(mean, 2000, 500 if mean < 10 else 250)
    assert chi_square(counts, mean) > 1e-3
    error = (counts - mean).mean() / np.sqrt(mean / counts.size)
    assert abs(error) < 4
    spread = ((counts - mean) ** 2).mean() / mean - 1.0
    assert abs(spread) < 5 * np.sqrt((2 + 1 / mean) / counts.size)


@pytest.mark.parametrize("mean", [0.0, 1e-300, 1e-15])
def test_no_tasks_arrive_at_rate_zero(mean):
    assert not draw(mean, 100, 100).any()


@pytest.mark.parametrize("mean", [1e-12, 1e-3, 2.0, 9.999])
def test_inversion_follows_the_upper_tail(mean):
    chance = chance_of_any(mean)
    law = stats.poisson(mean)
    assert chance == pytest.approx(law.sf(0), rel=1e-14)
    for u in 10.0 ** np.linspace(-15, np.log10(chance) - 1e-6, 200):
        k = int(poisson(mean, u, chance, np.uint64(0), 0, 0, 0, 0))
        # P(K >= k) > u >= P(K >= k + 1), up to rounding of the sums
        assert law.sf(k - 1) > u - 1e-15
        assert law.sf(k) <= u + 1e-15


@pytest.mark.parametrize("mean", [10.0, 16.5, 50.0, 1e4, 1e9])
def test_candidates_are_weighed_by_their_probability(mean):
    k = np.unique(np.floor(np.clip(mean + np.sqrt(mean) * np.linspace(-6, 8, 29), 0, None)))
    found = [_log_probability(value, mean) for value in k]
    # terms of size mean log(mean) cancel in the reference
    rounding = 1e-13 + 4 * np.finfo(float).eps * mean * np.log(mean)
    np.testing.assert_allclose(found, stats.poisson(mean).logpmf(k), rtol=1e-13, atol=rounding)


@pytest.mark.parametrize("mean", [1e-300, 1e-3, 1.0, 9.99])
def test_the_least_uniform_ends(mean):
    k = int(poisson(mean, 2.0**-53, 2.0 * chance_of_any(mean), np.uint64(0), 0, 0, 0, 0))
    assert 1 <= k < 80


def test_services_and_successive_slots_are_independent():
    counts = draw(3.0, 20_000, 4, services=2).reshape(8, -1)
    off_diagonal = np.corrcoef(counts) - np.eye(8)
    assert np.abs(off_diagonal).max() < 4.5 / np.sqrt(20_000)
    large = draw(50.0, 20_000, 4, services=2).reshape(8, -1)
    assert np.abs(np.corrcoef(large) - np.eye(8)).max() < 4.5 / np.sqrt(20_000)
