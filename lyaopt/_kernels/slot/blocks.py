"""Blocks of lanes: the solvers' workspace, cut so that one block stays in the cache.

A lane is one problem. The solvers take a `LaneRange` of them at a time, ``queue[:, start : start + count]``;
everything that they know of a lane is one column of the arrays of a `Block`, whose rows are named here.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import inline, lane_loop

# Rows of `Block.costs`: what serving costs in a lane, see marginal_costs.py
LIMIT, SCALE, INVERSE, FLOOR = range(4)
COST_ROWS = 4

# Rows of `Block.ranking`: what sorting or selection finds
THRESHOLD = 0  # largest backlog that is not served whole, those above it are; 0 if all are served whole
ABOVE = 1  # sum of the backlogs above the threshold
EFFORT_ABOVE = 2  # what serving ABOVE takes of the resource
ON_THRESHOLD = 3  # sum of the backlogs equal to the threshold
RANKING_ROWS = 4
NONE = -1.0  # threshold of weighted items if all are served whole: 0 is a weight like any other

# Rows of `Block.served`: the solution
TOTAL = 0  # work served, S* tau
EFFORT = 1  # what TOTAL takes of the resource
PART = 2  # what each item on the threshold is served
SERVED_ROWS = 3

SCRATCH_ROWS = 4  # each solver names the rows that it uses
DEVICE_ROWS = 3  # numbers of each lane's device; each problem names the rows that it uses
_ROWS = COST_ROWS + RANKING_ROWS + SERVED_ROWS + SCRATCH_ROWS + DEVICE_ROWS
_BLOCK_DOUBLES = 6144  # workspace of a block: in the second-level cache, mostly in the first


class LaneRange(NamedTuple):
    """The lanes from `start` on, `count` of them; lane ``start + t`` is column t of a block."""

    start: Any
    count: Any


class Block(NamedTuple):
    """The rows of a block of up to W lanes.

    Attributes
    ----------
    costs : (COST_ROWS, W) array
    ranking : (RANKING_ROWS, W) array
    served : (SERVED_ROWS, W) array
    scratch : (SCRATCH_ROWS, W) array
    items : (2 N, W) array
        Two rows an item; (2, N), two columns of a single lane, for solvers that go lane by lane.
    """

    costs: Any
    ranking: Any
    served: Any
    scratch: Any
    items: Any


@inline
def lane_at(start, t):
    """Return the place of lane ``start + t``.

    It is unsigned: a signed index may count from the end, so that loops over it load lane by lane.
    """
    return np.uint64(start + t)


@inline
def block_width(items, lane_count, one_by_one):
    """Return how many lanes a block holds, so that its workspace stays in the cache."""
    if one_by_one:
        return 1
    width = _BLOCK_DOUBLES // (2 * items + _ROWS)
    return min(lane_count, max(8, width - width % 8))


@inline
def workspace_size(items, lane_count, one_by_one):
    """Return how many doubles `split_workspace` takes for the blocks of these lanes, wider ones included."""
    rows = 2 * items + _ROWS
    return rows if one_by_one else min(lane_count * rows, max(_BLOCK_DOUBLES, 8 * rows))


@inline
def new_workspace(queue, one_by_one):
    """Return a workspace for the lanes of a queue (N, L)."""
    items, lane_count = queue.shape
    return aligned_room(workspace_size(items, lane_count, one_by_one))


@inline
def split_workspace(workspace, items, width, one_by_one):
    """Return a `Block` within the workspace, and its rows for numbers of devices."""
    ranking = COST_ROWS * width
    served = ranking + RANKING_ROWS * width
    scratch = served + SERVED_ROWS * width
    devices = scratch + SCRATCH_ROWS * width
    rows = devices + DEVICE_ROWS * width
    shape = (2, items) if one_by_one else (2 * items, width)
    block = Block(
        view_as(workspace[:ranking], (COST_ROWS, width)),
        view_as(workspace[ranking:served], (RANKING_ROWS, width)),
        view_as(workspace[served:scratch], (SERVED_ROWS, width)),
        view_as(workspace[scratch:devices], (SCRATCH_ROWS, width)),
        view_as(workspace[rows : rows + 2 * items * width], shape),
    )
    return block, view_as(workspace[devices:rows], (DEVICE_ROWS, width))


@lane_loop
def fill(row, count, value):
    """Write one value into row[:count]."""
    for t in range(count):
        row[t] = value


@inline
def spread(values, lane_count, lanes, row):
    """Write into `row` the value of each lane's device; lane l belongs to device l // (lane_count // M)."""
    per_device = lane_count // values.size
    t = 0
    while t < lanes.count:
        device = (lanes.start + t) // per_device
        stop = min(lanes.count, (device + 1) * per_device - lanes.start)
        fill(row[t:], stop - t, values[device])
        t = stop


@inline
def only_device(lane_count, devices, lanes):
    """Return the device that all lanes of a range belong to, or -1; its numbers are spread only once."""
    per_device = lane_count // devices
    first = lanes.start // per_device
    return first if first == (lanes.start + lanes.count - 1) // per_device else -1
