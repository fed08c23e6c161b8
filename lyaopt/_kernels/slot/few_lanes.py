"""Problems 3 and 4 of up to eight devices, which are the lanes of one vector.

A loop over all places of the vector has no remainder. Steps, and so answers, are those of local.py and
transmit.py bit for bit.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.local import speed_and_multiplier
from lyaopt._kernels.slot.marginal_costs import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.primal_recovery import part_served
from lyaopt._kernels.slot.sort_registers import rank
from lyaopt._kernels.slot.sorting_networks import EIGHT
from lyaopt._kernels.slot.transmit import channel, power_and_multiplier, radio_numbers
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import inline, lane_loop
from lyaopt._kernels.toolchain.masked_rows import LANES


class Common(NamedTuple):
    """What all devices share: tau, N_0, U^t N_0 ln 2, tau / sqrt(3 U^l delta) and its inverse.

    `edge` is (threshold, part) of Problem 5: what each item on the threshold is served.
    """

    tau: Any
    noise: Any
    weighted_noise: Any
    local_scale: Any
    local_inverse: Any
    edge: Any


@inline
def _served(cost, network, backlogs, lane_cost, scale):
    """Return (threshold, total, effort, part) of one lane."""
    limit, _, floor, _ = lane_cost
    threshold, above, effort_above, on_threshold = rank(cost, network, backlogs, lane_cost)
    reach = cost.worth(threshold, scale, floor)
    reach = reach if reach < limit else limit
    supply = cost.served(reach, scale)
    total, effort, part = part_served(cost, threshold, above, effort_above, on_threshold, reach, supply)
    return threshold, total, effort, part


@inline
def few_edge_level(queue, capacity, tau):
    """Return (threshold, part) of Problem 5 with up to eight items, in an array of any shape."""
    items = view_as(queue, (queue.size, 1))
    lane_cost = capacity * tau, 1.0, 0.0, 0.0
    threshold, _, _, part = _served(EDGE, EIGHT, EIGHT.load(items, 0, 0), lane_cost, 1.0)
    return threshold, part


@inline
def solve_local_lane(network, rows, common, t):
    """Solve Problem 3 of one device, write its rates, and return (speed, nu)."""
    capacity = rows.devices[0][t]
    backlogs = network.load(rows.queues[0], 0, t)
    lane_cost = capacity * common.tau, common.local_inverse, 0.0, 0.0
    threshold, total, effort, part = _served(LOCAL, network, backlogs, lane_cost, common.local_scale)
    network.store(backlogs, threshold, part, common.tau, 0, t, rows.rates[0])
    return speed_and_multiplier((threshold, total, effort), lane_cost, capacity, common.tau)


@inline
def solve_transmit_lane(network, rows, common, t):
    """Solve Problem 4 of one device, write its rates, and return (power, nu)."""
    most, gain, bandwidth = rows.devices[1][t], rows.devices[2][t], rows.devices[3][t]
    backlogs = network.load(rows.queues[1], 0, t)
    scale, inverse, noise_power, full_power = radio_numbers(bandwidth, most, common.tau, common.noise)
    limit, floor = channel(gain, full_power, common.weighted_noise)
    lane_cost = limit, inverse, floor, 0.0
    threshold, _, snr, part = _served(TRANSMIT, network, backlogs, lane_cost, scale)
    network.store(backlogs, threshold, part, common.tau, 0, t, rows.rates[1])
    return power_and_multiplier((threshold, snr), lane_cost, (gain, noise_power, most))


@lane_loop
def solve_few_lanes(network, rows, common):
    """Solve Problems 3 and 4 of LANES devices, and serve their items at the edge.

    `rows` are `SlotArrays` of LANES devices, whose rates have room for all items of the network.
    """
    speeds, powers, local_nus, transmit_nus = rows.found
    for t in range(LANES):
        speeds[t], local_nus[t] = solve_local_lane(network, rows, common, t)
        powers[t], transmit_nus[t] = solve_transmit_lane(network, rows, common, t)
        at_edge = network.load(rows.queues[2], 0, t)
        network.store(at_edge, common.edge[0], common.edge[1], common.tau, 0, t, rows.rates[2])
