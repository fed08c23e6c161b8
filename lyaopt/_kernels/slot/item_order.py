"""The items of one lane in the order of their weights, by a heap: within the workspace, however many."""

from lyaopt._kernels.toolchain.jit import helper, inline


@inline
def _sift(order, root, stop):
    """Restore the heap of the least weight below `root`."""
    while 2 * root + 1 < stop:
        child = 2 * root + 1
        if child + 1 < stop and order[0, child + 1] < order[0, child]:
            child += 1
        if order[0, root] <= order[0, child]:
            return
        for row in range(2):
            order[row, root], order[row, child] = order[row, child], order[row, root]
        root = child


@helper
def sort_items(weights, lane, order):
    """Write the weights of a lane by falling weight into order[0], and their items into order[1]."""
    count = weights.shape[0]
    for k in range(count):
        order[0, k] = weights[k, lane]
        order[1, k] = k
    for root in range(count // 2 - 1, -1, -1):
        _sift(order, root, count)
    for stop in range(count - 1, 0, -1):
        for row in range(2):
            order[row, 0], order[row, stop] = order[row, stop], order[row, 0]
        _sift(order, 0, stop)
