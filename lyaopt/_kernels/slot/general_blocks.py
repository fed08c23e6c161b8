"""Blocks of lanes for the general slot problems: weights, limits, and parameters that may differ by lane.

They extend blocks.py, whose rows and tuples they use. A lane has the parameters of its device, its slot or
both in `GENERAL_ROWS` rows that each problem names.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.blocks import (
    COST_ROWS,
    RANKING_ROWS,
    SCRATCH_ROWS,
    SERVED_ROWS,
    Block,
    lane_at,
    spread,
)
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

TAU = 0  # the first row of the parameters of a lane, in every problem
GENERAL_ROWS = 5
# Rows an item takes: its sorted weight, and as much again that is read beside it and is to stay in the cache;
# weight and limit, and what is kept of them, where selection solves one lane after the other.
_SORTED_ROWS, _SELECTED_ROWS = 2, 4
_ROWS = COST_ROWS + RANKING_ROWS + SERVED_ROWS + SCRATCH_ROWS + GENERAL_ROWS
_BLOCK_DOUBLES = 6144  # as in blocks.py


class Items(NamedTuple):
    """Weights and limits (N, L) of the items of all lanes."""

    weights: Any
    limits: Any


@inline
def _item_rows(one_by_one):
    return _SELECTED_ROWS if one_by_one else _SORTED_ROWS


@inline
def general_block_width(items, lane_count, one_by_one):
    """Return how many lanes a block holds, so that its workspace stays in the cache."""
    if one_by_one:
        return 1
    width = _BLOCK_DOUBLES // (_SORTED_ROWS * items + _ROWS)
    return min(lane_count, max(8, width - width % 8))


@inline
def general_workspace_size(items, lane_count, one_by_one):
    """Return how many doubles of workspace the general solvers take, each of them."""
    width = general_block_width(items, lane_count, one_by_one)
    return (_item_rows(one_by_one) * items + _ROWS) * width


@helper
def new_general_workspace(limits, one_by_one):
    """Return a workspace for the lanes of limits (N, L)."""
    items, lane_count = limits.shape
    return aligned_room(general_workspace_size(items, lane_count, one_by_one))


@helper
def split_general_workspace(workspace, items, width, one_by_one):
    """Return a `Block` within the workspace, and the rows for parameters of its lanes."""
    ranking = COST_ROWS * width
    served = ranking + RANKING_ROWS * width
    scratch = served + SERVED_ROWS * width
    parameters = scratch + SCRATCH_ROWS * width
    rows = parameters + GENERAL_ROWS * width
    most = _item_rows(one_by_one)
    shape = (most, items) if one_by_one else (most * items, width)
    block = Block(
        view_as(workspace[:ranking], (COST_ROWS, width)),
        view_as(workspace[ranking:served], (RANKING_ROWS, width)),
        view_as(workspace[served:scratch], (SERVED_ROWS, width)),
        view_as(workspace[scratch:parameters], (SCRATCH_ROWS, width)),
        view_as(workspace[rows : rows + most * items * width], shape),
    )
    return block, view_as(workspace[parameters:rows], (GENERAL_ROWS, width))


@lane_loop
def copy_from(values, start, count, row):
    """Write values[start : start + count] into a row."""
    for t in range(count):
        row[t] = values[lane_at(start, t)]


@helper
def spread_lanes(values, lane_count, lanes, row):
    """Write into `row` the value of each lane, from an array of 1, M or L."""
    if values.size == lane_count:
        copy_from(values, lanes.start, lanes.count, row)
    else:
        spread(values, lane_count, lanes, row)


@helper
def same_in_all_slots(parameters, devices):
    """Return whether all parameters, a tuple of arrays, are those of the devices: slots of one share them."""
    most = 0
    for values in parameters:
        most = max(most, values.size)
    return most <= devices


@helper
def run_of_equal(kinds, first):
    """Return the end of the run of equal entries that begins at `first`."""
    stop = first + 1
    while stop < kinds.size and kinds[stop] == kinds[first]:
        stop += 1
    return stop
