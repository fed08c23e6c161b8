"""Checks of slot problems that keep magnitudes within double precision."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, check_array, check_choice, is_real, least_bits, shown
from lyaopt.errors import ProblemError

LARGEST_EXPONENT = 709.0
"""As in the kernels' marginal_costs.py, which imports for longer than a check takes; tests compare them."""
# The largest p h / (b_w N_0) whose rate the kernels can invert: e^709 - 1, about 8.2e307
LARGEST_SIGNAL = math.expm1(LARGEST_EXPONENT)
LEAST = sys.float_info.min
"""The least double of full precision, 2.2e-308: what kernels compute from inputs is 0 or at least that."""
_FEW = 100  # numbers for which lists are faster than arrays
METHODS = ("exact", "bisection")


def noise_w_per_hz(noise_psd_dbm_per_hz: float) -> float:
    """Return N_0 in W/Hz.

    Parameters
    ----------
    noise_psd_dbm_per_hz : float
        N_0 in dBm/Hz.

    Raises
    ------
    ProblemError
        If it is not a number, or zero or infinite in W/Hz.
    """
    name = "$.noise_psd_dbm_per_hz"
    if not is_real(noise_psd_dbm_per_hz):
        raise ProblemError(name, f"expected a finite number, got {shown(noise_psd_dbm_per_hz)}")
    try:
        noise = 10.0 ** ((float(noise_psd_dbm_per_hz) - 30.0) / 10.0)
    except OverflowError:
        noise = math.inf
    if not 0.0 < noise < math.inf:
        raise ProblemError(name, f"expected a power density within range, got {noise_psd_dbm_per_hz!s:.60}")
    return noise


Range = tuple[float, float]


def signals_fit(gain: Range, power: Range, bandwidth: Range, devices: int, noise: float, tau: Range) -> bool:
    """Return whether doubles certainly hold the signals, noise and bits of all slots, from bounds over all.

    False where a gain or power is 0, which may be right: `check_signal` decides.

    Parameters
    ----------
    gain, power, bandwidth, tau : (least, largest)
        h, p^max in W, b_w in Hz and the slot length in s, as floats.
    devices : int
        M.
    noise : float
        N_0 in W/Hz.
    """
    narrow, wide = bandwidth
    least, most = narrow * min(noise, tau[0]), wide * devices * max(noise, tau[1])
    if not (least >= LEAST and most < math.inf):
        return False
    faint = gain[0] / (wide * noise)
    return min(faint, power[0] * faint) >= LEAST and power[1] * (gain[1] / (narrow * noise)) <= LARGEST_SIGNAL


def range_of(values: Floats | float) -> Range:
    """Return the least and largest of numbers that are not negative; (0, inf) of none.

    Parameters
    ----------
    values : float or array
        Checked.
    """
    if isinstance(values, float):
        return values, values
    return (float(values.min()), float(values.max())) if values.size else (0.0, math.inf)


def rows_of(values: Floats) -> list[Range]:
    """Return the least and largest of each row of a table with entries; NaN for a row with one.

    Parameters
    ----------
    values : (4, M) array
        Of numbers.
    """
    if values.size <= _FEW:
        # lists lose a NaN, sums do not
        return [(min(row), max(row)) if sum(row) >= 0.0 else (math.nan, math.nan) for row in values.tolist()]
    return list(zip(values.min(axis=1).tolist(), values.max(axis=1).tolist(), strict=True))


def backlogs_fit(queue: Floats, tau: Range) -> bool:
    """Return whether backlogs are certainly numbers, and rates when served in one slot, within doubles.

    Parameters
    ----------
    queue : array of any shape
        Backlogs, in cycles or bits; contiguous.
    tau : (least, largest)
        Slot length in seconds, as floats.
    """
    if not queue.size or least_bits(queue) < 0:
        return not queue.size
    floor = LEAST * max(tau[1], 1.0)
    if queue.size <= _FEW:
        values = queue.ravel(order="K").tolist()
        return min(filter(None, values), default=math.inf) >= floor and sum(values) / tau[0] < math.inf
    good = np.count_nonzero(queue >= floor) + np.count_nonzero(queue == 0.0)
    return good == queue.size and float(queue.max()) * queue.size / tau[0] < math.inf


