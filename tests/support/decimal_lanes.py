"""The general slot problems of one lane in decimal arithmetic, with weights apart from limits.

Closed forms with 60 digits, item by item. The numbers of a lane are a dictionary: "weights" and "limits" are
lists, all others single numbers. Differences of these answers are the oracle of gradients.
"""

from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from lyaopt.verify.decimal_numbers import INFINITE, ZERO, expm1, log1p

DIGITS = 60
ROUNDING = Decimal("1e-50")  # of a share that is served


@dataclass(frozen=True)
class Lane:
    """One lane: its kind, its numbers, and the (hz, slope) of its CPU's hull, if it has a table."""

    kind: str
    numbers: dict
    hull: tuple = field(default=())


@dataclass(frozen=True)
class Answer:
    """What is served of every item, its sum and the power of the lane, V and nu."""

    rates: list
    total: Decimal
    power: Decimal
    value: Decimal
    multiplier: Decimal
    bound: bool


def precise():
    """A context of 60 digits."""
    return localcontext(Context(prec=DIGITS, Emax=10**9, Emin=-(10**9)))


def exact(numbers):
    """The numbers of a lane as decimals."""
    return {
        name: [Decimal(float(v)) for v in value] if isinstance(value, list) else Decimal(float(value))
        for name, value in numbers.items()
    }


def _hull_power(hull, total):
    power = last = ZERO
    for end, slope in hull:
        step = min(end, total) - last
        if step > 0:
            power, last = power + slope * step, last + step
    return power


def _local(lane, x):
    capacity = x["capacity"]
    if not lane.hull:
        k = x["energy_weight"] * x["delta"]
        return (
            capacity,
            lambda w: (w / (3 * k)).sqrt() if k else INFINITE,
            lambda s: (x["delta"] * s**3, 3 * k * s * s),
        )
    weight = x["energy_weight"]
    last = lane.hull[-1][0]

    def affordable(w):
        return max([end for end, slope in lane.hull if weight * slope < w], default=ZERO)

    def cost(s):
        left = [
            slope
            for (_, slope), (start, _) in zip(lane.hull, ((ZERO, 0), *lane.hull), strict=False)
            if start < s
        ]
        return _hull_power(lane.hull, s), weight * max(left, default=ZERO)

    return min(capacity, last), affordable, cost


def _transmit(lane, x):
    weight = x["energy_weight"]
    if "radio_rate" in x:
        price = x["radio_power"] / x["radio_rate"] if x["radio_rate"] else ZERO
        return (
            x["radio_rate"],
            lambda w: INFINITE if w > weight * price else ZERO,
            lambda s: (price * s, weight * price),
        )
    if not x["max_power"] or not x["gain"]:
        return ZERO, lambda w: ZERO, lambda s: (ZERO, ZERO)
    b, eta = x["bandwidth"] / Decimal(2).ln(), x["gain"] / (x["bandwidth"] * x["noise"])
    floor = weight / (b * eta)

    def affordable(w):
        if not floor:
            return INFINITE
        return b * log1p((w - floor) / floor) if w > floor else ZERO

    def cost(s):
        power = expm1(s / b) / eta
        return power, floor * (1 + power * eta)

    return b * log1p(x["max_power"] * eta), affordable, cost


def _edge(lane, x):
    return x["capacity"], lambda w: INFINITE, lambda s: (ZERO, ZERO)


_KINDS = {"local": _local, "transmit": _transmit, "edge": _edge}


def solve(lane, x):
    """The answer of a lane at the numbers `x` (decimals), within `precise`."""
    capacity, affordable, cost = _KINDS[lane.kind](lane, x)
    weights, most = x["weights"], [q / x["tau"] for q in x["limits"]]
    order = sorted(range(len(weights)), key=lambda i: -weights[i])
    reached = best = ZERO
    for i in order:
        reached += most[i]
        best = max(best, min(reached, affordable(weights[i])))
    total = min(capacity, best)
    rates, left = [ZERO] * len(weights), total
    for weight in sorted(set(weights), reverse=True):
        group = [i for i in order if weights[i] == weight]
        work = sum(most[i] for i in group)
        part = left / work if work else ZERO
        part = Decimal(1) if part > 1 - ROUNDING else part if part > ROUNDING else ZERO
        for i in group:
            rates[i] = most[i] * part
        left = left - work if part == 1 else (ZERO if work else left)
    power, marginal = cost(total)
    open_ = [w for w, f, u in zip(weights, rates, most, strict=True) if f < u]
    multiplier = max([marginal if total else ZERO, *open_])
    energy_weight = x.get("energy_weight", ZERO)
    value = x["tau"] * (energy_weight * power - sum(w * f for w, f in zip(weights, rates, strict=True)))
    return Answer(rates, total, power, value, multiplier, total == capacity)
