"""Problem 4 with weights apart from limits, and radios by Shannon's formula or measured: general_problems.py.

Shannon's devices are solved as in transmit.py, many lanes side by side; a measured radio is a staircase of
one step (staircase.py), which both methods use.
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
    TOTAL,
    LaneRange,
    lane_at,
)
from lyaopt._kernels.slot.general_blocks import (
    TAU,
    Items,
    general_block_width,
    new_general_workspace,
    run_of_equal,
    same_in_all_slots,
    split_general_workspace,
    spread_lanes,
)
from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, of_lane
from lyaopt._kernels.slot.marginal_costs import TRANSMIT, transmit_marginal_cost
from lyaopt._kernels.slot.parts import PART, WHOLE, PartKernel, part_of_run
from lyaopt._kernels.slot.problems import TransmitAllocation, solver_signature
from lyaopt._kernels.slot.staircase import Supply, solve_staircase
from lyaopt._kernels.slot.weighted_bisection import solve_weighted_by_bisection
from lyaopt._kernels.slot.weighted_dispatch import solve_weighted_by_sorting
from lyaopt._kernels.slot.weighted_many import solve_weighted_by_selection
from lyaopt._kernels.slot.weighted_networks import FOUR, TWO
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_LN2 = math.log(2.0)
# Rows of the parameters of a lane, after TAU: b_w N_0, pmax / (b_w N_0), U N_0 ln 2 and pmax
_NOISE_POWER, _FULL_POWER, _FLOOR_TIMES_GAIN, _MAX_POWER = range(1, 5)
# Rows of scratch that hold parameters as given
_BANDWIDTH, _WEIGHT = range(2)


@inline
def _worth(weight, scale, floor):
    """Return the effort whose marginal cost is a weight; NaN, which means no bound, where both are 0."""
    worth = (weight - floor) / floor
    return worth if weight >= floor else 0.0


_COST = TRANSMIT._replace(worth=_worth)


@inline
def _solve_by_sorting(cost, items, lanes, block, parameters, rate):
    solve_weighted_by_sorting(cost, (TWO, TWO, FOUR), items, lanes, block, parameters, rate)


@lane_loop
def _set_devices(noise, block, parameters, count):
    """Set what does not depend on the gain."""
    for t in range(count):
        bandwidth = block.scratch[_BANDWIDTH, t]
        scale = bandwidth / _LN2 * parameters[TAU, t]
        noise_power = bandwidth * noise
        block.costs[SCALE, t] = scale
        block.costs[INVERSE, t] = 1.0 / scale
        parameters[_NOISE_POWER, t] = noise_power
        parameters[_FULL_POWER, t] = parameters[_MAX_POWER, t] / noise_power
        parameters[_FLOOR_TIMES_GAIN, t] = block.scratch[_WEIGHT, t] * noise * _LN2


@helper
def _spread(problem, lane_count, lanes, block, parameters):
    spread_lanes(problem.tau, lane_count, lanes, parameters[TAU])
    spread_lanes(problem.max_power, lane_count, lanes, parameters[_MAX_POWER])
    spread_lanes(problem.bandwidth, lane_count, lanes, block.scratch[_BANDWIDTH])
    spread_lanes(problem.energy_weight, lane_count, lanes, block.scratch[_WEIGHT])


@lane_loop
def _set_channel(gain, lanes, block, parameters):
    """Set the signal-to-noise limit pmax eta, and q0 = U N_0 ln 2 / h; 0 / 0 is no power bought, not NaN."""
    for t in range(lanes.count):
        h = gain[lane_at(lanes.start, t)]
        free = parameters[_FLOOR_TIMES_GAIN, t] == 0.0
        block.costs[LIMIT, t] = parameters[_FULL_POWER, t] * h
        block.costs[FLOOR, t] = 0.0 if free else parameters[_FLOOR_TIMES_GAIN, t] / h


@lane_loop
def _report(lanes, gain, block, parameters, power, multiplier):
    """Write the powers and multipliers of the lanes of a block."""
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        snr = block.served[EFFORT, t]
        most = parameters[_MAX_POWER, t]
        watts = snr * parameters[_NOISE_POWER, t] / gain[lane]
        watts = watts if watts < most else most
        watts = most if snr >= block.costs[LIMIT, t] else watts
        power[lane] = watts if snr > 0.0 else 0.0
        threshold = block.ranking[THRESHOLD, t]
        threshold = threshold if threshold > 0.0 else 0.0
        marginal = transmit_marginal_cost(snr, block.costs[INVERSE, t], block.costs[FLOOR, t])
        multiplier[lane] = marginal if (marginal > threshold) & (snr > 0.0) else threshold


@lane_loop
def _price_silence(items, lanes, total, multiplier):
    """Set nu where nothing is sent: one more bit/s is worth the largest weight that has any work."""
    for t in range(lanes.count):
        before = multiplier[lane_at(lanes.start, t)]
        multiplier[lane_at(lanes.start, t)] = before if total[t] > 0.0 else 0.0
    for k in range(items.weights.shape[0]):
        for t in range(lanes.count):
            lane = lane_at(lanes.start, t)
            before = multiplier[lane]
            weight = items.weights[k, lane] if items.limits[k, lane] > 0.0 else 0.0
            multiplier[lane] = weight if (total[t] <= 0.0) & (weight > before) else before


@inline
def _any_silent(total, count):
    silent = False
    for t in range(count):
        silent |= total[t] <= 0.0
    return silent


@helper
def _solve_shannon(solve, problem, allocation, run, block, parameters):
    """Solve the lanes of a run of devices with Shannon's rate, a block at a time."""
    lane_count = problem.limits.shape[1]
    per_device = lane_count // problem.measured.size
    width = parameters.shape[1]
    of_lanes = problem.tau, problem.energy_weight, problem.bandwidth, problem.max_power
    shared = same_in_all_slots(of_lanes, problem.measured.size)
    set_for = -1
    for start in range(run.start, run.start + run.count, width):
        lanes = LaneRange(start, min(width, run.start + run.count - start))
        device = start // per_device
        one_device = device == (start + lanes.count - 1) // per_device
        if not (shared and one_device and device == set_for):
            _spread(problem, lane_count, lanes, block, parameters)
            _set_devices(problem.noise, block, parameters, lanes.count)
        set_for = device if one_device else -1
        _set_channel(problem.gain, lanes, block, parameters)
        items = Items(problem.weights, problem.limits)
        solve(_COST, items, lanes, block, parameters, allocation.rate)
        _report(lanes, problem.gain, block, parameters, allocation.power, allocation.multiplier)
        if _any_silent(block.served[TOTAL], lanes.count):
            _price_silence(items, lanes, block.served[TOTAL], allocation.multiplier)


