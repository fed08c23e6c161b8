"""What the three problems supply, in torch operations: solutions, and derivatives in closed form.

The formulas and their derivation are those of the kernels, `lyaopt._kernels.slot` (local_gradient.py,
transmit_gradient.py and edge_gradient.py). Parameters are dictionaries of tensors that broadcast to the
leading axes (...).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Parameters = dict[str, Tensor]
_LN2 = math.log(2.0)


@dataclass(frozen=True)
class Supply:
    """What a resource offers to the items of its lanes.

    Attributes
    ----------
    capacity : Tensor (...)
        The largest total.
    worth : callable
        Of weights (..., N): the totals at which one more unit costs that much.
    spend : callable
        Of a total (...): the total or power that is reported, its weighted energy, and the marginal energy.
    """

    capacity: Tensor
    worth: Callable[[Tensor], Tensor]
    spend: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Active:
    """The active set of lanes, as in `lyaopt._kernels.slot.active_set`: each a tensor (...).

    Attributes
    ----------
    partly : Tensor
        Whether an item is served in part.
    threshold, group : Tensor
        Weight of those items, and the sum of their u; 1 where there are none.
    mean : Tensor
        Mean of their cotangents.
    total, out : Tensor
        Sum of what is served, and the total or power that is reported.
    by_out, value, nu : Tensor
        Cotangents of `out` and of V, and the multiplier.
    """

    partly: Tensor
    threshold: Tensor
    group: Tensor
    mean: Tensor
    total: Tensor
    out: Tensor
    by_out: Tensor
    value: Tensor
    nu: Tensor


def guarded(values: Tensor) -> Tensor:
    """Return a divisor with ones in place of zeros.

    Parameters
    ----------
    values : Tensor
        The divisor, >= 0.
    """
    return torch.where(values > 0.0, values, 1.0)


def local_supply(p: Parameters) -> Supply:
    """Supply of a CPU with cubic energy.

    Parameters
    ----------
    p : dict of Tensor
        The parameters, (...) each.
    """
    triple = 3.0 * p["energy_weight"] * p["delta"]

    def worth(weights: Tensor) -> Tensor:
        k = triple.unsqueeze(-1)
        return torch.where(k > 0.0, (weights / guarded(k)).sqrt(), torch.inf)

    def spend(total: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return total, triple / 3.0 * total * total * total, triple * total * total

    return Supply(p["capacity"], worth, spend)


def local_derivatives(p: Parameters, a: Active) -> tuple[Tensor, Tensor, Parameters]:
    """Derivatives by the parameters of Problem 3.

    Parameters
    ----------
    p : dict of Tensor
        The parameters.
    a : Active
        The active set and the cotangents.

    Returns
    -------
    subtracted : Tensor (...)
        What is subtracted from the cotangent of every item.
    per_weight : Tensor (...)
        Derivative by the weight of an item on the threshold, for each unit of its u.
    by : dict of Tensor
    """
    weight, delta, tau, capacity = p["energy_weight"], p["delta"], p["tau"], p["capacity"]
    bound = a.total >= capacity
    supplied = a.mean + a.by_out
    energy = torch.where(a.partly & ~bound & (a.threshold > 0.0), 0.5 * supplied * a.total, 0.0)
    # from the left, as in the kernels: in float32 the cube alone may overflow, and delta times tau vanish
    power = delta * a.total * a.total * a.total
    worth = torch.where(bound, (a.nu - 3.0 * weight * delta * capacity * capacity).clamp(min=0.0), 0.0)
    by = {
        "capacity": torch.where(a.partly & bound, supplied, 0.0) - a.value * tau * worth,
        "energy_weight": a.value * (tau * power) - energy / guarded(weight),
        "delta": a.value * tau * weight * a.total * a.total * a.total - energy / guarded(delta),
        "tau": a.value * (-2.0 * weight * power - worth * a.total),
    }
    subtracted = torch.where(a.partly, a.mean, -a.by_out)
    return subtracted, energy / (guarded(a.threshold) * a.group), by


def _signal(p: Parameters) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return gain with ones for zeros, whether there is one, b_w N_0 / h and b = b_w / ln 2."""
    gain = guarded(p["gain"])
    return gain, p["gain"] > 0.0, p["bandwidth"] * p["noise"] / gain, p["bandwidth"] / _LN2


