"""The vectorised logarithm and exponential against extended precision."""

import numba
import numpy as np
import pytest

from lyaopt._kernels.numerics import elementary


@pytest.fixture(scope="module")
def mapped():
    @numba.njit(error_model="numpy")
    def log1p(x, out):
        for i in range(x.size):
            out[i] = elementary.log1p(x[i])

    @numba.njit(error_model="numpy")
    def expm1(x, out):
        for i in range(x.size):
            out[i] = elementary.expm1(x[i])

    @numba.njit(error_model="numpy")
    def log(x, out):
        for i in range(x.size):
            out[i] = elementary.log(x[i])

    return {"log1p": log1p, "expm1": expm1, "log": log}


def _errors_in_ulp(function, reference, x):
    out = np.empty_like(x)
    function(x, out)
    exact = reference(x.astype(np.longdouble))
    return np.abs((out - exact) / exact) / np.finfo(float).eps


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="needs extended precision as a reference")
@pytest.mark.parametrize(("low", "high"), [(-300, -20), (-20, 0), (-1, 1), (0, 16), (16, 308)])
def test_log1p_is_accurate_over_all_magnitudes(mapped, low, high):
    x = 10 ** np.random.default_rng(1).uniform(low, high, 100_000)
    assert _errors_in_ulp(mapped["log1p"], np.log1p, x).max() < 1.5


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="needs extended precision as a reference")
@pytest.mark.parametrize(("low", "high"), [(1e-300, 1e-290), (1e-18, 1e-3), (1e-3, 1), (0.3, 1.1), (1, 709)])
def test_expm1_is_accurate_over_all_magnitudes(mapped, low, high):
    x = np.random.default_rng(2).uniform(low, high, 100_000)
    assert _errors_in_ulp(mapped["expm1"], np.expm1, x).max() < 1.5


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="needs extended precision as a reference")
def test_log_is_accurate_over_all_magnitudes(mapped):
    rng = np.random.default_rng(3)
    x = 10 ** rng.uniform(-307, 308, 100_000)
    assert _errors_in_ulp(mapped["log"], np.log, x).max() < 1.5
    near_one = np.concatenate(
        [1.0 - 10 ** rng.uniform(-16, -0.2, 50_000), 1.0 + 10 ** rng.uniform(-15, 0, 50_000)]
    )
    assert _errors_in_ulp(mapped["log"], np.log, near_one[near_one != 1.0]).max() < 1.5


def test_zero_stays_zero_and_the_largest_exponent_stays_finite():
    assert elementary.log1p(0.0) == 0.0
    assert elementary.log(1.0) == 0.0
    assert elementary.expm1(0.0) == 0.0
    assert np.isfinite(elementary.expm1(709.78))


def test_bisection_ends_at_neighbouring_floats():
    low, high = 0.0, 1e300
    for _ in range(70):
        middle = elementary.halfway(low, high)
        assert low <= middle <= high
        low = middle
    assert np.nextafter(low, np.inf) >= high