def check_backlogs(queue: Floats, name: str, tau: Floats | float, path: Any) -> Floats:
    """Return backlogs without -0.0; refuse those that are no numbers, or no rates within doubles.

    Parameters
    ----------
    queue : array of any shape
        Backlogs, in cycles or bits; contiguous.
    name : str
        Name of the field, for the error.
    tau : float or array
        Slot length in seconds, of all slots or of each.
    path : callable
        As of `lyaopt.arrays.check_array`.

    Raises
    ------
    ProblemError
        If one is negative or not finite, if the sum over the shortest slot is infinite, or if one that is not
        0 is below `LEAST`, by itself or over the longest slot.
    """
    shortest, longest = range_of(tau)
    if backlogs_fit(queue, (shortest, longest)):
        return queue
    queue = check_array(queue, path)
    with np.errstate(over="ignore"):
        total = float(queue.sum())
    if not math.isfinite(total / shortest):
        raise ProblemError(f"$.{name}", "the sum of the backlogs over the slot length is not finite")
    least = float(queue[queue > 0.0].min(initial=math.inf))
    if least < LEAST * max(longest, 1.0):
        reason = f"expected backlogs of 0, or of at least {LEAST:.2g}, also over the slot length"
        raise ProblemError(f"$.{name}", f"{reason}, got {least!r}")
    return queue


def check_signal(gain: Floats, power: Floats, bandwidth: Floats, noise: float, tau: Floats | float) -> None:
    """Refuse devices whose signals, noise or bits of a slot doubles cannot hold.

    Parameters
    ----------
    gain : (M,) or (B, M) array
        h of every device, in one slot or many.
    power, bandwidth : (M,) arrays, or (B, M)
        p^max in W and b_w in Hz.
    noise : float
        N_0 in W/Hz.
    tau : float or (B,) array
        Slot length in seconds.

    Raises
    ------
    ProblemError
        Naming the first such device.
    """
    if not gain.size:
        return
    lengths = range_of(tau)
    ranges = range_of(gain), range_of(power), range_of(bandwidth)
    if signals_fit(*ranges, bandwidth.shape[-1], noise, lengths):
        return
    if power.ndim == bandwidth.ndim == 1 and gain.ndim == 2:
        least = np.where(gain > 0.0, gain, math.inf).min(axis=0)  # of each device; infinite where all are 0
        gain = np.array([np.where(least < math.inf, least, 0.0), gain.max(axis=0)])
    gain, power, bandwidth = np.atleast_2d(gain, power, bandwidth)
    for name, reason, good in _signals(gain, power, bandwidth, noise, lengths):
        if not good.all():
            device = int(np.argmin(good.all(axis=0)))
            raise ProblemError(f"$.devices[{device}].{name}", reason)


def _signals(
    gain: Floats, power: Floats, bandwidth: Floats, noise: float, lengths: Range
) -> Iterator[tuple[str, str, Any]]:
    """Field, reason and whether it is good, by slot and device, of each quantity that the kernels compute."""
    with np.errstate(all="ignore"):
        floor = bandwidth * noise
        whole = bandwidth.sum(axis=-1, keepdims=True)  # which devices may share
        ends = [floor, whole * noise, *(bandwidth * t for t in lengths), *(whole * t for t in lengths)]
        good = np.ones(np.broadcast_shapes(*(end.shape for end in ends)), dtype=bool)
        for end in ends:
            good = good & (end >= LEAST) & (end < math.inf)
        eta = gain / floor
        signal = power * eta
        not_low = ((eta >= LEAST) | (gain == 0.0)) & ((signal >= LEAST) | (gain == 0.0) | (power == 0.0))
        not_high = signal <= LARGEST_SIGNAL
    span = f"from {LEAST:.2g} to {sys.float_info.max:.2g}"
    yield "bandwidth_hz", f"the bandwidth times the noise, or times the slot length, is not {span}", good
    yield "channel_gain", f"the signal-to-noise ratio at full power is beyond {LARGEST_SIGNAL:.2g}", not_high
    reason = f"a signal-to-noise ratio, at full power or at 1 W, is below {LEAST:.2g}, but not 0"
    yield "channel_gain", reason, not_low


def check_method(method: str) -> None:
    """Raise `ProblemError` for a `method` that is not one of `METHODS`."""
    check_choice(method, METHODS, "method")
