"""Running mean and standard deviation of batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEAST_DEVIATION = 1e-4
"""Standard deviation below which a feature counts as constant and is not scaled."""

CLIP = 10.0
"""Limit of normalised features, in standard deviations."""


class RunningStatistics(nn.Module):
    """Mean and variance (F,) of all rows, in double precision (Chan, Golub and LeVeque 1983).

    Initially 0 and 1.

    Parameters
    ----------
    features : int
        F.
    least_share : float
        Least weight of the newest batch; above 0 old batches are forgotten exponentially.
    """

    count: Tensor
    mean: Tensor
    variance: Tensor
    factor: Tensor
    shift: Tensor

    def __init__(self, features: int, least_share: float = 0.0) -> None:
        super().__init__()
        self.least_share = least_share
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(features, dtype=torch.float64))
        self.register_buffer("factor", torch.ones(features))
        self.register_buffer("shift", torch.zeros(features))

    @torch.no_grad()
    def add(self, rows: Tensor) -> None:
        """Update the statistics by `rows` (n, F)."""
        # In two passes: an eighth of the time of torch.var_mean over the rows of a matrix.
        differences = rows.to(torch.float64, copy=True)
        mean = differences.mean(0)
        variance = differences.sub_(mean).square_().mean(0)
        total = self.count + len(rows)
        share = (len(rows) / total).clamp(min=self.least_share)
        step = mean - self.mean
        self.variance.mul_(1.0 - share).add_(share * variance + share * (1.0 - share) * step**2)
        self.mean.add_(share * step)
        self.count.copy_(total)
        # Stored, as every decision needs them and only updates change them.
        self.factor.copy_(1.0 / self.deviation)
        self.shift.copy_(-self.mean / self.deviation)

    def scale(self, rows: Tensor) -> Tensor:
        """Normalise `rows` (..., F), clipped to `CLIP` standard deviations."""
        scaled: Tensor = torch.addcmul(self.shift, rows, self.factor)
        return scaled.clamp_(-CLIP, CLIP)

    @property
    def deviation(self) -> Tensor:
        """Standard deviation (F,); 1 for features that are constant."""
        deviation = self.variance.sqrt()
        return torch.where(deviation > _LEAST_DEVIATION, deviation, 1.0)
