"""Which method ranks the weighted items of a block of lanes: sorting, as in dispatch.py."""

from lyaopt._kernels.slot.weighted_recovery import recover_weighted
from lyaopt._kernels.slot.weighted_search import rank_weighted_in_rows
from lyaopt._kernels.slot.weighted_sorting import rank_weighted_in_registers, serve_weighted_in_registers
from lyaopt._kernels.toolchain.jit import helper


@helper
def solve_weighted_by_sorting(cost, networks, items, lanes, block, parameters, rate):
    """Solve the lanes of a block; `networks` are (exact, small, large).

    Lanes of exactly the items of the first network are served in the loop that ranks them; lanes of up to
    those of the second and of the third one are ranked in registers.
    """
    exact, small, large = networks
    number = items.weights.shape[0]
    if number == exact.size:
        serve_weighted_in_registers(cost, exact, items, lanes, block, parameters, rate)
        return
    if number <= small.size:
        rank_weighted_in_registers(cost, small, items, lanes, block)
    elif number <= large.size:
        rank_weighted_in_registers(cost, large, items, lanes, block)
    else:
        rank_weighted_in_rows(cost, items, lanes, block)
    recover_weighted(cost, items, lanes, block, parameters, rate)
