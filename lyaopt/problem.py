"""What every slot problem is checked for, and the error that says where it fails."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lyaopt._kernels.costs import LARGEST_EXPONENT

Floats = NDArray[np.float64]

# The largest p h / (b_w N_0) whose rate the kernels can take back: e^709 - 1, about 8.2e307
LARGEST_SIGNAL = math.expm1(LARGEST_EXPONENT)

METHODS = ("exact", "bisection")


class ProblemError(ValueError):
    """A problem that cannot be solved as given.

    Attributes
    ----------
    path : str
        Where in the problem, as a JSON path such as ``$.devices[2].channel_gain``.
    reason : str
        What is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an error is rebuilt from its one message, which fails here, and breaks a process pool.
        return type(self), (self.path, self.reason)


def noise_w_per_hz(noise_psd_dbm_per_hz: float) -> float:
    """Return N_0 in W/Hz from its power spectral density in dBm/Hz."""
    name = "$.noise_psd_dbm_per_hz"
    if not _is_real(noise_psd_dbm_per_hz):
        raise ProblemError(name, f"expected a finite number, got {noise_psd_dbm_per_hz!r:.60}")
    try:
        noise = 10.0 ** ((float(noise_psd_dbm_per_hz) - 30.0) / 10.0)
    except OverflowError:
        noise = math.inf
    if not 0.0 < noise < math.inf:
        raise ProblemError(name, f"expected a power density within range, got {noise_psd_dbm_per_hz!s:.60}")
    return noise


def shape_of(values: ArrayLike, name: str, axes: str) -> tuple[int, ...]:
    """Return the shape of an array with one dimension a letter of `axes`, such as "MN"."""
    try:
        shape = np.shape(values)
    except ValueError:  # rows of different lengths
        shape = ()
    if len(shape) != len(axes):
        raise ProblemError(f"$.{name}", f"expected an array of shape ({', '.join(axes)})")
    return shape


def check_total_rate(queue: Floats, name: str, tau: float) -> None:
    """Refuse backlogs whose sum, served within one slot, is not a finite rate."""
    with np.errstate(over="ignore"):
        total = float(queue.sum())
    if not math.isfinite(total / tau):
        raise ProblemError(f"$.{name}", "the sum of the backlogs over the slot length is not finite")


def check_signal(gain: Floats, power: Floats, bandwidth: Floats, noise: float) -> None:
    """Refuse devices (the first axis) whose signal-to-noise ratio at full power exceeds `LARGEST_SIGNAL`."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        largest = gain if gain.ndim == 1 else gain.max(axis=1, initial=0.0)
        within = power * (largest / (bandwidth * noise)) <= LARGEST_SIGNAL
    if not within.all():
        device = int(np.argmin(within))
        reason = f"the signal-to-noise ratio at full power is beyond {LARGEST_SIGNAL:.2g}"
        raise ProblemError(f"$.devices[{device}].channel_gain", reason)


def as_floats(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Floats:
    """Return the values as a contiguous float64 array of this shape, or say which field is not.

    Read-only arrays are copied: kernels are compiled for arrays that can be written.
    """
    if "numpy.ma" in sys.modules and isinstance(values, np.ma.MaskedArray):
        raise ProblemError(f"$.{name}", "expected an array without a mask")
    try:
        given = np.asarray(values)
        # complex numbers, texts, dates and truth values would be converted in silence
        if given.dtype.kind not in "iufO":
            raise TypeError(given.dtype)
        array = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(f"$.{name}", f"expected numbers, got {values!r:.60}") from error
    if array.shape != shape:
        raise ProblemError(f"$.{name}", f"expected shape {shape}, got {array.shape}")
    return array if array.flags.writeable else array.copy()


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def check_scalar(value: Any, name: str, *, positive: bool = False) -> None:
    """Refuse what is not a finite number >= 0 (or > 0)."""
    bound = "> 0" if positive else ">= 0"
    if not _is_real(value) or not _is_finite(value) or value < 0 or (positive and value == 0):
        raise ProblemError(f"$.{name}", f"expected a finite number {bound}, got {value!r:.60}")


def check_array(array: Floats, path: Any, *, positive: bool = False) -> None:
    """Refuse an array with an entry that is not a finite number >= 0 (or > 0).

    `path` maps the index of the first such entry to its path.
    """
    if array.size == 0:
        return
    low = array.min()  # NaN if any entry is
    if low >= 0.0 and array.max() < math.inf and not (positive and low == 0.0):
        return
    good = np.isfinite(array) & ((array > 0.0) if positive else (array >= 0.0))
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    bound = "> 0" if positive else ">= 0"
    raise ProblemError(path(index), f"expected a finite number {bound}, got {array[index]}")


def check_method(method: str) -> None:
    """Refuse an unknown solver."""
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
