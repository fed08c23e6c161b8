"""What certifies the devices of few_lanes.py: their duality gaps, energies and prices, side by side.

The terms of each lane are those of certificate_lanes.py. Problem 5 is one lane of all devices: each device
adds up its own items, and `worst_with` adds up the devices, in their order.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.certificate import outside, worse
from lyaopt._kernels.slot.certificate_lanes import (
    EdgeNumbers,
    anywhere,
    finish_edge,
    finish_local,
    local_numbers,
    nearby,
    transmit_gap_of,
    transmit_numbers,
)
from lyaopt._kernels.slot.certificate_sums import NO_ITEMS, ItemSums
from lyaopt._kernels.slot.energies import local_energy, local_price, objective, price, transmit_energy
from lyaopt._kernels.toolchain.jit import inline, lane_loop
from lyaopt._kernels.toolchain.masked_rows import LANES

# Rows of a report: of each device its gap and violation in Problem 3, and its objectives in Problems 3 and 4
_GAP, _VIOLATION, _LOCAL_OBJECTIVE, _TRANSMIT_OBJECTIVE = range(4)
# then what its items add to Problem 5, and 1 where one of its items lies outside its bounds
_EDGE_GAP, _EDGE_GROSS, _EDGE_TOTAL, _EDGE_SERVING_ALL, _EDGE_WAITING, _AMISS = range(4, 10)
# then what is reported of it
REPORTED_ROW = 10  # the first of four: local energy, transmit energy, local price, price of the rate
# last its gap and violation in Problem 4, 1 where an item of it is amiss, and 1 where the gap is not known,
# as the device is far from an optimum
_RATE_GAP, _RATE_VIOLATION, _RATE_AMISS, _FAR = range(14, 18)
REPORT_ROWS = 18


class Prices(NamedTuple):
    """What the certificate takes of the system: tau, U^l, U^t, delta, N_0, and nu of Problem 5."""

    tau: Any
    weight_local: Any
    weight_transmit: Any
    delta: Any
    noise: Any
    edge_nu: Any


@inline
def _certify_local(adding, rows, prices, t):
    """Return (gap, violation, objective, fits, energy, price) of Problem 3 of one device."""
    capacity, speed, nu = rows.devices[0][t], rows.found[0][t], rows.found[2][t]
    load = adding.network.load
    backlogs, rates = load(rows.queues[0], 0, t), load(rows.rates[0], 0, t)
    sums = adding.add(NO_ITEMS, backlogs, rates, prices.tau, nu)
    given = local_numbers(capacity, prices.weight_local, prices.delta)
    gap, violation, _ = finish_local(given, t, sums, nu)
    energy = local_energy(prices.tau, prices.delta, speed)
    worth = local_price(prices.tau, prices.weight_local * prices.delta, capacity, speed, nu)
    value = objective(prices.weight_local, energy, prices.tau * sums.gross)
    return gap, violation, value, sums.fits, energy, worth


@inline
def _certify_transmit(adding, logarithm, rows, prices, t):
    """Return (gap, violation, whether it is known, objective, fits, energy, price) of Problem 4."""
    nu = rows.found[3][t]
    load = adding.network.load
    backlogs, rates = load(rows.queues[1], 0, t), load(rows.rates[1], 0, t)
    sums = adding.add(NO_ITEMS, backlogs, rates, prices.tau, nu)
    radio, common = (rows.devices[3][t], rows.devices[1][t]), (prices.weight_transmit, prices.noise)
    # Numbers, no arrays: to build a tuple of arrays in the loop keeps LLVM from making vectors of it.
    given = transmit_numbers(radio, common, rows.devices[2][t], rows.found[1][t])
    gap, violation, known = transmit_gap_of(logarithm, given, sums, nu)
    energy = transmit_energy(prices.tau, given.power)
    value = objective(prices.weight_transmit, energy, prices.tau * sums.gross)
    return gap, violation, known, value, sums.fits, energy, price(prices.tau, nu)


@inline
def certify_few_lanes(adding, rows, prices, count, report):
    """Write the rows of a report on LANES devices, of which the first `count` are some."""
    _certify_cpus(adding, rows, prices, report)
    _certify_radios(adding, nearby, rows, prices, report)
    far = 0.0  # in how many devices the gap needs the logarithm
    for m in range(count):
        far += report[_FAR, m]
    if far > 0.0:
        _certify_radios(adding, anywhere, rows, prices, report)


@lane_loop
def _certify_cpus(adding, rows, prices, report):
    """Write what a report says of Problems 3 and 5."""
    load = adding.network.load
    for t in range(LANES):
        gap, violation, value, fits, energy, worth = _certify_local(adding, rows, prices, t)
        report[_GAP, t], report[_VIOLATION, t], report[_LOCAL_OBJECTIVE, t] = gap, violation, value
        at_edge, rates = load(rows.queues[2], 0, t), load(rows.rates[2], 0, t)
        sums = adding.add(NO_ITEMS, at_edge, rates, prices.tau, prices.edge_nu)
        report[_EDGE_GAP, t], report[_EDGE_GROSS, t], report[_EDGE_TOTAL, t] = (
            sums.gap,
            sums.gross,
            sums.total,
        )
        report[_EDGE_SERVING_ALL, t], report[_EDGE_WAITING, t] = sums.serving_all, sums.waiting
        report[_AMISS, t] = 0.0 if fits & sums.fits else 1.0
        report[REPORTED_ROW, t], report[REPORTED_ROW + 2, t] = energy, worth


@lane_loop
def _certify_radios(adding, logarithm, rows, prices, report):
    """Write what a report says of Problem 4, with the gaps by `nearby` or `anywhere`."""
    for t in range(LANES):
        gap, violation, known, value, fits, energy, worth = _certify_transmit(
            adding, logarithm, rows, prices, t
        )
        report[_RATE_GAP, t], report[_RATE_VIOLATION, t] = gap, violation
        report[_TRANSMIT_OBJECTIVE, t], report[_FAR, t] = value, 0.0 if known else 1.0
        report[_RATE_AMISS, t] = 0.0 if fits else 1.0
        report[REPORTED_ROW + 1, t], report[REPORTED_ROW + 3, t] = energy, worth


class Worst(NamedTuple):
    """What certifies the devices so far: worst gap and violation, objectives, and `ItemSums` of the edge."""

    gap: Any
    violation: Any
    local: Any
    transmit: Any
    edge: Any


NOTHING = Worst(0.0, 0.0, 0.0, 0.0, NO_ITEMS)


@inline
def _worst_violation(queue, rate, t, tau, violation):
    for k in range(queue.shape[0]):
        violation = worse(violation, outside(rate[k, t], queue[k, t] / tau))
    return violation


@inline
def _violation(rows, t, tau, violation):
    """Return the violation, or that of an item of one device that lies outside its bounds by more."""
    for stage in range(3):
        queue = rows.queues[0] if stage == 0 else (rows.queues[1] if stage == 1 else rows.queues[2])
        rate = rows.rates[0] if stage == 0 else (rows.rates[1] if stage == 1 else rows.rates[2])
        violation = _worst_violation(queue, rate, t, tau, violation)
    return violation


@inline
def _with_device(edge, report, m):
    total, error = two_sum(edge.total, report[_EDGE_TOTAL, m])
    return ItemSums(
        edge.gap + report[_EDGE_GAP, m],
        edge.gross + report[_EDGE_GROSS, m],
        total,
        edge.lost + error,
        edge.serving_all + report[_EDGE_SERVING_ALL, m],
        edge.waiting + report[_EDGE_WAITING, m],
        0.0,
        True,
    )


@inline
def worst_with(worst, rows, report, count, tau):
    """Return the `Worst` with the first `count` devices of a report."""
    for m in range(count):
        violation = worse(worst.violation, worse(report[_VIOLATION, m], report[_RATE_VIOLATION, m]))
        if report[_AMISS, m] + report[_RATE_AMISS, m] > 0.0:
            violation = _violation(rows, m, tau, violation)
        worst = Worst(
            worse(worst.gap, worse(report[_GAP, m], report[_RATE_GAP, m])),
            violation,
            worst.local + report[_LOCAL_OBJECTIVE, m],
            worst.transmit + report[_TRANSMIT_OBJECTIVE, m],
            _with_device(worst.edge, report, m),
        )
    return worst


@inline
def summary_of(worst, prices, capacity):
    """Return (local, transmit and edge objective, relative gap, violation) of a slot."""
    given = EdgeNumbers(capacity, 1.0 / capacity)
    gap, violation, _ = finish_edge(given, 0, worst.edge, prices.edge_nu)
    edge = -(prices.tau * worst.edge.gross)
    return worst.local, worst.transmit, edge, worse(worst.gap, gap), worse(worst.violation, violation)
