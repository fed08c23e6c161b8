"""Problem 4, transmission: minimise -tau sum r_n Q_n + U tau p.

Subject to 0 <= p <= pmax, sum r_n <= R(p) = b_w log2(1 + p h / (b_w N_0)) and 0 <= r_n <= Q_n / tau (Problem
4 of the paper; proofs in docs/explanation/solvers.md). Shapes and units are those of `TransmitProblem` and
`TransmitAllocation` (problems.py): bits, bit/s, Hz, W, W/Hz, s. A lane is one device in one slot. In the
terms of marginal_costs.py, with eta = h / (b_w N_0) and q0 = U N_0 ln 2 / h, the effort is the
signal-to-noise ratio p eta, and

    limit = pmax eta,  scale = tau b_w / ln 2,  marginal_cost = q0 (1 + p eta).
"""

import functools
import math

from lyaopt._kernels.slot.blocks import (
    EFFORT,
    FLOOR,
    INVERSE,
    LIMIT,
    SCALE,
    THRESHOLD,
    LaneRange,
    block_width,
    lane_at,
    only_device,
    split_workspace,
    spread,
    workspace_size,
)
from lyaopt._kernels.slot.dispatch import rank_by_sorting, solve_by_selection
from lyaopt._kernels.slot.dual_bisection import solve_by_bisection
from lyaopt._kernels.slot.marginal_costs import TRANSMIT, transmit_marginal_cost
from lyaopt._kernels.slot.parts import PART, WHOLE, PartKernel, lanes_of_part
from lyaopt._kernels.slot.primal_recovery import recover_primal
from lyaopt._kernels.slot.problems import TransmitAllocation, TransmitProblem, solver_signature
from lyaopt._kernels.slot.sorting_networks import FOUR, TWO
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_LN2 = math.log(2.0)
# Rows of what lanes have of their devices: b_w N_0, pmax / (b_w N_0), pmax
_NOISE_POWER, _FULL_POWER, _MAX_POWER = range(3)
# Rows of the table of devices: tau b_w / ln 2 and its inverse, then as above
_TABLE_SCALE, _TABLE_INVERSE, _TABLE_NOISE_POWER, _TABLE_FULL_POWER = range(4)
_TABLE_ROWS = 4


@inline
def _solve_by_sorting(cost, queue, lanes, block, tau, rate):
    rank_by_sorting(cost, TWO, FOUR, queue, lanes, block)
    recover_primal(cost, queue, lanes, block, tau, rate)


@inline
def transmit_workspace_size(items, lane_count, devices, one_by_one):
    """Return how many doubles of workspace the solvers below take."""
    return workspace_size(items, lane_count, one_by_one) + _TABLE_ROWS * devices


@inline
def radio_numbers(bandwidth, max_power, tau, noise):
    """Return what is the same in every slot of a device: scale, its inverse, b_w N_0, pmax / (b_w N_0)."""
    scale = bandwidth / _LN2 * tau
    noise_power = bandwidth * noise
    return scale, 1.0 / scale, noise_power, max_power / noise_power


@inline
def channel(gain, full_power, weighted_noise):
    """Return the signal-to-noise limit pmax eta, and q0 = U N_0 ln 2 / h; `weighted_noise` is U N_0 ln 2."""
    return full_power * gain, weighted_noise / gain


@inline
def weighted_noise(weight, noise):
    """Return U N_0 ln 2."""
    return weight * noise * _LN2


@inline
def _device_table(problem, workspace):
    """Return what is the same in every slot of a device, at the end of the workspace."""
    bandwidth, max_power = problem.bandwidth, problem.max_power
    table = view_as(workspace[workspace.size - _TABLE_ROWS * bandwidth.size :], (_TABLE_ROWS, bandwidth.size))
    for m in range(bandwidth.size):
        numbers = radio_numbers(bandwidth[m], max_power[m], problem.tau, problem.noise)
        table[_TABLE_SCALE, m], table[_TABLE_INVERSE, m] = numbers[0], numbers[1]
        table[_TABLE_NOISE_POWER, m], table[_TABLE_FULL_POWER, m] = numbers[2], numbers[3]
    return table


@inline
def _spread_devices(table, max_power, lane_count, lanes, block, devices):
    """Write the numbers of each lane's device into the rows of a block."""
    spread(table[_TABLE_SCALE], lane_count, lanes, block.costs[SCALE])
    spread(table[_TABLE_INVERSE], lane_count, lanes, block.costs[INVERSE])
    spread(table[_TABLE_NOISE_POWER], lane_count, lanes, devices[_NOISE_POWER])
    spread(table[_TABLE_FULL_POWER], lane_count, lanes, devices[_FULL_POWER])
    spread(max_power, lane_count, lanes, devices[_MAX_POWER])


