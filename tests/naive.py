"""The slot problems by the book: sort, prefix sums and the formula of the specification, item by item."""

import math


def fill(queue: list[float], total: float) -> list[float]:
    """Work served of every item: Q_i clip((S - A_i) / B_i, 0, 1)."""
    served = []
    for q in queue:
        above = math.fsum(other for other in queue if other > q)
        equal = math.fsum(other for other in queue if other == q)
        served.append(q * min(max((total - above) / equal, 0.0), 1.0) if q > 0 else 0.0)
    return served


def best_total(queue: list[float], limit: float, worth) -> float:
    """S* = min(limit, max_i min(C_i, s_i)) with s_i = worth(Q_i)."""
    reached = [min(math.fsum(o for o in queue if o >= q), worth(q)) for q in queue if q > 0]
    return min(limit, max(reached, default=0.0))


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
    return [y / tau for y in fill(queue, min(capacity * tau, math.fsum(queue)))]
