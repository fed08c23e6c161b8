"""Plain means over replications, with Student's intervals. Needs SciPy (extra `bound`).

A bound is on the mean, bad replications included; an interquartile mean may lie below it.
"""

from __future__ import annotations

import math

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.evaluation import Estimate
from lyaopt.evaluation.estimates import CONFIDENCE
from lyaopt.io.extras import needs_extra


def mean_interval(values: Floats) -> Estimate:
    """Mean of independent values with its interval, mean +- t s / sqrt(n).

    Parameters
    ----------
    values : (n,) array
        NaN are left out, as replications in which no task was completed have no latency.

    Returns
    -------
    Estimate
        The interval is NaN for fewer than two values.

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    with needs_extra("bound"):
        from scipy.stats import t

    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return Estimate(*3 * (math.nan,))
    mean = float(values.mean())
    if values.size == 1:
        return Estimate(mean, math.nan, math.nan)
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    half = float(t.ppf(0.5 + 0.5 * CONFIDENCE, values.size - 1)) * error
    return Estimate(mean, mean - half, mean + half)
