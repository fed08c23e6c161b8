"""The price of the edge capacity, found on the edge load as a training meets it.

A second of work that joins the edge server while others wait makes the server idle a second later: until
then, one second more of work waits in every period. With g[t] what a waiting second costs in period t, the
price of a second that joins where W seconds wait is

    p(W) = E[g[t] + gamma g[t + 1] + ... while the server has work],

the multiplier of the capacity constraint C.10 in the upper level's problem, as the derivative of its cost. A
plain dual ascent with unit step gives W itself, the work that exceeded capacity so far; p says what it costs
to exceed it. Each device pays it for the work that its own tasks bring, in place of the waiting of all, which
depends on everybody's deeds: that leaves the sum of all effects of a deed as it was, and most noise out.
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
_REMEMBERED = 0.8
"""Part of the samples that is remembered from one rollout to the next. What a crowded server cost is no price
of one that few use now, and those few are all that tell."""
_SEEN = 5.0
"""Samples that a knot must remember for its price to stand as it is."""
_DECAY = 0.95


class EdgePrice(nn.Module):
    """p(W), linear between knots that are even in log(1 + W / 10 ms); beyond the last it stays.

    Attributes
    ----------
    scale : float
        By which all prices are multiplied. A second of a faster server is more work, and costs as much more
        to keep waiting: where capacities vary, what is learnt of one server holds for others in proportion.
    """

    prices: Tensor
    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scale = 1.0
        self.register_buffer("prices", torch.zeros(_KNOTS, dtype=torch.float64))
        self.register_buffer("counts", torch.zeros(_KNOTS, dtype=torch.float64))

    def forward(self, waiting: Tensor) -> Tensor:
        """Prices, in reward a second, where these seconds wait; in double precision."""
        knot, share = self._place(waiting)
        return self.scale * torch.lerp(self.prices[knot], self.prices[knot + 1], share)

    def learn(self, waiting: Tensor, prices: Tensor) -> None:
        """Take in what a second that joined came to cost, (n,) both."""
        knot, share = self._place(waiting)
        weights, sums = torch.zeros_like(self.prices), torch.zeros_like(self.prices)
        for place, weight in ((knot, 1.0 - share), (knot + 1, share)):
            weights.index_add_(0, place, weight)
            sums.index_add_(0, place, weight * prices / self.scale)
        self.counts.mul_(_REMEMBERED).add_(weights)
        step = (weights / self.counts.clamp(min=1e-9)).clamp(max=1.0)
        self.prices.add_(step * (sums / weights.clamp(min=1e-9) - self.prices))
        # The longer the queue, the longer until it is gone: where nobody was of late, no less than below.
        least = self.prices.cummax(0).values
        self.prices.copy_(torch.where(self.counts < _SEEN, least, self.prices))

    @staticmethod
    def _place(waiting: Tensor) -> tuple[Tensor, Tensor]:
        """The knot below, and how far it is to the next."""
        span = np.log1p(_LONGEST_S / _FINEST_S)
        place = (waiting.double() / _FINEST_S).log1p() * ((_KNOTS - 1) / span)
        place = place.clamp(0.0, _KNOTS - 1.0)
        knot = place.floor().clamp(max=_KNOTS - 2).long()
        return knot, place - knot


class EdgeCharges:
    """What the devices of B systems pay for the edge work that they bring in a rollout of T periods.

    Parameters
    ----------
    environment : CreditedSystems
    rollout : int
        T.
    discount : float
        gamma of the price, a period.

    Attributes
    ----------
    begun : ndarray (B,)
        Seconds of edge work that waited as the rollout began.
    """

    def __init__(self, environment: CreditedSystems, rollout: int, discount: float) -> None:
        self._environment, self._discount = environment, discount
        replications, devices = environment.joined.shape
        self._joined: Floats = np.zeros((rollout, replications, devices))
        self._after: Floats = np.zeros((rollout, replications))
        self._rate: Floats = np.zeros((rollout, replications))
        self._cut = np.zeros(rollout, np.bool_)
        self.begun: Floats = np.zeros(replications)

    def note(self, period: int, truncated: bool) -> None:
        """Keep what the last period of the environment brought."""
        self._joined[period] = self._environment.joined
        self._after[period] = self._environment.edge[:, WAITING]
        self._rate[period] = self._environment.edge[:, RATE]
        self._cut[period] = truncated

    def charge(self, price: EdgePrice, reward: Tensor) -> None:
        """Bring the price up to date, and take the charges off the devices' rewards (T, B, M)."""
        self._learn(price)
        joined = torch.from_numpy(self._joined)
        # Half of what joins waits for the other half: the price of a second is that of the one in the middle.
        middle = (torch.from_numpy(self._after).unsqueeze(-1) - 0.5 * joined).clamp_(min=0.0)
        reward -= (joined * price(middle)).to(reward.dtype)

    def _learn(self, price: EdgePrice) -> None:
        before = np.vstack([self.begun, self._after[:-1]])
        before[1:][self._cut[:-1]] = 0.0
        self.begun = np.where(self._cut[-1], 0.0, self._after[-1])
        now, then = (price(torch.from_numpy(seconds)).numpy() for seconds in (before, self._after))
        idle = self._after <= 0.0
        found = np.empty(now.shape, np.float32)
        advantages(
            self._rate.astype(np.float32),
            now.astype(np.float32),
            np.where(idle, 0.0, then).astype(np.float32),
            idle | self._cut[:, None],
            np.full(now.shape[1], self._discount),
            _DECAY,
            found,
        )
        price.learn(torch.from_numpy(before).flatten(), torch.from_numpy(now + found).flatten())
