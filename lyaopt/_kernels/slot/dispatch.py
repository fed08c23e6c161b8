"""Which solver serves a block of lanes, and what a block looks like."""

from lyaopt._kernels.slot.block_rows import (
    EFFORT,
    FLOOR,
    FOUND_ROWS,
    GIVEN_ROWS,
    INVERSE,
    LEVEL,
    LIMIT,
    PART,
    TOTAL,
)
from lyaopt._kernels.slot.dual_bisection import bisection_solver
from lyaopt._kernels.slot.primal_recovery import lane_finisher, serve
from lyaopt._kernels.slot.sort_blocked import rows_solver
from lyaopt._kernels.slot.sort_registers import lane_server, lane_solver
from lyaopt._kernels.slot.weighted_selection import selection_solver
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

# Up to here sorting networks over lanes beat selecting in one lane after the other.
NETWORK_ITEMS = 256
SOLVER_ROWS = 4  # of scratch for the solvers; the rest is for what devices are given
SCRATCH_ROWS = SOLVER_ROWS + 3
_BLOCK_DOUBLES = 6144  # scratch of a block: in the second-level cache, mostly in the first


@inline
def block_width(items, lanes, one_by_one):
    """Return how many lanes a block holds, so that its scratch stays in the cache."""
    if one_by_one:
        return 1
    width = _BLOCK_DOUBLES // (2 * items + GIVEN_ROWS + FOUND_ROWS + SCRATCH_ROWS)
    return min(lanes, max(8, width - width % 8))


@inline
def workspace(items, lanes, one_by_one):
    """Return how many doubles `block_arrays` takes for blocks of these lanes."""
    return (2 * items + GIVEN_ROWS + FOUND_ROWS + SCRATCH_ROWS) * block_width(items, lanes, one_by_one)


@inline
def block_arrays(work, items, width, one_by_one):
    """Return the parts of a workspace: what lanes are given, what is found, scratch, and rows of items.

    The rows are two columns, or two rows an item.
    """
    found = GIVEN_ROWS * width
    scratch = found + FOUND_ROWS * width
    rows = scratch + SCRATCH_ROWS * width
    shape = (2, items) if one_by_one else (2 * items, width)
    return (
        work[:found].reshape(GIVEN_ROWS, width),
        work[found:scratch].reshape(FOUND_ROWS, width),
        work[scratch:rows].reshape(SCRATCH_ROWS, width),
        work[rows : rows + 2 * items * width].reshape(shape),
    )


@lane_loop
def fill(row, count, value):
    """Write one value into row[:count]."""
    for t in range(count):
        row[t] = value


@helper
def spread(values, lanes, start, count, row):
    """Write into row[:count] the value of each lane's device; lane l is of device l // (lanes // M)."""
    per_device = lanes // values.size
    t = 0
    while t < count:
        device = (start + t) // per_device
        stop = min(count, (device + 1) * per_device - start)
        fill(row[t:], stop - t, values[device])
        t = stop


@inline
def only_device(lanes, devices, start, count):
    """Return the device that all lanes of a block belong to, or -1; what it is given is spread once."""
    per_device = lanes // devices
    first = start // per_device
    return first if first == (start + count - 1) // per_device else -1


def exact_solver(cost, sizes, at_once):
    """Return the sorting solver of lanes of up to NETWORK_ITEMS items.

    Like the other two below it is ``solve(q, start, count, given, found, scratch, rows, tau, rate)``: for
    the lanes q[:, start:start + count] it sets TOTAL, EFFORT and LEVEL in `found`, and writes the rates.
    `sizes` are the two numbers of items (of 2, 4, 8) that get a solver of their own in registers;
    `at_once` says whether exactly the smaller number is solved and served in a single loop.
    """
    small_size, large_size = sizes
    small = lane_solver(cost, small_size)
    serve_small = lane_server(cost, small_size)
    large = lane_solver(cost, large_size)
    network = rows_solver(cost)
    finish = lane_finisher(cost)

    @helper
    def solve(q, start, count, given, found, scratch, rows, tau, rate):
        items = q.shape[0]
        if at_once and items == small_size:
            serve_small(q, start, count, given, found, tau, rate)
            return
        if items <= small_size:
            small(q, start, count, given, found)
        elif items <= large_size:
            large(q, start, count, given, found)
        else:
            network(q, start, count, given, found, rows[:items], rows[items:])
        finish(q, start, count, given, found, scratch, tau, rate)

    return solve


def multiplier_solver(cost):
    """Return the solver by bisection on the multiplier, for any number of items."""
    bisect = bisection_solver(cost)

    @helper
    def solve(q, start, count, given, found, scratch, rows, tau, rate):
        bisect(q, start, count, given, found, scratch)
        serve(q, start, count, found[LEVEL], found[PART], tau, rate)

    return solve


def many_solver(cost):
    """Return the solver by selection, one lane at a time, for any number of items."""
    select = selection_solver(cost)
    finish = lane_finisher(cost)
    effort = cost[0]

    @helper
    def solve(q, start, count, given, found, scratch, rows, tau, rate):
        items, lanes = q.shape
        column = q.reshape(items * lanes)
        if lanes > 1:
            column = rows[1]
            for k in range(items):
                column[k] = q[k, start]
        before, level, group = select(
            column, items, given[LIMIT, 0], given[INVERSE, 0], given[FLOOR, 0], rows[0]
        )
        found[TOTAL, 0] = before
        found[EFFORT, 0] = effort(before, given[INVERSE, 0])
        found[LEVEL, 0] = level
        found[PART, 0] = group
        finish(q, start, count, given, found, scratch, tau, rate)

    return solve
