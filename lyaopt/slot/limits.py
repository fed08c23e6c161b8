"""Checks of slot problems that keep magnitudes within double precision."""

from __future__ import annotations

import math

import numpy as np

from lyaopt._kernels.slot.marginal_costs import LARGEST_EXPONENT
from lyaopt.arrays import Floats, check_choice, is_real, shown
from lyaopt.errors import ProblemError

# The largest p h / (b_w N_0) whose rate the kernels can invert: e^709 - 1, about 8.2e307
LARGEST_SIGNAL = math.expm1(LARGEST_EXPONENT)
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


def check_total_rate(queue: Floats, name: str, tau: float) -> None:
    """Refuse backlogs whose sum, served within one slot, is not a finite rate.

    Parameters
    ----------
    queue : array of any shape
        Backlogs, in cycles or bits.
    name : str
        Name of the field, for the error.
    tau : float
        Slot length in seconds.

    Raises
    ------
    ProblemError
        If the sum over `tau` is infinite.
    """
    with np.errstate(over="ignore"):
        total = float(queue.sum())
    if not math.isfinite(total / tau):
        raise ProblemError(f"$.{name}", "the sum of the backlogs over the slot length is not finite")


def check_signal(gain: Floats, power: Floats, bandwidth: Floats, noise: float) -> None:
    """Refuse devices whose signal-to-noise ratio at full power exceeds `LARGEST_SIGNAL`.

    Parameters
    ----------
    gain : (M,) or (B, M) array
        h of every device, in one slot or many.
    power, bandwidth : (M,) arrays, or (B, M)
        p^max in W and b_w in Hz.
    noise : float
        N_0 in W/Hz.

    Raises
    ------
    ProblemError
        Naming the first such device.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        largest = np.atleast_2d(gain)
        if power.ndim == bandwidth.ndim == 1:
            largest = largest.max(axis=0, initial=0.0, keepdims=True)
        within = power * (largest / (bandwidth * noise)) <= LARGEST_SIGNAL
    if not within.all():
        device = int(np.argmin(within.all(axis=0)))
        reason = f"the signal-to-noise ratio at full power is beyond {LARGEST_SIGNAL:.2g}"
        raise ProblemError(f"$.devices[{device}].channel_gain", reason)


def check_method(method: str) -> None:
    """Raise `ProblemError` for a `method` that is not one of `METHODS`."""
    check_choice(method, METHODS, "method")
