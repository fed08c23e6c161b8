"""A slow, simple oracle: every slot problem as a search over one number, directly from its statement.

Whatever the total S = sum f, a unit of it is worth most in the queue with the largest backlog, so the best
allocation of S pours it into the queues in that order. What is left is a convex function of S, which a
golden-section search minimises. No closed form for S appears, and 120 decimal digits leave no rounding to
argue about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from lyaopt.slot.problem import SlotProblem

CONTEXT = Context(prec=120, Emax=10**9, Emin=-(10**9))
SHRINK = Decimal("0.6180339887498948482045868343656381177203")


@dataclass(frozen=True)
class Found:
    objective: Decimal
    total: Decimal


def local(problem: SlotProblem, device: int) -> Found:
    with localcontext(CONTEXT):
        tau = Decimal(problem.slot_duration_s)
        k = Decimal(problem.energy_weight_local) * Decimal(problem.energy_coefficient)
        queues = exact(problem.local_queue_cycles[device])
        capacity = Decimal(float(problem.cpu_capacity_hz[device]))
        return search(queues, tau, capacity, lambda total: tau * k * total**3)


def transmit(problem: SlotProblem, device: int) -> Found:
    with localcontext(CONTEXT):
        tau, weight = Decimal(problem.slot_duration_s), Decimal(problem.energy_weight_transmit)
        queues = exact(problem.transmit_queue_bits[device])
        width, gain, most = (
            Decimal(float(x[device]))
            for x in (problem.bandwidth_hz, problem.channel_gain, problem.max_power_w)
        )
        noise = width * Decimal(10) ** (Decimal(problem.noise_psd_dbm_per_hz) / 10) / 1000
        if gain == 0:
            return Found(Decimal(0), Decimal(0))
        log2 = Decimal(2).ln()
        capacity = width * (1 + most * gain / noise).ln() / log2

        def energy(total: Decimal) -> Decimal:
            return tau * weight * ((total / width * log2).exp() - 1) * noise / gain

        return search(queues, tau, capacity, energy)


def edge(problem: SlotProblem) -> Found:
    with localcontext(CONTEXT):
        queues = exact(problem.edge_queue_cycles.ravel())
        capacity = Decimal(problem.edge_capacity_hz)
        return search(queues, Decimal(problem.slot_duration_s), capacity, lambda _: Decimal(0))


def search(
    queues: list[Decimal], tau: Decimal, capacity: Decimal, cost: Callable[[Decimal], Decimal]
) -> Found:
    def value(total: Decimal) -> Decimal:
        return cost(total) - tau * pour(queues, tau, total)

    low, high = Decimal(0), min(capacity, sum(queues, Decimal(0)) / tau)
    ends, finest = (low, high), high * Decimal("1e-45")
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


def pour(queues: list[Decimal], tau: Decimal, total: Decimal) -> Decimal:
    """Largest sum f Q with sum f = total and f <= Q / tau."""
    gain = Decimal(0)
    for queue in sorted(queues, reverse=True):
        served = min(total, queue / tau)
        gain += served * queue
        total -= served
    return gain


def exact(values: object) -> list[Decimal]:
    return [Decimal(float(v)) for v in values]  # type: ignore[attr-defined]
