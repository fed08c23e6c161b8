"""The slot problems by their formulas: sort, prefix sums, and one item after the other.

Sums are exact: what is served of an item is a fraction, and its whole backlog where all of it is served.
"""

import math
from collections import Counter
from fractions import Fraction


def fill(queue, total):
    """Amount served of every item: Q_i clip((S - A_i) / B_i, 0, 1)."""
    items = [Fraction(q) for q in queue]
    served, above, total = {Fraction(0): Fraction(0)}, Fraction(0), Fraction(total)
    for q, count in sorted(Counter(q for q in items if q > 0).items(), reverse=True):
        equal = q * count
        served[q] = q * min(max((total - above) / equal, 0), 1)
        above += equal
    return [served[q] for q in items]


def best_total(queue, limit, worth):
    """S* = min(limit, max_i min(C_i, s_i)) with s_i = worth(Q_i)."""
    best = reached = Fraction(0)
    for q in sorted(queue, reverse=True):
        reached += Fraction(q)
        # Equal items share one C; only the last of them has this value.
        best = max(best, min(reached, worth(q) if q > 0 else 0))
    return min(limit, best)


def local(queue, capacity, tau, weight, delta):
    """CPU speeds of Problem 3."""
    k = 3 * weight * delta
    total = best_total(queue, capacity * tau, lambda q: tau * math.sqrt(q / k) if k > 0 else math.inf)
    return [y / tau for y in fill(queue, total)]


def transmit(queue, gain, bandwidth, max_power, tau, weight, noise):
    """Rates and power of Problem 4."""
    if gain == 0 or max_power == 0:
        return [0.0] * len(queue), 0.0
    eta, b = gain / (bandwidth * noise), bandwidth / math.log(2) * tau
    floor = weight * tau / (b * eta)

    def worth(q):
        if q <= floor:
            return 0.0
        return b * math.log1p((q - floor) / floor) if floor > 0 else math.inf

    limit = b * math.log1p(max_power * eta)
    total = best_total(queue, limit, worth)
    power = max_power if total == limit else min(max_power, math.expm1(total / b) / eta)
    return [y / tau for y in fill(queue, total)], power


def edge(queue, capacity, tau):
    """CPU speeds of Problem 5."""
    return [y / tau for y in fill(queue, min(capacity * tau, sum(map(Fraction, queue))))]