@inline
def radio_price(problem, lane):
    """Return the energy of a bit in J that a measured radio takes; 0 where it carries nothing."""
    rate, power = problem.radio_rate[lane], problem.radio_power[lane]
    return power / rate if rate > 0.0 else 0.0


@inline
def radio_power(problem, lane, total):
    """Return the power that a measured radio takes for a total rate; the energy of a bit may be infinite."""
    return radio_price(problem, lane) * total if total > 0.0 else 0.0


@helper
def _solve_measured(problem, allocation, run, order, step):
    """Solve the lanes of a run of measured radios; `step` (2, 1) is workspace."""
    lane_count = problem.limits.shape[1]
    items = Items(problem.weights, problem.limits)
    for lane in range(run.start, run.start + run.count):
        step[0, 0] = problem.radio_rate[lane]
        step[1, 0] = radio_price(problem, lane)
        tau = of_lane(problem.tau, lane, lane_count)
        weight = of_lane(problem.energy_weight, lane, lane_count)
        supply = Supply(step[0], step[1], problem.radio_rate[lane], tau, weight)
        total, multiplier = solve_staircase(supply, items, lane, order, allocation.rate)
        full = total >= problem.radio_rate[lane]
        power = problem.radio_power[lane] if full & (total > 0.0) else radio_power(problem, lane, total)
        allocation.power[lane] = power
        allocation.multiplier[lane] = multiplier


@helper
def _solve(solve, one_by_one, problem, allocation, workspace, part):
    """Solve a part of the lanes of each run of devices of the same kind."""
    items, lane_count = problem.limits.shape
    measured = problem.measured
    per_device = lane_count // measured.size
    width = general_block_width(items, lane_count, one_by_one)
    block, parameters = split_general_workspace(workspace, items, width, one_by_one)
    first = 0
    while first < measured.size:
        stop = run_of_equal(measured, first)
        of_kind = LaneRange(first * per_device, (stop - first) * per_device)
        run = part_of_run(of_kind, width, part)
        if measured[first] == 0:
            _solve_shannon(solve, problem, allocation, run, block, parameters)
        else:
            order = view_as(workspace[: 2 * items], (2, items))
            step = view_as(workspace[2 * items : 2 * items + 2], (2, 1))
            _solve_measured(problem, allocation, run, order, step)
        first = stop


@helper
def general_transmit_lanes(problem, allocation, workspace):
    """Solve lanes of up to `NETWORK_ITEMS` items by sorting, within `general_workspace_size` doubles."""
    _solve(_solve_by_sorting, False, problem, allocation, workspace, WHOLE)


@helper
def general_transmit_lanes_many(problem, allocation, workspace):
    """Solve lanes of any number of items by selection, one lane after the other."""
    _solve(solve_weighted_by_selection, True, problem, allocation, workspace, WHOLE)


def _exact(problem, allocation, part):
    workspace = new_general_workspace(problem.limits, False)
    _solve(_solve_by_sorting, False, problem, allocation, workspace, part)


def _bisection(problem, allocation, part):
    workspace = new_general_workspace(problem.limits, False)
    _solve(solve_weighted_by_bisection, False, problem, allocation, workspace, part)


def _many(problem, allocation, part):
    workspace = new_general_workspace(problem.limits, True)
    _solve(solve_weighted_by_selection, True, problem, allocation, workspace, part)


_SIGNATURE = functools.partial(solver_signature, GeneralTransmitProblem, TransmitAllocation, PART)
general_transmit_exact = PartKernel("general_transmit_exact", _SIGNATURE, _exact)
general_transmit_bisection = PartKernel("general_transmit_bisection", _SIGNATURE, _bisection)
general_transmit_many = PartKernel("general_transmit_many", _SIGNATURE, _many)
