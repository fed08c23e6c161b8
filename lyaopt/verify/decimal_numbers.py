"""Decimal arithmetic of the references: 60 digits, exact values of doubles, and two functions near zero."""

from __future__ import annotations

from decimal import Context, Decimal

import numpy as np

from lyaopt.arrays import Floats

DIGITS = 60
ZERO = Decimal(0)
ONE = Decimal(1)
INFINITE = Decimal("Infinity")
# Above this, plain differences are exact enough; below it, the series converges in a few terms.
SERIES_BELOW = Decimal("1e-8")


def context() -> Context:
    """Return the context in which the references compute."""
    return Context(prec=DIGITS, Emax=10**9, Emin=-(10**9))


# In digits to spare, so that it is rounded once in any use.
LN2 = Decimal(2).ln(Context(prec=2 * DIGITS))


def exact(value: float) -> Decimal:
    """Return the value of a double without rounding."""
    return Decimal(float(value))


def exacts(values: Floats) -> list[Decimal]:
    """Return doubles as they are.

    Parameters
    ----------
    values : array_like of one dimension
        The doubles.
    """
    return [Decimal(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def log1p(x: Decimal) -> Decimal:
    """ln(1 + x) without loss for small x >= 0."""
    if x > SERIES_BELOW:
        return (ONE + x).ln()
    return sum((-((-x) ** i) / i for i in range(1, 9)), ZERO)


def expm1(x: Decimal) -> Decimal:
    """e^x - 1 without loss for small x >= 0."""
    if x > SERIES_BELOW:
        return x.exp() - ONE
    term, total = ONE, ZERO
    for i in range(1, 9):
        term = term * x / i
        total += term
    return total
