"""Verdicts on claims of the paper: held or not held, with the numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.evaluation import Estimate

STEADY = 1e-3
"""Relative change that is none: on common random numbers smaller ones have a sign too."""


def words_of(held: bool | None) -> str:
    """Return the words for `held`, not held, or undecided (None)."""
    return {True: "held", False: "not held", None: "undecided"}[held]


@dataclass(frozen=True)
class Verdict:
    """Verdict on a claim.

    Attributes
    ----------
    figure, claim : str
    held : bool or None
        None if there is no interval, as with one training.
    first, last : Estimate
        The compared values: at the two ends of a sweep, or of two policies.
    change : Estimate
        Relative change from first to last.
    steps : str
        Number of steps along the sweep in the claimed direction.
    scale : float
    unit : str
        Factor on `first` and `last` in tables, and their unit.
    steady : bool
        Whether a claimed change is no change: its whole interval is within `STEADY`.
    """

    figure: str
    claim: str
    held: bool | None
    first: Estimate
    last: Estimate
    change: Estimate
    steps: str
    scale: float = 1.0
    unit: str = ""
    steady: bool = False

    @property
    def words(self) -> str:
        """The verdict in words."""
        return "no change" if self.steady else words_of(self.held)


def is_sure(estimate: Estimate, sign: float) -> bool | None:
    """Tell whether the whole interval of a number has a sign.

    Parameters
    ----------
    estimate : Estimate
        Value and interval.
    sign : float
        1 or -1.

    Returns
    -------
    bool or None
        None without an interval.
    """
    if np.isnan(estimate.low):
        return None
    return bool(sign * estimate.low > 0.0 and sign * estimate.high > 0.0)


def is_steady(change: Estimate) -> bool:
    """Tell whether the whole interval of a relative `change` is no change."""
    return bool(max(abs(change.low), abs(change.high)) < STEADY)
