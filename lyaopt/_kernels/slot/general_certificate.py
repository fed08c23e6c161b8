"""Duality gaps of the general slot problems, and the energies and prices that depend on a CPU's table.

The terms are those of certificate.py. Where the energy of one more unit of work is U s_k within segment k of
a hull, and z_k of the segment's length l_k is used, the energy adds

    sum over k of  z_k (U s_k - nu)  where U s_k > nu,  and  (l_k - z_k) (nu - U s_k)  where it is not.
"""

import functools
import math

from lyaopt._kernels.slot.certificate import (
    LocalLane,
    TransmitLane,
    edge_lane_gap,
    excess,
    local_lane_gap,
    queue_terms,
    relative,
    shortfall,
    transmit_lane_gap,
    worse,
    write_reports,
)
from lyaopt._kernels.slot.energies import local_energy, local_price, price
from lyaopt._kernels.slot.general_local import local_supply
from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
    of_lane,
)
from lyaopt._kernels.slot.general_transmit import radio_power, radio_price
from lyaopt._kernels.slot.parts import PART, PartKernel, lanes_of_part
from lyaopt._kernels.slot.problems import (
    EdgeAllocation,
    LocalAllocation,
    TransmitAllocation,
    solver_signature,
)
from lyaopt._kernels.slot.staircase import hull_power, marginal_power
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


@inline
def _segment_gap(begin, end, cost, speed, nu):
    """Return what a segment adds to the gap / tau; `cost` is U s_k, `speed` the total of the lane."""
    length = max(end - begin, 0.0)
    used = min(max(speed - begin, 0.0), length)
    # a cost beyond double precision is infinite: nothing of it costs nothing
    wasted = used * (cost - nu) if used > 0.0 else 0.0
    return wasted if cost > nu else (length - used) * (nu - cost)


@helper
def _table_gap(terms, supply, nu):
    """Return (relative gap, gross gain, violation) of Problem 3 in one lane of a device with a table.

    Where no item has any weight, the gap is relative to the energy of full speed.
    """
    capacity, gap, total = supply.capacity, terms.gap, terms.total
    begin = 0.0
    for k in range(supply.ends.size):
        end = min(supply.ends[k], capacity)
        # of no length where a row repeats its last end, with an infinite slope
        if end > begin:
            gap += _segment_gap(begin, end, supply.energy_weight * supply.slopes[k], total, nu)
        begin = end
    violation = worse(terms.violation, excess(total, capacity))
    share = relative(gap, terms)
    if share == math.inf:
        # items without weight may be served up to the end of a segment that is free, and an ulp beyond
        most = supply.energy_weight * hull_power(supply.ends, supply.slopes, capacity)
        share = gap / most if most > 0.0 else share
    return share, supply.tau * terms.gross, violation


@inline
def _cubic_gap(problem, terms, lane, nu):
    """Return (relative gap, gross gain, violation) of Problem 3 in one lane of a device without a table."""
    lane_count = problem.limits.shape[1]
    k = of_lane(problem.energy_weight, lane, lane_count) * of_lane(problem.delta, lane, lane_count)
    given = LocalLane(of_lane(problem.tau, lane, lane_count), k, of_lane(problem.capacity, lane, lane_count))
    return local_lane_gap(terms, given, nu)


@inline
def general_local_gap(problem, allocation, lane, device):
    """Return (relative gap, gross gain, violation) of Problem 3 in one lane, which belongs to `device`."""
    tau, nu = of_lane(problem.tau, lane, problem.limits.shape[1]), allocation.multiplier[lane]
    terms = queue_terms(problem.weights, problem.limits, allocation.cpu, lane, tau, nu)
    if problem.curve[device] < 0:
        return _cubic_gap(problem, terms, lane, nu)
    return _table_gap(terms, local_supply(problem, lane, device), nu)


@helper
def _measured_gap(problem, terms, lane, power, nu):
    """Return (relative gap, gross gain, violation) of Problem 4 in one lane of a measured radio."""
    lane_count = problem.limits.shape[1]
    tau, weight = of_lane(problem.tau, lane, lane_count), of_lane(problem.energy_weight, lane, lane_count)
    total, most = terms.total, problem.radio_rate[lane]
    needed = radio_power(problem, lane, total)
    gap = terms.gap + _segment_gap(0.0, most, weight * radio_price(problem, lane), total, nu)
    gap += weight * max(power - needed, 0.0)
    violation = worse(terms.violation, worse(excess(total, most), excess(needed, power)))
    violation = worse(violation, shortfall(power, problem.radio_power[lane]))
    return relative(gap, terms), tau * terms.gross, violation