def transmit_supply(p: Parameters) -> Supply:
    """Supply of a radio by Shannon's rate.

    Parameters
    ----------
    p : dict of Tensor
        The parameters, (...) each.
    """
    _, alive, noise_power, nats = _signal(p)
    floor = p["energy_weight"] * noise_power / nats
    limit = torch.where(alive, p["max_power"] / noise_power, 0.0)

    def worth(weights: Tensor) -> Tensor:
        q = floor.unsqueeze(-1)
        reached = nats.unsqueeze(-1) * torch.log1p((weights - q).clamp(min=0.0) / guarded(q))
        return torch.where(q > 0.0, reached, torch.inf)

    capacity = nats * torch.log1p(limit)

    def spend(total: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        snr = torch.where(total >= capacity, limit, torch.minimum(torch.expm1(total / nats), limit))
        power = torch.where(total >= capacity, p["max_power"], snr * noise_power)
        power = torch.where(total > 0.0, torch.minimum(power, p["max_power"]), 0.0)
        marginal = torch.where(total > 0.0, floor * (1.0 + snr), 0.0)
        return power, p["energy_weight"] * power, marginal

    return Supply(capacity, worth, spend)


def _remainder(exponent: Tensor, snr: Tensor) -> Tensor:
    """Return y - 1 + e^-y, by a series below y = 0.1."""
    y = exponent
    tail = 1 / 120 - y * (1 / 720 - y * (1 / 5040 - y * (1 / 40320 - y * (1 / 362880))))
    series = y * y * (1 / 2 - y * (1 / 6 - y * (1 / 24 - y * tail)))
    return torch.where(y < 0.1, series, y - snr / (1.0 + snr))


def transmit_derivatives(p: Parameters, a: Active) -> tuple[Tensor, Tensor, Parameters]:
    """Derivatives by the parameters of Problem 4; as `local_derivatives`.

    Parameters
    ----------
    p : dict of Tensor
        The parameters.
    a : Active
        The active set and the cotangents.
    """
    gain, alive, noise_power, nats = _signal(p)
    weight, power, by_power = p["energy_weight"], a.out, a.by_out
    snr = torch.where(power > 0.0, power / noise_power, 0.0)
    exponent = torch.log1p(snr)
    rest, filled = _remainder(exponent, snr), snr / (1.0 + snr)
    sends = power > 0.0
    bound = a.partly & (power >= p["max_power"])
    energy = a.partly & ~bound & (a.threshold > 0.0)
    per_rate = torch.where(alive, (1.0 + snr) * noise_power / nats, 0.0)
    supplied = a.mean + torch.where(bound, 0.0, by_power * per_rate)
    at_bound, at_energy = torch.where(bound, supplied, 0.0), torch.where(energy, supplied, 0.0)
    carried = torch.where(sends & ~bound, by_power, 0.0)
    value = a.value * p["tau"]
    full = alive & (power >= p["max_power"])
    excess = torch.where(full, (a.nu - weight * noise_power * (1.0 + snr) / nats).clamp(min=0.0), 0.0)
    per_watt = nats / ((1.0 + snr) * noise_power)
    reached = at_bound * nats * filled + at_energy * nats - carried * power - value * a.nu * nats * filled
    spent = carried * noise_power / p["bandwidth"] * (1.0 + snr) * rest
    by = {
        "gain": torch.where(alive, reached / gain, 0.0),
        "bandwidth": (at_bound * rest + at_energy * exponent - value * a.nu * rest) / _LN2 - spent,
        "max_power": torch.where(bound, at_bound * per_watt + by_power, 0.0) - value * excess * per_watt,
        "energy_weight": value * power - at_energy * nats / guarded(weight),
        "noise": -reached / p["noise"],
        "tau": -a.value * (weight * noise_power * (1.0 + snr) * rest + excess * nats * exponent),
    }
    subtracted = torch.where(a.partly, a.mean, -by_power * per_rate)
    return subtracted, at_energy * nats / (guarded(a.threshold) * a.group), by


def edge_supply(p: Parameters) -> Supply:
    """Supply of the edge: free up to its capacity.

    Parameters
    ----------
    p : dict of Tensor
        The parameters, (...) each.
    """
    zero = torch.zeros_like(p["capacity"])
    return Supply(
        p["capacity"], lambda weights: torch.full_like(weights, torch.inf), lambda _: (zero, zero, zero)
    )


def edge_derivatives(p: Parameters, a: Active) -> tuple[Tensor, Tensor, Parameters]:
    """Derivatives by the parameters of Problem 5; as `local_derivatives`.

    Parameters
    ----------
    p : dict of Tensor
        The parameters.
    a : Active
        The active set and the cotangents.
    """
    by = {
        "capacity": torch.where(a.partly, a.mean, 0.0) - a.value * a.nu * p["tau"],
        "tau": -a.value * a.nu * a.total,
    }
    return torch.where(a.partly, a.mean, 0.0), torch.zeros_like(a.mean), by


SUPPLIES: dict[str, tuple[Any, Any]] = {
    "local": (local_supply, local_derivatives),
    "transmit": (transmit_supply, transmit_derivatives),
    "edge": (edge_supply, edge_derivatives),
}
"""Supply and derivatives of each problem, by the name of its kind."""