@lane_loop
def _set_channel(gain, full_power, q0_times_gain, lanes, block):
    """Set the limit and the floor of every lane."""
    for t in range(lanes.count):
        limit, floor = channel(gain[lane_at(lanes.start, t)], full_power[t], q0_times_gain)
        block.costs[LIMIT, t], block.costs[FLOOR, t] = limit, floor


@inline
def power_and_multiplier(served, lane_cost, radio):
    """Return the power of a lane and nu.

    `served` is (threshold, signal-to-noise ratio) of the lane; `radio` is its (gain, b_w N_0, pmax).
    """
    threshold, snr = served
    limit, inverse, floor, _ = lane_cost
    gain, noise_power, most = radio
    watts = snr * noise_power / gain
    watts = watts if watts < most else most
    watts = most if snr >= limit else watts
    marginal = transmit_marginal_cost(snr, inverse, floor)
    # where nothing is sent there is no power to save: one more bit/s is worth the largest backlog
    nu = marginal if (marginal > threshold) & (snr > 0.0) else threshold
    return (watts if snr > 0.0 else 0.0), nu


@lane_loop
def _report(lanes, block, devices, gain, power, multiplier):
    """Write the powers and multipliers of the lanes of a block."""
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        served = block.ranking[THRESHOLD, t], block.served[EFFORT, t]
        lane_cost = block.costs[LIMIT, t], block.costs[INVERSE, t], block.costs[FLOOR, t], 0.0
        radio = gain[lane], devices[_NOISE_POWER, t], devices[_MAX_POWER, t]
        power[lane], multiplier[lane] = power_and_multiplier(served, lane_cost, radio)


@inline
def _solve_blocks(solve, one_by_one, problem, allocation, workspace, part):
    """Solve a part of the lanes, a block at a time, with ``solve(cost, queue, lanes, block, tau, rate)``."""
    queue, gain, max_power = problem.queue, problem.gain, problem.max_power
    items, lane_count = queue.shape
    width = block_width(items, lane_count, one_by_one)
    block, devices = split_workspace(workspace, items, width, one_by_one)
    table = _device_table(problem, workspace)
    q0_times_gain = weighted_noise(problem.weight, problem.noise)
    spread_for = -1
    first, last = lanes_of_part(lane_count, width, part)
    for start in range(first, last, width):
        lanes = LaneRange(start, min(width, last - start))
        device = only_device(lane_count, max_power.size, lanes)
        if device == -1 or device != spread_for:
            _spread_devices(table, max_power, lane_count, lanes, block, devices)
        spread_for = device
        _set_channel(gain, devices[_FULL_POWER], q0_times_gain, lanes, block)
        solve(TRANSMIT, queue, lanes, block, problem.tau, allocation.rate)
        _report(lanes, block, devices, gain, allocation.power, allocation.multiplier)


@inline
def solve_transmit_lanes(problem, allocation, workspace):
    """Solve lanes of up to `NETWORK_ITEMS` items by sorting, within `transmit_workspace_size` doubles."""
    _solve_blocks(_solve_by_sorting, False, problem, allocation, workspace, WHOLE)


@helper
def transmit_lanes(problem, allocation, workspace):
    """Call `solve_transmit_lanes`: for kernels in which a call costs little beside what it does."""
    solve_transmit_lanes(problem, allocation, workspace)


@helper
def transmit_lanes_many(problem, allocation, workspace):
    """Solve lanes of any number of items by selection, one lane after the other."""
    _solve_blocks(solve_by_selection, True, problem, allocation, workspace, WHOLE)


@inline
def _workspace(problem, one_by_one):
    items, lane_count = problem.queue.shape
    return aligned_room(transmit_workspace_size(items, lane_count, problem.bandwidth.size, one_by_one))


def _transmit_exact(problem, allocation, part):
    _solve_blocks(_solve_by_sorting, False, problem, allocation, _workspace(problem, False), part)


def _transmit_bisection(problem, allocation, part):
    _solve_blocks(solve_by_bisection, False, problem, allocation, _workspace(problem, False), part)


def _transmit_many(problem, allocation, part):
    _solve_blocks(solve_by_selection, True, problem, allocation, _workspace(problem, True), part)


_SIGNATURE = functools.partial(solver_signature, TransmitProblem, TransmitAllocation, PART)
transmit_exact = PartKernel("transmit_exact", _SIGNATURE, _transmit_exact)
transmit_bisection = PartKernel("transmit_bisection", _SIGNATURE, _transmit_bisection)
transmit_many = PartKernel("transmit_many", _SIGNATURE, _transmit_many)
