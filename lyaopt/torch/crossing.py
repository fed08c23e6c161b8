"""The exact solver in torch operations: sort, prefix sums, and where they cross the supply."""

from __future__ import annotations

import torch
from torch import Tensor


def cross(weights: Tensor, most: Tensor, worth: Tensor, capacity: Tensor) -> tuple[Tensor, Tensor]:
    """Serve items by weight, largest first, up to the optimal total.

    S* = min(capacity, max_i min(C_i, s_i)), f_i = u_i clip((S* - A_i) / B_i, 0, 1): A_i and C_i are the sums
    of the u of all items of larger weight, and of weight at least w_i, and B_i = C_i - A_i.

    Parameters
    ----------
    weights, most : Tensor (..., N)
        w and u.
    worth : Tensor (..., N)
        s_i, the total at which one more unit costs w_i; non-decreasing in w.
    capacity : Tensor (...)
        The largest total.

    Returns
    -------
    served : Tensor (..., N)
        f; exactly u where an item is served whole.
    total : Tensor (...)
        S*.
    """
    order = weights.argsort(dim=-1, descending=True)
    w, u, s = (values.gather(-1, order) for values in (weights, most, worth))
    sums = u.cumsum(-1)
    total = torch.minimum(capacity, torch.minimum(sums, s).amax(-1))
    new = w[..., 1:] != w[..., :-1]
    end = torch.ones_like(w[..., :1], dtype=torch.bool)
    first, last = torch.cat([end, new], -1), torch.cat([new, end], -1)
    before = torch.cat([torch.zeros_like(sums[..., :1]), sums[..., :-1]], -1)
    above = torch.where(first, before, 0.0).cummax(-1).values
    reached = torch.where(last, sums, torch.inf).flip(-1).cummin(-1).values.flip(-1)
    group = torch.where(first & last, u, reached - above)
    level = total.unsqueeze(-1)
    part = ((level - above) / group).clamp(0.0, 1.0)
    served = torch.where(reached <= level, u, torch.where(above >= level, 0.0, part * u))
    return torch.empty_like(served).scatter_(-1, order, served), total


def multiplier(weights: Tensor, most: Tensor, served: Tensor, marginal: Tensor) -> Tensor:
    """Return nu: the marginal energy, or the largest weight that is not served whole, if that is more.

    Parameters
    ----------
    weights, most, served : Tensor (..., N)
        w, u and f.
    marginal : Tensor (...)
        Weighted energy of one more unit of work.
    """
    still = torch.where(served < most, weights, 0.0)
    return torch.maximum(still.amax(-1), marginal)
