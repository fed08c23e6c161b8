"""A claim of the paper and what became of it: held or not held, with the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.evaluation import Estimate


@dataclass(frozen=True)
class Verdict:
    """A claim and what became of it.

    Attributes
    ----------
    figure, claim : str
    held : bool or None
        None where one training says nothing of how far others would differ.
    first, last : Estimate
        What is compared: the measure at the two ends of a sweep, or two policies.
    change : Estimate
        Of the last against the first, relative to it.
    steps : str
        How many steps along the sweep go the claimed way.
    scale, unit
        With which `first` and `last` are shown.
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


def is_sure(found: Estimate, sign: float) -> bool | None:
    """Whether the whole interval of a number has a sign; None where there is no interval."""
    if np.isnan(found.low):
        return None
    return bool(sign * found.low > 0.0 and sign * found.high > 0.0)
