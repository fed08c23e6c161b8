"""Means of samples with bootstrap intervals. Needs SciPy (extra `bound`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import MissingExtraError
from lyaopt.io.extras import needs_extra

CONFIDENCE = 0.95
RESAMPLES = 2_000
_FEWEST_FOR_QUARTILES = 4


@dataclass(frozen=True)
class Estimate:
    """A mean over replications or trainings, and its interval at a confidence of 95 %.

    Attributes
    ----------
    value, low, high : float
        NaN without data; an interval needs at least two values.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """For JSON, which has no NaN."""
        values = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if np.isnan(value) else value for name, value in values.items()}


def interquartile_mean(values: Floats, seed: int = 0) -> Estimate:
    """Mean of the middle half of the values (of all, if there are fewer than four), with its interval.

    Parameters
    ----------
    values : (n,) array
        Values that are not finite are left out.
    seed : int
        Of the percentile bootstrap, which gives the interval.

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return Estimate(*3 * (float("nan"),))
    if values.size == 1:
        return Estimate(float(values[0]), float("nan"), float("nan"))
    return Estimate(float(middle_mean(values)), *interval_of([values], middle_mean, seed))


def need_scipy() -> None:
    """Raise `MissingExtraError` if there is no SciPy (extra `bound`), before a long run that ends with it."""
    if find_spec("scipy") is None:
        raise MissingExtraError("scipy", "bound")


def interval_of(
    samples: Sequence[Floats | Integers], statistic: Callable[..., Any], seed: int = 0
) -> tuple[float, float]:
    """Ends of the interval of the percentile bootstrap, which resamples each sample separately.

    Parameters
    ----------
    samples : sequence of array
        Of two values at least.
    statistic : callable
        Takes a resample of each, (..., n), and the axis along which it lies.
    seed : int
        Of the resampling.
    """
    with needs_extra("bound"):
        from scipy.stats import bootstrap

    interval = bootstrap(
        samples,
        statistic,
        vectorized=True,
        confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def paired_estimate(samples: Sequence[Floats], statistic: Callable[..., Floats], seed: int = 0) -> Estimate:
    """A statistic of plain means, with the interval of a percentile bootstrap of whole replications.

    Means are plain, as those of a bound are: bad replications count. All samples are resampled together, so
    that the luck that they share cancels in ratios.

    Parameters
    ----------
    samples : sequence of (B,) array
        Values in each replication.
    statistic : callable
        Takes the mean of each sample, (R,), and returns (R,).
    seed : int
        Of the resampling: equal seeds draw equal replications.

    Returns
    -------
    Estimate
        Without an interval if there is one replication only.
    """
    table = np.stack([np.asarray(sample, np.float64) for sample in samples])
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(*table.mean(axis=1)[:, None])[0])
        count = table.shape[1]
        if count < 2:
            return Estimate(value, float("nan"), float("nan"))
        drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
        values = statistic(*table[:, drawn].mean(axis=2))
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100.0 - tail]) if np.isfinite(values).all() else (np.nan, np.nan)
    return Estimate(value, float(low), float(high))


def middle_mean(values: Floats, axis: int = -1) -> Any:
    """Interquartile mean along an axis; the plain mean of fewer than four values.

    Parameters
    ----------
    values : (..., n, ...) array
        The values.
    axis : int
        Axis of the values.
    """
    with needs_extra("bound"):
        from scipy.stats import trim_mean

    few = values.shape[axis] < _FEWEST_FOR_QUARTILES
    return trim_mean(values, 0.0 if few else 0.25, axis=axis)
