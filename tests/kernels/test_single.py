"""Elementary functions and products in single precision, against double precision."""

import numba
import numpy as np
import pytest

from lyaopt._kernels.numerics import products, single


@pytest.fixture(scope="module")
def mapped():
    @numba.njit(error_model="numpy")
    def exp(x, out):
        for i in range(x.size):
            out[i] = single.exp_single(x[i])

    @numba.njit(error_model="numpy")
    def tanh(x, out):
        for i in range(x.size):
            out[i] = single.tanh_single(x[i])

    return {"exp": exp, "tanh": tanh}


def errors(function, exact, x):
    """Largest absolute and relative error."""
    out = np.empty_like(x)
    function(x, out)
    wanted = exact(x.astype(np.float64))
    return np.abs(out - wanted).max(), np.abs(out / wanted - 1.0).max()


@pytest.mark.parametrize("largest", [1e-4, 1.0, 20.0, 87.0])
def test_exp_is_accurate(mapped, largest):
    x = -np.random.default_rng(1).uniform(0.0, largest, 1_000_000).astype(np.float32)
    assert errors(mapped["exp"], np.exp, x)[1] < 2.5e-7


@pytest.mark.parametrize("largest", [1e-6, 0.1, 1.0, 10.0, 1000.0])
def test_tanh_is_accurate(mapped, largest):
    x = np.random.default_rng(2).uniform(-largest, largest, 1_000_000).astype(np.float32)
    absolute, relative = errors(mapped["tanh"], np.tanh, x)
    assert absolute < 1.5e-7
    assert relative < 4e-7


def test_ends_and_nan(mapped):
    x = np.array([-np.inf, np.inf, np.nan, 0.0], np.float32)
    out = np.empty_like(x)
    mapped["tanh"](x, out)
    np.testing.assert_array_equal(out, [-1.0, 1.0, np.nan, 0.0])
    mapped["exp"](np.array([-np.inf, np.nan, 0.0], np.float32), out[:3])
    assert out[0] < 1e-37
    assert np.isnan(out[1])
    assert out[2] == 1.0


@pytest.mark.parametrize(("rows", "depth", "columns"), [(1, 1, 16), (6, 4, 16), (17, 131, 48), (97, 64, 304)])
def test_products_against_double_precision(rows, depth, columns):
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((rows, depth)), rng.standard_normal((depth, columns))
    start = rng.standard_normal((rows, columns))

    @numba.njit(error_model="numpy")
    def both(a, b, out, of_transpose):
        products.add_product(a, b, out)
        products.add_product(np.ascontiguousarray(a.T).T, b, of_transpose)

    out, of_transpose = start.astype(np.float32), start.astype(np.float32)
    both(a.astype(np.float32), b.astype(np.float32), out, of_transpose)
    np.testing.assert_allclose(out, start + a @ b, atol=1e-6 * depth)
    np.testing.assert_array_equal(out, of_transpose)