@inline
def _shannon_gap(problem, allocation, terms, lane):
    """Return (relative gap, gross gain, violation) of Problem 4 in one lane of a radio by Shannon."""
    lane_count = problem.limits.shape[1]
    given = TransmitLane(
        of_lane(problem.tau, lane, lane_count),
        of_lane(problem.energy_weight, lane, lane_count),
        of_lane(problem.bandwidth, lane, lane_count),
        of_lane(problem.max_power, lane, lane_count),
        problem.gain[lane],
        problem.noise,
    )
    return transmit_lane_gap(terms, given, allocation.power[lane], allocation.multiplier[lane])


@inline
def general_transmit_gap(problem, allocation, lane, device):
    """Return (relative gap, gross gain, violation) of Problem 4 in one lane, which belongs to `device`."""
    tau, nu = of_lane(problem.tau, lane, problem.limits.shape[1]), allocation.multiplier[lane]
    terms = queue_terms(problem.weights, problem.limits, allocation.rate, lane, tau, nu)
    if problem.measured[device] != 0:
        return _measured_gap(problem, terms, lane, allocation.power[lane], nu)
    return _shannon_gap(problem, allocation, terms, lane)


@inline
def general_edge_gap(problem, allocation, lane):
    """Return (relative gap, gross gain, violation) of Problem 5 in one lane."""
    lane_count, nu = problem.limits.shape[1], allocation.multiplier[lane]
    tau = of_lane(problem.tau, lane, lane_count)
    terms = queue_terms(problem.weights, problem.limits, allocation.cpu, lane, tau, nu)
    return edge_lane_gap(terms, tau, of_lane(problem.capacity, lane, lane_count), nu)


@inline
def general_local_energy(problem, lane, device, speed):
    """Return (energy in J, price of one more Hz of capacity) of the CPU of a device in one lane.

    `speed` is (total speed, multiplier). A table's last point is no capacity: where it ends the speed, and
    not F, the price is 0.
    """
    total, nu = speed
    lane_count = problem.limits.shape[1]
    tau, weight = of_lane(problem.tau, lane, lane_count), of_lane(problem.energy_weight, lane, lane_count)
    capacity = of_lane(problem.capacity, lane, lane_count)
    if problem.curve[device] < 0:
        delta = of_lane(problem.delta, lane, lane_count)
        return local_energy(tau, delta, total), local_price(tau, weight * delta, capacity, total, nu)
    supply = local_supply(problem, lane, device)
    worth = nu - weight * marginal_power(supply.ends, supply.slopes, supply.capacity)
    binds = (total >= capacity) & (worth > 0.0)
    return tau * hull_power(supply.ends, supply.slopes, total), price(tau, worth) if binds else 0.0


def _local_certificate(problem, allocation, report, part):
    write_reports(general_local_gap, problem, allocation, problem.curve.size, report, part)


def _transmit_certificate(problem, allocation, report, part):
    write_reports(general_transmit_gap, problem, allocation, problem.measured.size, report, part)


def _edge_certificate(problem, allocation, report, part):
    first, last = lanes_of_part(report.shape[1], 1, part)
    for lane in range(first, last):
        report[0, lane], report[1, lane], report[2, lane] = general_edge_gap(problem, allocation, lane)


def _local_energies(problem, allocation, energies):
    lanes_per_device = problem.limits.shape[1] // problem.curve.size
    for lane in range(problem.limits.shape[1]):
        speed = allocation.total[lane], allocation.multiplier[lane]
        energy, capacity_price = general_local_energy(problem, lane, lane // lanes_per_device, speed)
        energies[0, lane], energies[1, lane] = energy, capacity_price


_REPORT = "f8[:,::1]", PART
general_local_certificate = PartKernel(
    "general_local_certificate",
    functools.partial(solver_signature, GeneralLocalProblem, LocalAllocation, *_REPORT),
    _local_certificate,
)
general_transmit_certificate = PartKernel(
    "general_transmit_certificate",
    functools.partial(solver_signature, GeneralTransmitProblem, TransmitAllocation, *_REPORT),
    _transmit_certificate,
)
general_edge_certificate = PartKernel(
    "general_edge_certificate",
    functools.partial(solver_signature, GeneralEdgeProblem, EdgeAllocation, *_REPORT),
    _edge_certificate,
)
# `energies` (2, L) receives the energy in J and what one more Hz of the CPU is worth in every lane
general_local_energies = Kernel(
    "general_local_energies",
    functools.partial(solver_signature, GeneralLocalProblem, LocalAllocation, "f8[:,::1]"),
    _local_energies,
)
