"""Shared spectrum in decimal arithmetic: an optimum enclosed between two bounds that need no theory.

The upper bound is the objective of a feasible point, the lower one a value of the Lagrangian dual; both are
computed with 60 digits from the exact values of the inputs. How the point and the multipliers are found is
not part of the proof: a bisection on the price mu of the spectrum, at which each device meets the falling
weights of its items with its rising marginal cost. The two ends of the last interval are mixed so that the
bands fill the pool; the problem is jointly convex, so the mixture is feasible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, getcontext, localcontext

from lyaopt.arrays import Floats
from lyaopt.verify.decimal_numbers import (
    LN2,
    ONE,
    SERIES_BELOW,
    ZERO,
    context,
    exact,
    exacts,
    expm1,
    log1p,
)
from lyaopt.verify.spectrum_slot import SpectrumSlot
from lyaopt.verify.verdicts import Excess, Gains, Verdict, verdict_of

SMALL, HALF = Decimal("0.1"), Decimal("0.5")
NEVER = Decimal(10_000)  # an efficiency y that no radio has: signals of e^10000
_ENOUGH = Decimal("1e-44")
# A search goes most of its way with few digits, which cost a quarter of the time; what it finds is refined.
_ROUGH_DIGITS, _ROUGHLY = 20, Decimal("1e-12")
_CLOSE = Decimal("1e-26")  # of two prices
# A step of Newton's that is as small leaves the square of it.
_ROUGH_STEP, _LAST_STEP = Decimal("1e-7"), Decimal("1e-23")


@dataclass(frozen=True)
class SpectrumOptimum:
    """The optimal value of a slot.

    Attributes
    ----------
    objective, bound : Decimal
        Value of a feasible point, and a lower bound on the value of all.
    gross_gain : Decimal
        tau sum w r of the point.
    price : Decimal
        mu, in units of the objective a Hz and second.
    """

    objective: Decimal
    bound: Decimal
    gross_gain: Decimal
    price: Decimal


@dataclass(frozen=True)
class _Device:
    """A device: items as (weight, rate) by falling weight, pmax h / N_0, U N_0 / h, h / N_0 and U."""

    items: tuple[tuple[Decimal, Decimal], ...]
    full: Decimal
    joule: Decimal
    per_hz: Decimal
    energy_weight: Decimal


@dataclass(frozen=True)
class _Point:
    """What a device does at a price: total rate, band, signal p h / N_0, and the multiplier nu."""

    total: Decimal
    band: Decimal
    signal: Decimal
    nu: Decimal


def spectrum_optimum(slot: SpectrumSlot) -> SpectrumOptimum:
    """Enclose the optimum of a slot.

    Parameters
    ----------
    slot : SpectrumSlot
        The slot.
    """
    with localcontext(context()):
        devices, pool = _devices(slot), Decimal(slot.pool_hz)
        low, high = _bracket(devices, pool)
        left, right = ([_respond(device, mu) for device in devices] for mu in (low, high))
        wide, narrow = _bands(left), _bands(right)
        part = (pool - narrow) / (wide - narrow) if wide > max(narrow, pool) else ONE
        points = [_mixed(a, b, part) for a, b in zip(left, right, strict=True)]
        tau = Decimal(slot.slot_duration_s)
        gain = tau * sum((_gain(d, p.total) for d, p in zip(devices, points, strict=True)), ZERO)
        spent = sum((d.joule * p.signal for d, p in zip(devices, points, strict=True)), ZERO)
        bound = max(_dual(devices, ends, mu, pool) for ends, mu in ((left, low), (right, high)))
        return SpectrumOptimum(tau * spent - gain, tau * bound, gain, high)


def judge_spectrum(
    slot: SpectrumSlot,
    rate: Floats,
    power: Floats,
    bandwidth: Floats,
    optimum: SpectrumOptimum | None = None,
) -> Verdict:
    """Evaluate an allocation of a slot.

    Parameters
    ----------
    slot : SpectrumSlot
        The slot.
    rate : (M, N) array
        Rates in bit/s.
    power, bandwidth : (M,) arrays
        Powers in W and bands in Hz.
    optimum : SpectrumOptimum, optional
        That of the slot, where it is known already.
    """
    optimum = optimum or spectrum_optimum(slot)
    with localcontext(context()):
        pool = exact(slot.pool_hz)
        parts = [
            _judged_device(slot, m, exacts(rate[m]), exact(power[m]), exact(bandwidth[m]))
            for m in range(len(slot.gain))
        ]
        used = sum(exacts(bandwidth), ZERO)
        excesses = [excess for part in parts for excess in part.excesses]
        excesses.append(Excess(used - pool, pool, pool))
        gain = sum((part.gain for part in parts), ZERO)
        spent = sum((part.spent for part in parts), ZERO)
        largest = sum((part.largest_gain for part in parts), ZERO)
        of_pool = largest or sum((part.at_full_power for part in parts), ZERO)
        gap = abs(spent - gain - optimum.objective)
        return verdict_of(gap, Gains(gain, optimum.gross_gain, of_pool), excesses)


@dataclass(frozen=True)
class _Part:
    """What a device adds to a verdict: gain and energy of its allocation, and the most that both could be."""

    excesses: list[Excess]
    gain: Decimal
    spent: Decimal
    largest_gain: Decimal
    at_full_power: Decimal


def _judged_device(slot: SpectrumSlot, m: int, rates: list[Decimal], power: Decimal, band: Decimal) -> _Part:
    tau, most, cost = exact(slot.slot_duration_s), exact(slot.max_power[m]), exact(slot.energy_weight[m])
    per_watt = exact(slot.gain[m]) / exact(slot.noise_w_per_hz)
    weights, limits = exacts(slot.weights[m]), exacts(slot.limits[m])
    able = _carried(exact(slot.pool_hz), most * per_watt)
    carried = _carried(band, max(power, ZERO) * per_watt)
    excesses = [
        Excess(max(f * tau - limit, -f * tau), limit, able * tau)
        for f, limit in zip(rates, limits, strict=True)
    ]
    excesses.append(Excess(sum(rates, ZERO) - carried, carried, able))
    excesses.append(Excess(max(power - most, -power), most, most))
    gain = tau * sum((f * w for f, w in zip(rates, weights, strict=True)), ZERO)
    largest = min(able * tau, sum(limits, ZERO)) * max(weights, default=ZERO)
    return _Part(excesses, gain, tau * cost * power, largest, tau * cost * most)


def _carried(band: Decimal, signal: Decimal) -> Decimal:
    """Rate of a band in bit/s, for a signal p h / N_0 in Hz."""
    return band * log1p(signal / band) / LN2 if band > 0 else ZERO


def _devices(slot: SpectrumSlot) -> list[_Device]:
    tau, noise = Decimal(slot.slot_duration_s), Decimal(slot.noise_w_per_hz)
    devices = []
    for m in range(len(slot.gain)):
        pairs = zip(slot.weights[m], slot.limits[m], strict=True)
        items = [(Decimal(float(w)), Decimal(float(q)) / tau) for w, q in pairs]
        per_hz, weight = Decimal(float(slot.gain[m])) / noise, Decimal(float(slot.energy_weight[m]))
        full = per_hz * Decimal(float(slot.max_power[m]))
        joule = weight / per_hz if per_hz else ZERO
        devices.append(_Device(tuple(sorted(items, reverse=True)), full, joule, per_hz, weight))
    return devices


def _respond(device: _Device, mu: Decimal) -> _Point:
    """What is best for a device at a price: S = max_i min(C_i, s_i), s_i where the marginal cost is w_i."""
    largest = max((w for w, u in device.items if u), default=ZERO)
    if not device.full or not largest:
        return _Point(ZERO, ZERO, ZERO, largest)
    ln2 = +LN2  # as rounded here
    free = not device.joule
    best_y = ZERO if free else _efficient(mu / device.joule)
    cost_per_bit = ln2 * device.joule * best_y.exp()
    total = through = at_full = ZERO
    for w, u in device.items:
        through += u
        if w > cost_per_bit and mu * ln2 < w * NEVER:
            y = _surplus_inverse(mu * ln2 / w)
            reach = device.full * y / (ln2 * expm1(y))
            if min(through, reach) > total:
                total, at_full = min(through, reach), y if reach < through else ZERO
            if reach <= through:  # it falls along the items
                break
    if not total:
        return _Point(ZERO, ZERO, ZERO, largest)
    at_full = at_full or _ratio_inverse(device.full / (ln2 * total))
    y = at_full if free else min(at_full, best_y)
    marginal = mu * ln2 / _surplus(y) if y == at_full else cost_per_bit
    band = total * ln2 / y
    return _Point(total, band, band * expm1(y), max(marginal, _largest_open(device, total)))


def _largest_open(device: _Device, total: Decimal) -> Decimal:
    left = total
    for w, u in device.items:
        if left < u * (ONE - _ENOUGH):
            return w
        left -= u
    return ZERO


def _bracket(devices: list[_Device], pool: Decimal) -> tuple[Decimal, Decimal]:
    """Return two neighbouring prices with the demand for spectrum at least and at most the pool."""
    largest = max((w for device in devices for w, u in device.items if u), default=ZERO)
    high = largest * 1000 + Decimal("1e-400")

    def excess(mu: Decimal) -> Decimal:
        return _bands([_respond(device, mu) for device in devices]) - pool

    low = high * Decimal("1e-1000")
    if excess(low) <= 0:
        return low, low
    with localcontext() as few:
        few.prec = _ROUGH_DIGITS
        while high / low > 4:
            middle = (low * high).sqrt()
            low, high = (low, middle) if excess(middle) <= 0 else (middle, high)
        low, high = _narrowed(excess, low, high, high * _ROUGHLY)
    margin = _ROUGHLY
    while excess(low) <= 0 or excess(high) > 0:  # a few digits were too few
        low, high, margin = low * (ONE - margin), high * (ONE + margin), min(100 * margin, HALF)
    return _narrowed(excess, low, high, high * _CLOSE)


def _narrowed(
    excess: Callable[[Decimal], Decimal], low: Decimal, high: Decimal, width: Decimal
) -> tuple[Decimal, Decimal]:
    """Narrow an interval, in which a falling function is above 0 first and then not, to some width.

    By ITP (Oliveira and Takahashi, 2021): a chord, moved towards the middle and kept so near to it that there
    are hardly more steps than of a bisection; where the function is smooth there are a tenth of them.
    """
    above, below, first = excess(low), excess(high), high - low
    steps = int((first / width).ln() / LN2) + 2
    for step in range(steps):
        if high - low <= width:
            break
        middle = (low + high) / 2
        chord = (above * high - below * low) / (above - below) if above > below else middle
        shift = (high - low) ** 2 / (10 * first)
        ahead = middle - chord
        tried = chord + shift.copy_sign(ahead) if shift <= abs(ahead) else middle
        slack = width * 2 ** (steps - step) - (high - low) / 2
        if abs(tried - middle) > slack:
            tried = middle - slack.copy_sign(ahead)
        value = excess(tried)
        if value > 0:
            low, above = tried, value
        else:
            high, below = tried, value
    return low, high


def _mixed(a: _Point, b: _Point, part: Decimal) -> _Point:
    def mix(x: Decimal, y: Decimal) -> Decimal:
        return part * x + (ONE - part) * y

    return _Point(mix(a.total, b.total), mix(a.band, b.band), mix(a.signal, b.signal), b.nu)


def _bands(points: list[_Point]) -> Decimal:
    return sum((point.band for point in points), ZERO)


def _gain(device: _Device, total: Decimal) -> Decimal:
    """Gain of a total rate, filled by falling weight."""
    gain, left = ZERO, total
    for w, u in device.items:
        gain += w * min(u, left)
        left -= min(u, left)
    return gain


def _dual(devices: list[_Device], points: list[_Point], mu: Decimal, pool: Decimal) -> Decimal:
    """The Lagrangian's least value over 0 <= r <= u, 0 <= p <= pmax and 0 <= b <= B_w, or less."""
    value, ln2 = -mu * pool, +LN2
    for device, point in zip(devices, points, strict=True):
        value -= sum((max(w - point.nu, ZERO) * u for w, u in device.items), ZERO)
        if point.nu and device.full:
            y = _surplus_inverse(mu * ln2 / point.nu)
            value += pool * min(mu - point.nu / ln2 * _surplus(y), ZERO)
            value += device.full * min(device.joule - point.nu / ln2 * (-y).exp(), ZERO)
    return value


