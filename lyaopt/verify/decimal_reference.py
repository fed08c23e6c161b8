"""The three slot problems in decimal arithmetic: optima and verdicts that do not depend on float64.

A certificate computed by the code that it certifies can share its errors. Here the closed forms are
evaluated with 60 decimal digits from the exact values of the inputs, and an allocation is judged by the
problem's own objective and constraints. Slow: milliseconds per slot.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import accumulate

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.inputs import SlotInputs
from lyaopt.verify.decimal_numbers import ZERO, context, exact, exacts
from lyaopt.verify.decimal_resources import FreeCpu, Radio, Resource, cpu_of, radio_resource
from lyaopt.verify.decimal_spectrum import SpectrumOptimum, judge_spectrum, spectrum_optimum
from lyaopt.verify.single_slots import of_device, weights_of
from lyaopt.verify.spectrum_slot import sharing_devices, spectrum_slot
from lyaopt.verify.verdicts import Excess, Gains, Verdict, verdict_of, worst


@dataclass(frozen=True)
class Optimum:
    """Optimal value of one problem.

    Attributes
    ----------
    objective : Decimal
        Least value of the problem as minimised.
    gross_gain : Decimal
        tau sum f w at the optimum, against which gaps are taken.
    total : Decimal
        Optimal S = sum f, in cycles/s or bit/s.
    allocation : tuple of Decimal
        f of every item; items of equal weight get equal shares of their limits.
    power : Decimal
        Power of the CPU or the radio in W; 0 in Problem 5.
    """

    objective: Decimal
    gross_gain: Decimal
    total: Decimal
    allocation: tuple[Decimal, ...]
    power: Decimal = ZERO


@dataclass(frozen=True)
class _Problem:
    """One of the 2 M + 1 problems: minimise -tau sum f w + U tau P(sum f)."""

    weights: list[Decimal]
    limits: list[Decimal]
    tau: Decimal
    energy_weight: Decimal
    resource: Resource

    def gain(self, rates: Sequence[Decimal]) -> Decimal:
        return self.tau * sum((f * w for f, w in zip(rates, self.weights, strict=True)), ZERO)

    def objective(self, rates: Sequence[Decimal], power: Decimal) -> Decimal:
        return self.tau * self.energy_weight * power - self.gain(rates)

    @cached_property
    def optimum(self) -> Optimum:
        groups: dict[Decimal, Decimal] = dict.fromkeys(sorted(self.weights, reverse=True), ZERO)
        for weight, limit in zip(self.weights, self.limits, strict=True):
            groups[weight] += limit / self.tau
        total = min(self.resource.capacity, self._crossing(groups))
        allocation, power = self._fill(groups, total), self.resource.power(total)
        return Optimum(self.objective(allocation, power), self.gain(allocation), total, allocation, power)

    def _crossing(self, groups: dict[Decimal, Decimal]) -> Decimal:
        """max_i min(C_i, s_i): C_i rises and s_i falls along the groups, so it lies where they cross."""
        weights, reached = list(groups), list(accumulate(groups.values()))
        positions = range(len(weights))
        first = bisect_left(positions, True, key=lambda i: reached[i] >= self.resource.worth(weights[i]))
        before = reached[first - 1] if first else ZERO
        return max(before, self.resource.worth(weights[first]) if first < len(weights) else ZERO)

    def _fill(self, groups: dict[Decimal, Decimal], total: Decimal) -> tuple[Decimal, ...]:
        """f_i = u_i clip((S - A_i) / B_i, 0, 1)."""
        shares, left = {}, total
        for weight, limit in groups.items():
            shares[weight] = min(left / limit, Decimal(1)) if limit else ZERO
            left = max(left - limit, ZERO)
        pairs = zip(self.limits, self.weights, strict=True)
        return tuple(limit / self.tau * shares[weight] for limit, weight in pairs)


def local_optimum(problem: SlotInputs, device: int) -> Optimum:
    """Optimum of Problem 3 for one device.

    Parameters
    ----------
    problem : SlotInputs
        The slot; a `SlotProblem` is one.
    device : int
        Index of the device.
    """
    with localcontext(context()):
        return _local(problem, device).optimum


def transmit_optimum(problem: SlotInputs, device: int) -> Optimum:
    """Optimum of Problem 4 for one device; the least power that carries the optimal total.

    Parameters
    ----------
    problem : SlotInputs
        The slot; a `SlotProblem` is one.
    device : int
        Index of the device.
    """
    with localcontext(context()):
        return _transmit(problem, device, radio_resource(problem, device)).optimum


def edge_optimum(problem: SlotInputs) -> Optimum:
    """Optimum of Problem 5 over all services of all devices, device by device.

    Parameters
    ----------
    problem : SlotInputs
        The slot; a `SlotProblem` is one.
    """
    with localcontext(context()):
        return _edge(problem).optimum


def _local(slot: SlotInputs, device: int) -> _Problem:
    weights, limits = weights_of(slot, "local")[device], slot.local_queue_cycles[device]
    energy_weight = exact(of_device(slot.energy_weight_local, device))
    tau, cpu = exact(slot.slot_duration_s), cpu_of(slot, device)
    return _Problem(exacts(weights), exacts(limits), tau, energy_weight, cpu)


def _transmit(slot: SlotInputs, device: int, radio: Radio) -> _Problem:
    weights, limits = weights_of(slot, "transmit")[device], slot.transmit_queue_bits[device]
    energy_weight = exact(of_device(slot.energy_weight_transmit, device))
    return _Problem(exacts(weights), exacts(limits), exact(slot.slot_duration_s), energy_weight, radio)


def _edge(slot: SlotInputs) -> _Problem:
    weights, limits = weights_of(slot, "edge").ravel(), slot.edge_queue_cycles.ravel()
    cpu = FreeCpu(exact(slot.edge_capacity_hz))
    return _Problem(exacts(weights), exacts(limits), exact(slot.slot_duration_s), ZERO, cpu)


def judge(
    problem: SlotInputs,
    local_cpu_hz: Floats,
    rate_bps: Floats,
    edge_cpu_hz: Floats,
    power_w: Floats,
    bandwidth_hz: Floats | None = None,
) -> Verdict:
    """Evaluate an allocation in the slot's problems.

    Parameters
    ----------
    problem : SlotInputs
        The slot, M devices of at most N services; a `SlotProblem` is one.
    local_cpu_hz, rate_bps, edge_cpu_hz : (M, N) arrays
        The allocation, in cycles/s, bit/s and cycles/s.
    power_w : (M,) array
        Transmit power in W.
    bandwidth_hz : (M,) array, optional
        Bands of devices that share the spectrum, in Hz; needed where it is shared.

    Returns
    -------
    Verdict
        Worst relative gap and violation of the 2 M + 1 problems, of which those of devices that share the
        spectrum are one; all infinite if the allocation is not finite.
    """
    return Judge(problem)(local_cpu_hz, rate_bps, edge_cpu_hz, power_w, bandwidth_hz)


class Judge:
    """Evaluates allocations of one slot, whose optimum it finds once.

    Parameters
    ----------
    problem : SlotInputs
        As of `judge`.
    """

    def __init__(self, problem: SlotInputs) -> None:
        devices = range(len(problem.cpu_capacity_hz))
        self._sharing = sharing_devices(problem)
        with localcontext(context()):
            self._edge = _edge(problem)
            self._local = [_local(problem, device) for device in devices]
            radios = [(m, radio_resource(problem, m)) for m in devices if m not in self._sharing]
            self._transmit = [(m, _transmit(problem, m, radio), radio) for m, radio in radios]
        self._spectrum = spectrum_slot(problem) if self._sharing else None

    @cached_property
    def _spectrum_optimum(self) -> SpectrumOptimum:
        assert self._spectrum is not None
        return spectrum_optimum(self._spectrum)

    def __call__(
        self,
        local_cpu_hz: Floats,
        rate_bps: Floats,
        edge_cpu_hz: Floats,
        power_w: Floats,
        bandwidth_hz: Floats | None = None,
    ) -> Verdict:
        """Evaluate an allocation; arguments and result are those of `judge`."""
        bands = np.zeros(len(power_w)) if bandwidth_hz is None else bandwidth_hz
        if not all(np.all(np.isfinite(a)) for a in (local_cpu_hz, rate_bps, edge_cpu_hz, power_w, bands)):
            return Verdict(math.inf, math.inf, math.inf, math.inf)
        with localcontext(context()):
            verdicts = [_judge_cpu(self._edge, exacts(edge_cpu_hz.ravel()))]
            verdicts += [
                _judge_cpu(local, exacts(rates))
                for local, rates in zip(self._local, local_cpu_hz, strict=True)
            ]
            verdicts += [
                _judge_radio(transmit, radio, exacts(rate_bps[m]), exact(power_w[m]))
                for m, transmit, radio in self._transmit
            ]
        if self._spectrum is not None:
            shared = self._sharing
            pooled = rate_bps[shared], power_w[shared], bands[shared]
            verdicts.append(judge_spectrum(self._spectrum, *pooled, self._spectrum_optimum))
        return worst(verdicts)


def _judge_cpu(problem: _Problem, rates: Sequence[Decimal]) -> Verdict:
    total, capacity = sum(rates, ZERO), problem.resource.capacity
    excesses = [*_box(problem, rates), Excess(total - capacity, capacity, capacity)]
    return _verdict(problem, rates, problem.resource.power(total), excesses)


def _judge_radio(problem: _Problem, radio: Radio, rates: Sequence[Decimal], power: Decimal) -> Verdict:
    most, carried = radio.most_power, radio.carried(max(power, ZERO))
    excesses = [
        *_box(problem, rates),
        Excess(sum(rates, ZERO) - carried, carried, radio.capacity),
        Excess(max(power - most, -power), most, most),
    ]
    return _verdict(problem, rates, power, excesses)


def _box(problem: _Problem, rates: Sequence[Decimal]) -> Iterator[Excess]:
    tau, pool = problem.tau, problem.resource.capacity * problem.tau
    for rate, limit in zip(rates, problem.limits, strict=True):
        work = rate * tau
        if not 0 <= work <= limit:  # else nothing is exceeded
            yield Excess(max(work - limit, -work), limit, pool)


def _verdict(
    problem: _Problem, rates: Sequence[Decimal], power: Decimal, excesses: Sequence[Excess]
) -> Verdict:
    optimum = problem.optimum
    # An objective below the optimum counts as well: only an infeasible point reaches it.
    gap = abs(problem.objective(rates, power) - optimum.objective)
    able = min(problem.tau * problem.resource.capacity, sum(problem.limits, ZERO))
    of_pool = able * max(problem.weights, default=ZERO)
    if (
        not of_pool
    ):  # where nothing has any weight, what is wasted is measured against the energy of full speed
        of_pool = problem.tau * problem.energy_weight * problem.resource.power(problem.resource.capacity)
    return verdict_of(gap, Gains(problem.gain(rates), optimum.gross_gain, of_pool), excesses)
