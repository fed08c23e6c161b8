"""Verdicts of decimal arithmetic on allocations: what is judged, and against what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lyaopt.verify.decimal_numbers import INFINITE, ZERO

NEGLIGIBLE_GAIN = Decimal("1e-6")


@dataclass(frozen=True)
class Verdict:
    """Gaps and violations of an allocation, computed in decimal arithmetic.

    Attributes
    ----------
    relative_gap : float
        Worst distance of the objectives from their optima, each relative to the gross gain tau sum f w of the
        allocation or the optimum, whichever is larger; to the pool's largest gain where both are 0, and to
        the cost of its full speed where no item has any weight.
    max_violation : float
        Worst violation of a constraint, relative to its bound (for f >= 0, to the width of the
        box 0 <= f <= u); infinite where a zero bound is exceeded.
    pool_gap, pool_violation : float
        Measures for a solver with an absolute tolerance: the gap relative to the pool's
        largest gain where the optimum gains less than a millionth of it, and the violation relative to the
        whole capacity that the constraint belongs to.
    """

    relative_gap: float
    max_violation: float
    pool_gap: float
    pool_violation: float


@dataclass(frozen=True)
class Excess:
    """By how much a constraint is exceeded, its bound, and the capacity of the pool it belongs to.

    Attributes
    ----------
    amount, bound, pool : Decimal
    """

    amount: Decimal
    bound: Decimal
    pool: Decimal


@dataclass(frozen=True)
class Gains:
    """Gross gains of a problem.

    Attributes
    ----------
    own, best : Decimal
        Of the allocation and of the optimum.
    of_pool : Decimal
        The largest that the pool allows, or the cost of its full speed where no item has any weight.
    """

    own: Decimal
    best: Decimal
    of_pool: Decimal


def verdict_of(gap: Decimal, gains: Gains, excesses: Sequence[Excess]) -> Verdict:
    """Return the verdict on one problem.

    Parameters
    ----------
    gap : Decimal
        Distance of the objective from the optimum.
    gains : Gains
        What it is measured against.
    excesses : sequence of Excess
        One for each constraint.
    """
    negligible = gains.best <= gains.of_pool * NEGLIGIBLE_GAIN
    return Verdict(
        float(_relative(gap, max(gains.best, gains.own) or gains.of_pool)),
        float(max(_relative(e.amount, e.bound) for e in excesses)),
        float(_relative(gap, gains.of_pool if negligible else gains.best)),
        float(max(_relative(e.amount, e.pool) for e in excesses)),
    )


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst figures of several problems.

    Parameters
    ----------
    verdicts : sequence of Verdict
        At least one.
    """
    return Verdict(
        max(v.relative_gap for v in verdicts),
        max(v.max_violation for v in verdicts),
        max(v.pool_gap for v in verdicts),
        max(v.pool_violation for v in verdicts),
    )


def _relative(amount: Decimal, scale: Decimal) -> Decimal:
    if amount <= 0:
        return ZERO
    return amount / scale if scale else INFINITE