def _surplus(y: Decimal) -> Decimal:
    """g(y) = y - 1 + e^-y."""
    return _surplus_rise_rest(y)[0]


def _surplus_rise_rest(y: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """g(y), its slope 1 - e^-y, and e^-y, by their series where differences would cancel."""
    if y > SMALL:
        rest = (-y).exp()
        return y - ONE + rest, ONE - rest, rest
    term, total = -y, ZERO
    for i in range(2, 40):
        term = -term * y / i
        total += term
        if abs(term) <= _ENOUGH * total:
            break
    rise = y - total
    return total, rise, ONE - rise


def _surplus_inverse(x: Decimal) -> Decimal:
    """y with g(y) = x."""
    if x > NEVER:
        return x + ONE

    def step(y: Decimal) -> Decimal:
        surplus, rise, _ = _surplus_rise_rest(y)
        return (surplus - x) / rise

    return _newton(step, (2 * x).sqrt() + x)


def _efficient(x: Decimal) -> Decimal:
    """y with e^y g(y) = x."""
    start = min((2 * x).sqrt(), max(x, ONE).ln() + 2)

    def step(y: Decimal) -> Decimal:
        surplus, _, rest = _surplus_rise_rest(y)
        return (surplus - x * rest) / y

    return _newton(step, start)


def _ratio_inverse(ratio: Decimal) -> Decimal:
    """y with (e^y - 1) / y = ratio; next to 0 where the ratio is 1 up to rounding."""
    if ratio <= ONE:
        return _ENOUGH
    wanted = ratio.ln()

    def step(y: Decimal) -> Decimal:
        surplus, rise, _ = _surplus_rise_rest(y)
        value = y + (rise / y).ln() - wanted  # e^y - 1 = e^y rise
        return value * rise * y / surplus  # the slope is 1/rise - 1/y, and surplus = y - rise

    return _newton(step, 2 * wanted)


def _newton(step: Callable[[Decimal], Decimal], start: Decimal) -> Decimal:
    """Root of a convex increasing function from a start above it; `step` returns its value over its slope."""
    y = start
    if start > SERIES_BELOW:  # else the start is as good, and few digits are too few
        with localcontext() as few:
            few.prec = _ROUGH_DIGITS
            y = _settled(step, start, _ROUGH_STEP)
    return y if getcontext().prec == _ROUGH_DIGITS else _settled(step, y, _LAST_STEP)


def _settled(step: Callable[[Decimal], Decimal], start: Decimal, enough: Decimal) -> Decimal:
    """Where Newton's steps become smaller than `enough` of where they are."""
    y = start
    for _ in range(200):
        change = step(y)
        y -= change
        if abs(change) <= enough * y:
            break
    return y
