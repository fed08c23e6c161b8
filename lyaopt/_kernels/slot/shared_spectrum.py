"""Problem 4 with shared spectrum: the devices of a slot divide the sum of their bandwidths among themselves.

Minimise sum_m (-tau sum_n r_mn w_mn + U_m tau p_m) over rates, powers and bands b, subject to
sum_n r_mn <= b_m log2(1 + p_m h_m / (b_m N_0)), 0 <= r <= Q / tau, 0 <= p <= pmax, b >= 0 and
sum_m b_m <= B_w (docs/explanation/shared-spectrum.md has the solution and its proof). Shapes and units are
those of `GeneralTransmitProblem` and `SpectrumAllocation`. B_w is the sum of the bandwidths of the devices
whose radio is not measured; measured ones take no part. The slot length is that of the first device.
"""

import functools

from lyaopt._kernels.slot.blocks import LaneRange
from lyaopt._kernels.slot.general_blocks import spread_lanes
from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, SpectrumAllocation
from lyaopt._kernels.slot.parts import PART, PartKernel, lanes_of_part
from lyaopt._kernels.slot.problems import solver_signature
from lyaopt._kernels.slot.spectrum_items import set_devices, set_items
from lyaopt._kernels.slot.spectrum_recovery import recover
from lyaopt._kernels.slot.spectrum_rows import (
    spectrum_block_width,
    spectrum_workspace_size,
    split_spectrum_workspace,
)
from lyaopt._kernels.slot.spectrum_search import find_price
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.jit import helper


@helper
def _solve_block(problem, allocation, lanes, rows):
    devices, lane_count = problem.measured.size, problem.gain.size
    pool, band = rows.pool, rows.pool.share
    spread_lanes(problem.tau, lane_count, lanes, pool.tau)
    pool.pool[:] = 0.0
    for m in range(devices):
        if not problem.measured[m]:
            own = LaneRange(m * (lane_count // devices) + lanes.start, lanes.count)
            spread_lanes(problem.bandwidth, lane_count, own, band)
            for t in range(lanes.count):
                pool.pool[t] += band[t]
            set_devices(problem, m, own, rows)
            set_items(problem, m, own, rows, pool.tau)
    find_price(problem, lanes, rows)
    recover(problem, allocation, lanes, rows)


@helper
def spectrum_lanes(problem, allocation, workspace, part):
    """Solve a part of the slots within `spectrum_workspace_size` doubles.

    Lanes of measured devices keep their rates, powers and multipliers, and get no bandwidth.
    """
    items, lane_count = problem.weights.shape
    devices = problem.measured.size
    slots = lane_count // devices
    width = spectrum_block_width(items, devices, slots)
    first, last = lanes_of_part(slots, width, part)
    for start in range(first, last, width):
        lanes = LaneRange(start, min(width, last - start))
        rows = split_spectrum_workspace(workspace, items, devices, lanes.count)
        _solve_block(problem, allocation, lanes, rows)


def _spectrum_exact(problem, allocation, part):
    items, lane_count = problem.weights.shape
    devices = problem.measured.size
    workspace = aligned_room(spectrum_workspace_size(items, devices, lane_count // devices))
    spectrum_lanes(problem, allocation, workspace, part)


spectrum_exact = PartKernel(
    "spectrum_exact",
    functools.partial(solver_signature, GeneralTransmitProblem, SpectrumAllocation, PART),
    _spectrum_exact,
)
