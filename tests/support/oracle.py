"""A slow, simple oracle: every slot problem as a search over one number, directly from its statement.

Whatever the total S = sum f, a unit of it is worth most in the heaviest item, so the best allocation of S
pours it into the items in that order. What is left is a convex function of S, which a golden-section search
minimises. No closed form for S appears, no hull either, and 120 decimal digits leave no rounding to argue
about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from itertools import combinations

from lyaopt.slot.inputs import SlotInputs
from lyaopt.verify.single_slots import of_device, radio_of, table_of, weights_of

CONTEXT = Context(prec=120, Emax=10**9, Emin=-(10**9))
SHRINK = Decimal("0.6180339887498948482045868343656381177203")
Items = list[tuple[Decimal, Decimal]]
"""Weights and limits."""


@dataclass(frozen=True)
class Found:
    objective: Decimal
    total: Decimal


def local(problem: SlotInputs, device: int) -> Found:
    with localcontext(CONTEXT):
        tau, weight = Decimal(problem.slot_duration_s), number(problem.energy_weight_local, device)
        items = exact(weights_of(problem, "local")[device], problem.local_queue_cycles[device])
        capacity, table = number(problem.cpu_capacity_hz, device), table_of(problem, device)
        if table is None:
            delta = number(problem.energy_coefficient, device)
            return search(items, tau, capacity, lambda total: tau * weight * delta * total**3)
        points = [(Decimal(0), Decimal(0)), *((Decimal(hz), Decimal(power)) for hz, power in table)]
        capacity = min(capacity, points[-1][0])
        return search(items, tau, capacity, lambda total: tau * weight * shared_power(points, total))


def shared_power(points: list[tuple[Decimal, Decimal]], total: Decimal) -> Decimal:
    """Least power at which a slot that two points share has a mean speed."""
    ways = [power for hz, power in points if hz == total]
    for (slow, low), (fast, high) in combinations(points, 2):
        if slow < total < fast:
            ways.append(low + (high - low) * (total - slow) / (fast - slow))
    return min(ways)


def transmit(problem: SlotInputs, device: int) -> Found:
    with localcontext(CONTEXT):
        tau, weight = Decimal(problem.slot_duration_s), number(problem.energy_weight_transmit, device)
        items = exact(weights_of(problem, "transmit")[device], problem.transmit_queue_bits[device])
        measured = radio_of(problem, device)
        if measured is not None:
            rate, watts = (Decimal(float(value)) for value in measured)
            return search(items, tau, rate, lambda total: tau * weight * watts * total / (rate or 1))
        width, gain, most = (
            number(x, device) for x in (problem.bandwidth_hz, problem.channel_gain, problem.max_power_w)
        )
        noise = width * Decimal(10) ** (Decimal(problem.noise_psd_dbm_per_hz) / 10) / 1000
        if gain == 0:
            return Found(Decimal(0), Decimal(0))
        log2 = Decimal(2).ln()
        capacity = width * (1 + most * gain / noise).ln() / log2

        def energy(total: Decimal) -> Decimal:
            return tau * weight * ((total / width * log2).exp() - 1) * noise / gain

        return search(items, tau, capacity, energy)


def edge(problem: SlotInputs) -> Found:
    with localcontext(CONTEXT):
        items = exact(weights_of(problem, "edge").ravel(), problem.edge_queue_cycles.ravel())
        capacity = Decimal(float(problem.edge_capacity_hz))
        return search(items, Decimal(problem.slot_duration_s), capacity, lambda _: Decimal(0))


def search(items: Items, tau: Decimal, capacity: Decimal, cost: Callable[[Decimal], Decimal]) -> Found:
    def value(total: Decimal) -> Decimal:
        return cost(total) - tau * pour(items, tau, total)

    low, high = Decimal(0), min(capacity, sum((limit for _, limit in items), Decimal(0)) / tau)
    ends, finest = (low, high), high * Decimal("1e-75")
    left, right = high - SHRINK * (high - low), low + SHRINK * (high - low)
    at_left, at_right = value(left), value(right)
    while high - low > max(high * Decimal("1e-35"), finest):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - SHRINK * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + SHRINK * (high - low)
            at_right = value(right)
    best = min((*ends, left, right), key=value)
    return Found(value(best), best)


def pour(items: Items, tau: Decimal, total: Decimal) -> Decimal:
    """Largest sum f w with sum f = total and f <= Q / tau."""
    gain = Decimal(0)
    for weight, limit in sorted(items, reverse=True):
        served = min(total, limit / tau)
        gain += served * weight
        total -= served
    return gain


def exact(weights: object, limits: object) -> Items:
    pairs = zip(weights, limits, strict=True)  # type: ignore[call-overload]
    return [(Decimal(float(w)), Decimal(float(q))) for w, q in pairs]


def number(values: object, device: int) -> Decimal:
    return Decimal(of_device(values, device))
