"""The slot problems by their formulas: sort by weight, prefix sums, and one item after the other.

Sums are exact: what is served of an item is a fraction, and its whole limit where all of it is served. The
limits are the backlogs; so are the weights where none are given.
"""

import math
from fractions import Fraction


def fill(limits, total, weights=None):
    """Amount served of every item: Q_i clip((S - A_i) / B_i, 0, 1)."""
    limits, weights, total = [Fraction(q) for q in limits], weights or limits, Fraction(total)
    above = {w: sum(q for q, v in zip(limits, weights, strict=True) if v > w) for w in set(weights)}
    equal = {w: sum(q for q, v in zip(limits, weights, strict=True) if v == w) for w in set(weights)}
    share = {w: min(max((total - above[w]) / equal[w], 0), 1) if equal[w] else 0 for w in equal}
    return [q * share[w] for q, w in zip(limits, weights, strict=True)]


def best_total(limits, limit, worth, weights=None):
    """S* = min(limit, max_i min(C_i, s_i)) with s_i = worth(w_i)."""
    weights, best, reached = weights or limits, Fraction(0), Fraction(0)
    for q, w in sorted(zip(limits, weights, strict=True), key=lambda item: -item[1]):
        reached += Fraction(q)
        # Equal items share one C; only the last of them has this value.
        best = max(best, min(reached, worth(w)))
    return min(limit, best)


def local(queue, capacity, tau, weight, delta, weights=None):
    """CPU speeds of Problem 3."""
    k = 3 * weight * delta
    worth = lambda w: tau * math.sqrt(w / k) if k > 0 else math.inf  # noqa: E731
    return [y / tau for y in fill(queue, best_total(queue, capacity * tau, worth, weights), weights)]


def tabulated(queue, capacity, tau, weight, points, weights=None):
    """CPU speeds of Problem 3 with operating points (Hz, W): w buys the last point of the largest profit."""
    choices = [(Fraction(0), Fraction(0)), *((Fraction(hz), Fraction(power)) for hz, power in points)]

    def worth(w):
        profits = [Fraction(w) * hz - Fraction(weight) * power for hz, power in choices]
        return max(hz for (hz, _), p in zip(choices, profits, strict=True) if p == max(profits)) * Fraction(
            tau
        )

    limit = min(Fraction(capacity), choices[-1][0]) * Fraction(tau)
    return [y / tau for y in fill(queue, best_total(queue, limit, worth, weights), weights)]


def transmit(queue, gain, bandwidth, max_power, tau, weight, noise, weights=None):
    """Rates and power of Problem 4."""
    if gain == 0 or max_power == 0:
        return [0.0] * len(queue), 0.0
    eta, b = gain / (bandwidth * noise), bandwidth / math.log(2) * tau
    floor = weight * tau / (b * eta)

    def worth(w):
        if floor == 0:
            return math.inf
        return b * math.log1p((w - floor) / floor) if w > floor else 0.0

    limit = b * math.log1p(max_power * eta)
    total = best_total(queue, limit, worth, weights)
    power = max_power if total == limit else min(max_power, math.expm1(total / b) / eta)
    return [y / tau for y in fill(queue, total, weights)], power


def measured(queue, rate, power, tau, weight, weights=None):
    """Rates and power of Problem 4 with a measured radio: a table of one point."""
    if rate == 0:
        return [0.0] * len(queue), 0.0
    rates = tabulated(queue, rate, tau, weight, [(rate, power)], weights)
    return rates, float(Fraction(power) * sum(map(Fraction, rates)) / Fraction(rate))


def edge(queue, capacity, tau, weights=None):
    """CPU speeds of Problem 5."""
    total = min(capacity * tau, sum(map(Fraction, queue)))
    return [y / tau for y in fill(queue, total, weights)]
