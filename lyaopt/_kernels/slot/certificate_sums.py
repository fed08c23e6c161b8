"""What the items of many lanes contribute to their duality gaps, lanes side by side: see certificate.py.

The same sums as `queue_terms` there, of lanes that follow one another: without a branch, and with one
division an item rather than two. How far an item lies outside its bounds is looked at only where one does.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.slot.certificate import outside, worse
from lyaopt._kernels.slot.sorting_networks import EIGHT, FOUR, TWO
from lyaopt._kernels.toolchain.jit import fused, inline, lane_loop

# Rows of what a kernel finds of every slot: the worst relative gap and violation of its problems
GAP, VIOLATION = range(2)
SUM_ROWS = 8  # one for each of `ItemSums`


class ItemSums(NamedTuple):
    """Sums over the items of one lane, named as in `Terms`; `fits` if all are within their bounds.

    `total` is short of what its sum `lost` in rounding, which up to eight items may well lose.
    """

    gap: Any
    gross: Any
    total: Any
    lost: Any
    serving_all: Any
    waiting: Any
    largest_open: Any
    fits: Any


NO_ITEMS = ItemSums(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, True)


@fused
def _with_item(sums, weight, f, tau, nu):
    """Return the sums with one more item of backlog `weight`, which is served at the rate f."""
    cap = weight / tau
    short = cap - f
    short = short if short > 0.0 else 0.0  # a NaN stays in `gross`
    over = weight - nu
    still_open = weight if f < cap else 0.0
    return ItemSums(
        sums.gap + (short if over > 0.0 else f) * abs(over),
        sums.gross + f * weight,
        sums.total + f,
        sums.lost,
        sums.serving_all + cap * weight,
        sums.waiting + weight,
        still_open if still_open > sums.largest_open else sums.largest_open,
        sums.fits & (f >= 0.0) & (f <= cap),
    )


@inline
def _with_two(sums, weights, rates, tau, nu):
    return _with_item(_with_item(sums, weights[0], rates[0], tau, nu), weights[1], rates[1], tau, nu)


@inline
def _with_four(sums, weights, rates, tau, nu):
    return _with_two(_with_two(sums, weights[:2], rates[:2], tau, nu), weights[2:], rates[2:], tau, nu)


@inline
def _with_eight(sums, weights, rates, tau, nu):
    return _with_four(_with_four(sums, weights[:4], rates[:4], tau, nu), weights[4:], rates[4:], tau, nu)


class Adding(NamedTuple):
    """How the items of a network's size are added; zeros beyond the last item add nothing.

    Attributes
    ----------
    network : Network
    add : function of (sums, weights, rates, tau, nu)
    """

    network: Any
    add: Any


BY_TWO = Adding(TWO, _with_two)
BY_FOUR = Adding(FOUR, _with_four)
BY_EIGHT = Adding(EIGHT, _with_eight)


class Served(NamedTuple):
    """Items and what they are served: `queue` and `rate` (N, L), `multiplier` (L,), and the slot length."""

    queue: Any
    rate: Any
    multiplier: Any
    tau: Any


class Rule(NamedTuple):
    """How the lanes of a problem are certified.

    Attributes
    ----------
    small, large : Adding
        For lanes of few items, and of some.
    finish : function of (given, lane, sums, nu)
        Returns relative gap, violation, and whether the gap is known: a lane may be too far from an optimum.
    finish_any : function of (given, lane, sums, nu)
        The same for any lane, which takes longer.
    """

    small: Any
    large: Any
    finish: Any
    finish_any: Any


@inline
def _sums_with(adding, sums, served, k, lane, nu):
    load = adding.network.load
    return adding.add(sums, load(served.queue, k, lane), load(served.rate, k, lane), served.tau, nu)


@inline
def _note(worst, slot, gap, violation):
    worst[GAP, slot] = worse(worst[GAP, slot], gap)
    worst[VIOLATION, slot] = worse(worst[VIOLATION, slot], violation)


@lane_loop
def _certify_in_registers(adding, finish, given, served, lanes, slot, worst):
    """Certify lanes of up to `adding.network.size` items; return of how many more is to be said."""
    amiss = 0
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        nu = served.multiplier[lane]
        sums = _sums_with(adding, NO_ITEMS, served, 0, lane, nu)
        gap, violation, known = finish(given, lane, sums, nu)
        _note(worst, lane_at(slot, t), gap if known else 0.0, violation)
        amiss += 0 if sums.fits & known else 1
    return amiss


@inline
def _row_sums(rows, t, total):
    gap, gross, lost = rows[0, t], rows[1, t], rows[3, t]
    return ItemSums(gap, gross, total, lost, rows[4, t], rows[5, t], rows[6, t], rows[7, t] > 0.0)


@lane_loop
def _begin_rows(rows, count):
    for row in range(SUM_ROWS):
        for t in range(count):
            rows[row, t] = 1.0 if row == SUM_ROWS - 1 else 0.0


@lane_loop
def _add_to_rows(adding, served, k, lanes, rows):
    """Add items from k on to the sums in the rows; their total by itself, so that no small one is lost."""
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        sums = _sums_with(adding, _row_sums(rows, t, 0.0), served, k, lane, served.multiplier[lane])
        total, error = two_sum(rows[2, t], sums.total)
        rows[0, t], rows[1, t], rows[2, t], rows[3, t] = sums.gap, sums.gross, total, sums.lost + error
        rows[4, t], rows[5, t], rows[6, t] = sums.serving_all, sums.waiting, sums.largest_open
        rows[7, t] = 1.0 if sums.fits else 0.0


@lane_loop
def _finish_rows(finish, given, served, lanes, slot, rows, worst):
    """Certify lanes from the sums in the rows; return of how many more is to be said."""
    amiss = 0
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        sums = _row_sums(rows, t, rows[2, t])
        gap, violation, known = finish(given, lane, sums, served.multiplier[lane])
        _note(worst, lane_at(slot, t), gap if known else 0.0, violation)
        amiss += 0 if sums.fits & known else 1
    return amiss


@inline
def _certify_in_rows(finish, given, served, lanes, slot, rows, worst):
    _begin_rows(rows, lanes.count)
    for k in range(0, served.queue.shape[0], FOUR.size):
        _add_to_rows(BY_FOUR, served, k, lanes, rows)
    return _finish_rows(finish, given, served, lanes, slot, rows, worst)


@inline
def _note_violations(served, lanes, slot, worst):
    for k in range(served.queue.shape[0]):
        for t in range(lanes.count):
            lane, place = lane_at(lanes.start, t), lane_at(slot, t)
            violation = outside(served.rate[k, lane], served.queue[k, lane] / served.tau)
            worst[VIOLATION, place] = worse(worst[VIOLATION, place], violation)


@inline
def _certify_by(rule, finish, given, served, lanes, slot, rows, worst):
    items = served.queue.shape[0]
    if items <= rule.small.network.size:
        return _certify_in_registers(rule.small, finish, given, served, lanes, slot, worst)
    if items <= rule.large.network.size:
        return _certify_in_registers(rule.large, finish, given, served, lanes, slot, worst)
    return _certify_in_rows(finish, given, served, lanes, slot, rows, worst)


@inline
def certify_lanes(rule, given, served, lanes, slot, rows, worst):
    """Note in `worst` (2, B) how far lanes, of the slots from `slot` on, are from an optimum.

    `rows` (SUM_ROWS, W) is workspace for lanes of more items.
    """
    if _certify_by(rule, rule.finish, given, served, lanes, slot, rows, worst) > 0:
        _certify_by(rule, rule.finish_any, given, served, lanes, slot, rows, worst)
        _note_violations(served, lanes, slot, worst)
