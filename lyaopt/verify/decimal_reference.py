"""The three slot problems in decimal arithmetic: optima and verdicts that do not depend on float64.

A certificate computed by the code that it certifies can share its errors. Here the closed forms are
evaluated with 60 decimal digits from the exact values of the inputs, and an allocation is judged by the
problem's own objective and constraints. Slow: milliseconds per slot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.problem import SlotProblem

DIGITS = 60
ZERO = Decimal(0)
ONE = Decimal(1)
INFINITE = Decimal("Infinity")
# Above this, plain differences are exact enough; below it, the series converges in a few terms.
SERIES_BELOW = Decimal("1e-8")
NEGLIGIBLE_GAIN = Decimal("1e-6")


@dataclass(frozen=True)
class Optimum:
    """Optimal value of one problem.

    Attributes
    ----------
    objective : Decimal
        Least value of the problem as minimised.
    gross_gain : Decimal
        tau sum f Q at the optimum, against which gaps are taken.
    total : Decimal
        Optimal S = sum f, in cycles/s or bit/s.
    allocation : tuple of Decimal
        f of every item; items of equal backlog get equal shares.
    power : Decimal
        Transmit power in W; 0 in Problems 3 and 5.
    """

    objective: Decimal
    gross_gain: Decimal
    total: Decimal
    allocation: tuple[Decimal, ...]
    power: Decimal = ZERO


@dataclass(frozen=True)
class Verdict:
    """Gaps and violations of an allocation, computed in decimal arithmetic.

    Attributes
    ----------
    relative_gap : float
        Worst distance of the 2 M + 1 objectives from their optima, each relative to the gross gain
        tau sum f Q of the allocation or the optimum, whichever is larger; to the pool's largest gain where
        both are 0.
    max_violation : float
        Worst violation of a constraint, relative to its bound (for f >= 0, to the width of the
        box 0 <= f <= u); infinite where a zero bound is exceeded.
    pool_gap, pool_violation : float
        Measures for a solver with an absolute tolerance: the gap relative to the pool's
        largest gain where the optimum gains less than a millionth of it, and the violation relative to the
        whole capacity that the constraint belongs to.
    """

    relative_gap: float
    max_violation: float
    pool_gap: float
    pool_violation: float


@dataclass(frozen=True)
class _Radio:
    """Rate R(p) = b ln(1 + eta p) of one device."""

    nats_rate: Decimal
    snr_per_watt: Decimal

    def rate(self, power: Decimal) -> Decimal:
        return self.nats_rate * log1p(self.snr_per_watt * power)

    def power(self, rate: Decimal) -> Decimal:
        return expm1(rate / self.nats_rate) / self.snr_per_watt


def log1p(x: Decimal) -> Decimal:
    """ln(1 + x) without loss for small x >= 0."""
    if x > SERIES_BELOW:
        return (ONE + x).ln()
    return sum((-((-x) ** i) / i for i in range(1, 9)), ZERO)


def expm1(x: Decimal) -> Decimal:
    """e^x - 1 without loss for small x >= 0."""
    if x > SERIES_BELOW:
        return x.exp() - ONE
    term, total = ONE, ZERO
    for i in range(1, 9):
        term = term * x / i
        total += term
    return total


def local_optimum(problem: SlotProblem, device: int) -> Optimum:
    """Optimum of Problem 3 for one device.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    device : int
        Index of the device.
    """
    with localcontext(_context()):
        tau, queues = _exact(problem.slot_duration_s), _exacts(problem.local_queue_cycles[device])
        k = _exact(problem.energy_weight_local) * _exact(problem.energy_coefficient)

        def affordable(queue: Decimal) -> Decimal:
            return (queue / (3 * k)).sqrt() if k else INFINITE

        total = min(_exact(problem.cpu_capacity_hz[device]), _demand(queues, tau, affordable))
        return _optimum(queues, tau, total, tau * k * total**3, ZERO)


def transmit_optimum(problem: SlotProblem, device: int) -> Optimum:
    """Optimum of Problem 4 for one device; the least power that carries the optimal total.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    device : int
        Index of the device.
    """
    with localcontext(_context()):
        tau, queues = _exact(problem.slot_duration_s), _exacts(problem.transmit_queue_bits[device])
        most, weight = _exact(problem.max_power_w[device]), _exact(problem.energy_weight_transmit)
        radio = _radio(problem, device)
        if not most or not radio.snr_per_watt:
            return _optimum(queues, tau, ZERO, ZERO, ZERO)
        floor = weight / (radio.nats_rate * radio.snr_per_watt)

        def affordable(queue: Decimal) -> Decimal:
            if not floor:
                return INFINITE
            return radio.nats_rate * log1p((queue - floor) / floor) if queue > floor else ZERO

        total = min(radio.rate(most), _demand(queues, tau, affordable))
        power = radio.power(total)
        return _optimum(queues, tau, total, tau * weight * power, power)


def edge_optimum(problem: SlotProblem) -> Optimum:
    """Optimum of Problem 5 over all services of all devices, device by device.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    """
    with localcontext(_context()):
        tau, queues = _exact(problem.slot_duration_s), _exacts(problem.edge_queue_cycles.ravel())
        total = min(_exact(problem.edge_capacity_hz), sum(queues, ZERO) / tau)
        return _optimum(queues, tau, total, ZERO, ZERO)


def judge(
    problem: SlotProblem, local_cpu_hz: Floats, rate_bps: Floats, edge_cpu_hz: Floats, power_w: Floats
) -> Verdict:
    """Evaluate an allocation in the slot's problems.

    Parameters
    ----------
    problem : SlotProblem
        The slot, M devices of at most N services.
    local_cpu_hz, rate_bps, edge_cpu_hz : (M, N) arrays
        The allocation, in cycles/s, bit/s and cycles/s.
    power_w : (M,) array
        Transmit power in W.

    Returns
    -------
    Verdict
        Worst relative gap and violation of the 2 M + 1 problems; all infinite if the allocation is not
        finite.
    """
    if not all(np.all(np.isfinite(array)) for array in (local_cpu_hz, rate_bps, edge_cpu_hz, power_w)):
        return Verdict(math.inf, math.inf, math.inf, math.inf)
    verdicts = [_judge_edge(problem, _exacts(edge_cpu_hz.ravel()))]
    for device in range(len(problem.cpu_capacity_hz)):
        verdicts.append(_judge_local(problem, device, _exacts(local_cpu_hz[device])))
        rates, power = _exacts(rate_bps[device]), _exact(power_w[device])
        verdicts.append(_judge_transmit(problem, device, rates, power))
    return Verdict(
        max(v.relative_gap for v in verdicts),
        max(v.max_violation for v in verdicts),
        max(v.pool_gap for v in verdicts),
        max(v.pool_violation for v in verdicts),
    )


def _judge_local(problem: SlotProblem, device: int, rates: Sequence[Decimal]) -> Verdict:
    with localcontext(_context()):
        tau, queues = _exact(problem.slot_duration_s), _exacts(problem.local_queue_cycles[device])
        capacity = _exact(problem.cpu_capacity_hz[device])
        k = _exact(problem.energy_weight_local) * _exact(problem.energy_coefficient)
        total = sum(rates, ZERO)
        objective = tau * k * total**3 - _gain(queues, tau, rates)
        excesses = [*_box(queues, tau, rates, capacity), _Excess(total - capacity, capacity, capacity)]
        return _verdict(objective, local_optimum(problem, device), queues, tau, rates, capacity, excesses)


def _judge_transmit(problem: SlotProblem, device: int, rates: Sequence[Decimal], power: Decimal) -> Verdict:
    with localcontext(_context()):
        tau, queues = _exact(problem.slot_duration_s), _exacts(problem.transmit_queue_bits[device])
        most, radio = _exact(problem.max_power_w[device]), _radio(problem, device)
        objective = tau * _exact(problem.energy_weight_transmit) * power - _gain(queues, tau, rates)
        capacity, carried = radio.rate(most), radio.rate(max(power, ZERO))
        excesses = [
            *_box(queues, tau, rates, capacity),
            _Excess(sum(rates, ZERO) - carried, carried, capacity),
            _Excess(max(power - most, -power), most, most),
        ]
        return _verdict(objective, transmit_optimum(problem, device), queues, tau, rates, capacity, excesses)


def _judge_edge(problem: SlotProblem, rates: Sequence[Decimal]) -> Verdict:
    with localcontext(_context()):
        tau, queues = _exact(problem.slot_duration_s), _exacts(problem.edge_queue_cycles.ravel())
        capacity = _exact(problem.edge_capacity_hz)
        excesses = [
            *_box(queues, tau, rates, capacity),
            _Excess(sum(rates, ZERO) - capacity, capacity, capacity),
        ]
        return _verdict(
            -_gain(queues, tau, rates), edge_optimum(problem), queues, tau, rates, capacity, excesses
        )


@dataclass(frozen=True)
class _Excess:
    """By how much a constraint is exceeded, its bound, and the capacity of the pool it belongs to."""

    amount: Decimal
    bound: Decimal
    pool: Decimal


def _box(
    queues: Sequence[Decimal], tau: Decimal, rates: Sequence[Decimal], pool: Decimal
) -> Iterator[_Excess]:
    for rate, queue in zip(rates, queues, strict=True):
        yield _Excess(max(rate * tau - queue, -rate * tau), queue, pool * tau)


def _verdict(
    objective: Decimal,
    optimum: Optimum,
    queues: Sequence[Decimal],
    tau: Decimal,
    rates: Sequence[Decimal],
    capacity: Decimal,
    excesses: Sequence[_Excess],
) -> Verdict:
    # An objective below the optimum counts as well: only an infeasible point reaches it.
    gap = abs(objective - optimum.objective)
    best = optimum.gross_gain
    gross = max(best, _gain(queues, tau, rates))
    of_pool = tau * min(capacity, sum(queues, ZERO) / tau) * max(queues, default=ZERO)
    return Verdict(
        float(_relative(gap, gross or of_pool)),
        float(max(_relative(e.amount, e.bound) for e in excesses)),
        float(_relative(gap, best if best > of_pool * NEGLIGIBLE_GAIN else of_pool)),
        float(max(_relative(e.amount, e.pool) for e in excesses)),
    )


def _relative(amount: Decimal, scale: Decimal) -> Decimal:
    if amount <= 0:
        return ZERO
    return amount / scale if scale else INFINITE


def _optimum(
    queues: Sequence[Decimal], tau: Decimal, total: Decimal, cost: Decimal, power: Decimal
) -> Optimum:
    allocation = _fill(queues, tau, total)
    gain = _gain(queues, tau, allocation)
    return Optimum(cost - gain, gain, total, allocation, power)


def _demand(queues: Sequence[Decimal], tau: Decimal, affordable: Callable[[Decimal], Decimal]) -> Decimal:
    """max_i min(C_i, s_i): the total at which marginal gain meets marginal cost, without the capacity."""
    best = above = ZERO
    for queue in sorted(queues, reverse=True):
        above += queue / tau
        best = max(best, min(above, affordable(queue)))
    return best


def _fill(queues: Sequence[Decimal], tau: Decimal, total: Decimal) -> tuple[Decimal, ...]:
    rates: dict[Decimal, Decimal] = {}
    left = total
    for queue in sorted(set(queues), reverse=True):
        count = queues.count(queue)
        rates[queue] = min(queue / tau, left / count)
        left -= rates[queue] * count
    return tuple(rates[queue] for queue in queues)


def _gain(queues: Sequence[Decimal], tau: Decimal, rates: Sequence[Decimal]) -> Decimal:
    return tau * sum((f * q for f, q in zip(rates, queues, strict=True)), ZERO)


def _radio(problem: SlotProblem, device: int) -> _Radio:
    bandwidth = _exact(problem.bandwidth_hz[device])
    noise = Decimal(10) ** (_exact(problem.noise_psd_dbm_per_hz) / 10 - 3)
    return _Radio(bandwidth / Decimal(2).ln(), _exact(problem.channel_gain[device]) / (bandwidth * noise))


def _context() -> Context:
    return Context(prec=DIGITS, Emax=10**9, Emin=-(10**9))


def _exact(value: float) -> Decimal:
    return Decimal(float(value))


def _exacts(values: Floats) -> list[Decimal]:
    return [_exact(value) for value in np.asarray(values, dtype=np.float64)]
