"""The cheapest step of a task: how much of its work to do in a slot.

What a task with work b' left will pay from the next slot on is W(b'), linear between the nodes of a grid, and
`after` where nothing is left; node 0 stands for b' -> 0+. A step from b to b' costs C(b - b') + W(b').
"""

import math

from lyaopt._kernels.bounds.step_costs import marginal_cost, step_cost, work_at
from lyaopt._kernels.toolchain.jit import helper

DONE = -1
"""Place of a step that leaves nothing."""


@helper
def cheapest_step(terms, grid, x, nodes, means, steepest):
    """Return the cheapest step in state x between `nodes`, from the first to at most the second.

    The answer is its cost, its work, and where it leads. `means`, W, and `steepest` (X, I) are of fill_means.
    It leads to the cell above the node that is returned, or is DONE. Between nodes C(b - b') + W(b') is
    convex in b', and least where the slopes agree, or at an end. Cells further down are left out once C rises
    faster than W falls in any of them: there each step costs more than one to the cell's upper end.
    """
    work, (node, top) = grid.work, nodes
    most, start = terms[2], work[node]
    best, best_work, place = math.inf, 0.0, top
    if start <= most:
        best, best_work, place = grid.after[x] + step_cost(terms, start), start, DONE
    for c in range(top, -1, -1):
        done = start - work[c]
        if done <= most:
            cost = step_cost(terms, done) + means[x, c]
            if cost < best:
                best, best_work, place = cost, done, c
        if c == 0 or done >= most:
            break
        marginal = marginal_cost(terms, done)
        if marginal >= steepest[x, c]:
            break
        rise = (means[x, c] - means[x, c - 1]) / (work[c] - work[c - 1])
        if rise > marginal:
            further = min(work_at(terms, rise), start - work[c - 1], most)
            if further > done:
                cost = step_cost(terms, further) + means[x, c] - rise * (further - done)
                if cost < best:
                    best, best_work, place = cost, further, c - 1
    return best, best_work, place
