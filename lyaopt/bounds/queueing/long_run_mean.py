"""Long-run means of functions of a Markov chain, from below.

For any v, a bounded function of the chain, the mean of f over T slots is that of f + P v - v but for
(v(X_0) - v(X_T)) / T in expectation: in the long run it is at least min_x (f + P v - v). The v that solves
f + P v - v = mean makes that exact but for rounding.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lyaopt.arrays import Floats

EPSILON = float(np.finfo(np.float64).eps)


def rounding(terms: int, magnitude: float) -> float:
    """More than what rounding changes in a sum of products, as large as `magnitude` in absolute value.

    Parameters
    ----------
    terms : int
        Number of products.
    magnitude : float
        Bound of the products, and of the errors of their factors relative to a few units in the last place.
    """
    return 16.0 * (terms + 64) * EPSILON * magnitude


def longest_row(matrix: Any) -> int:
    """Most entries in a row of a sparse matrix in CSR form."""
    return int(np.diff(matrix.indptr).max())


class LongRun:
    """Means in the long run of a chain with one recurrent class.

    Parameters
    ----------
    matrix : sparse matrix (X, X)
        Transition probabilities by rows.
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix

    @cached_property
    def _factors(self) -> Any:
        """Factors of I - P with ones in the first column: its unknowns are the mean and v, with v_0 = 0."""
        from scipy import sparse
        from scipy.sparse.linalg import splu

        count = self._matrix.shape[0]
        rest = (sparse.identity(count, format="csc") - self._matrix.tocsc())[:, 1:]
        return splu(sparse.hstack([sparse.csc_matrix(np.ones((count, 1))), rest]).tocsc())

    @cached_property
    def law(self) -> Floats:
        """Stationary probabilities (X,)."""
        unit = np.zeros(self._matrix.shape[0])
        unit[0] = 1.0
        law = np.maximum(self._factors.solve(unit, trans="T"), 0.0)
        return np.asarray(law / law.sum())

    def least_mean(self, values: Floats) -> float:
        """A lower bound on the long-run mean of values (X,) of the states, wherever the chain starts."""
        solution = self._factors.solve(values)
        solution[0] = 0.0
        level = values + self._matrix @ solution - solution
        magnitude = np.abs(values).max() + 2.0 * np.abs(solution).max()
        return float(level.min()) - rounding(longest_row(self._matrix), float(magnitude))
