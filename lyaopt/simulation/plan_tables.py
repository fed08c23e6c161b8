"""Tables that policies decide: a number for each service or device, in replications and periods."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.errors import ProblemError


def plan_table(values: Any, path: str, policy: str, words: str, shape: tuple[int, int]) -> Integers:
    """Return a decision as a table (P, n, 1) or (P, n, B).

    Parameters
    ----------
    values : array_like of int (n,), (n, B) or (P, n, B)
        The same in all replications, in each of them, or in each for P periods in a row.
    path, policy, words : str
        For the error: the field, the name of the policy, and what the n numbers are, such as "points of 8
        services".
    shape : tuple of int
        n and B.

    Raises
    ------
    ProblemError
        If it is no such table.
    """
    table, (count, replications) = np.asarray(values), shape
    if table.dtype.kind not in "iu" or table.ndim not in (1, 2, 3):
        raise ProblemError(path, f"policy {policy}: expected a table of integers")
    table = table[None, :, None] if table.ndim == 1 else table[None] if table.ndim == 2 else table
    if not len(table) or table.shape[1] != count or table.shape[2] not in (1, replications):
        raise ProblemError(path, f"policy {policy}: expected {words}, got shape {np.shape(values)}")
    return table
