"""The price of the edge capacity, estimated during training.

A second of work that is added to a busy edge server delays its next idle time by a second: until then, one
second more of work waits in every period. Let g[t] be the cost of a second that waits throughout period t.
The price of a second that is added to a backlog of W seconds is

    p(W) = E[g[t] + gamma g[t + 1] + ... while the server is busy],

the multiplier of the capacity constraint C.10 in the upper level's problem, as the derivative of its cost. A
plain dual ascent with unit step yields W itself, the excess work so far; p is the cost of this excess. Each
device pays p for the work of its own tasks instead of sharing the waiting costs of all devices. This
preserves the expected effect of each decision and removes most of the noise of other devices.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt._kernels.learning.credit_assignment import RATE, WAITING
from lyaopt._kernels.learning.gae import advantages
from lyaopt.arrays import Floats
from lyaopt.learning.credited import CreditedSystems

_KNOTS, _FINEST_S, _LONGEST_S = 48, 0.01, 1000.0
_FORGETTING = 0.8
"""Factor on the weight of old samples at every rollout: prices change with the policy."""
_LEAST_SAMPLES = 5.0
"""Weight of samples below which a knot takes at least the price of the knots before it."""
_DECAY = 0.95


class EdgePrice(nn.Module):
    """p(W), linear between knots that are equidistant in log(1 + W / 10 ms); constant beyond the last one.

    Attributes
    ----------
    scale : float
        Factor on all prices. A second of a faster server is more work and costs more to delay: if capacities
        vary, prices are proportional to the capacity.
    """

    prices: Tensor
    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scale = 1.0
        self.register_buffer("prices", torch.zeros(_KNOTS, dtype=torch.float64))
        self.register_buffer("counts", torch.zeros(_KNOTS, dtype=torch.float64))

    def forward(self, waiting: Tensor) -> Tensor:
        """Compute prices, in reward per second, at backlogs `waiting` in seconds; in double precision."""
        knot, share = self._place(waiting)
        return self.scale * torch.lerp(self.prices[knot], self.prices[knot + 1], share)

    def learn(self, waiting: Tensor, prices: Tensor) -> None:
        """Update the knots.

        Parameters
        ----------
        waiting : Tensor (n,)
            Edge backlogs in seconds.
        prices : Tensor (n,)
            Sampled costs of one second more, in reward per second.
        """
        knot, share = self._place(waiting)
        weights, sums = torch.zeros_like(self.prices), torch.zeros_like(self.prices)
        for place, weight in ((knot, 1.0 - share), (knot + 1, share)):
            weights.index_add_(0, place, weight)
            sums.index_add_(0, place, weight * prices / self.scale)
        self.counts.mul_(_FORGETTING).add_(weights)
        step = (weights / self.counts.clamp(min=1e-9)).clamp(max=1.0)
        self.prices.add_(step * (sums / weights.clamp(min=1e-9) - self.prices))
        # Longer queues take longer to clear: without recent samples, a price is at least the ones before.
        least = self.prices.cummax(0).values
        self.prices.copy_(torch.where(self.counts < _LEAST_SAMPLES, least, self.prices))

    @staticmethod
    def _place(waiting: Tensor) -> tuple[Tensor, Tensor]:
        """The knot below, and the position between it and the next, from 0 to 1."""
        span = np.log1p(_LONGEST_S / _FINEST_S)
        place = (waiting.double() / _FINEST_S).log1p() * ((_KNOTS - 1) / span)
        place = place.clamp(0.0, _KNOTS - 1.0)
        knot = place.floor().clamp(max=_KNOTS - 2).long()
        return knot, place - knot


class EdgeCharges:
    """Charges for the edge work that the devices of B systems add in a rollout of T periods.

    Parameters
    ----------
    environment : CreditedSystems
    rollout : int
        T.
    discount : float
        gamma of the price, per period.

    Attributes
    ----------
    initial : ndarray (B,)
        Edge backlog at the start of the rollout, in seconds.
    """

    def __init__(self, environment: CreditedSystems, rollout: int, discount: float) -> None:
        self._environment, self._discount = environment, discount
        replications, devices = environment.joined.shape
        self._joined: Floats = np.zeros((rollout, replications, devices))
        self._after: Floats = np.zeros((rollout, replications))
        self._rate: Floats = np.zeros((rollout, replications))
        self._cut = np.zeros(rollout, np.bool_)
        self.initial: Floats = np.zeros(replications)

    def record(self, period: int, truncated: bool) -> None:
        """Record the last period of the environment.

        Parameters
        ----------
        period : int
            Its index in the rollout.
        truncated : bool
            Whether the episode ended with it.
        """
        self._joined[period] = self._environment.joined
        self._after[period] = self._environment.edge[:, WAITING]
        self._rate[period] = self._environment.edge[:, RATE]
        self._cut[period] = truncated

    def charge(self, price: EdgePrice, reward: Tensor) -> None:
        """Update the price and subtract the charges from the rewards.

        Parameters
        ----------
        price : EdgePrice
            Price of edge capacity; updated.
        reward : Tensor (T, B, M)
            Of each device; changed in place.
        """
        self._learn(price)
        joined = torch.from_numpy(self._joined)
        # The added work waits for itself too: on average its price is that at its middle.
        middle = (torch.from_numpy(self._after).unsqueeze(-1) - 0.5 * joined).clamp_(min=0.0)
        reward -= (joined * price(middle)).to(reward.dtype)

    def _learn(self, price: EdgePrice) -> None:
        before = np.vstack([self.initial, self._after[:-1]])
        before[1:][self._cut[:-1]] = 0.0
        self.initial = np.where(self._cut[-1], 0.0, self._after[-1])
        now, then = (price(torch.from_numpy(seconds)).numpy() for seconds in (before, self._after))
        idle = self._after <= 0.0
        advantage = np.empty(now.shape, np.float32)
        advantages(
            self._rate.astype(np.float32),
            now.astype(np.float32),
            np.where(idle, 0.0, then).astype(np.float32),
            idle | self._cut[:, None],
            np.full(now.shape[1], self._discount),
            _DECAY,
            advantage,
        )
        price.learn(torch.from_numpy(before).flatten(), torch.from_numpy(now + advantage).flatten())
