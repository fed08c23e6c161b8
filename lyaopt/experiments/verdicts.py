"""Verdicts on claims of the paper: held or not held, with the numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.evaluation import Estimate


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
