"""How far outputs of a cut network are from those of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_EQUAL = 1e-5
_COARSE = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float8": 2.0**-2}
"""Steps of types of few bits; a runtime may round to them more or less often in a half than in the whole."""


@dataclass(frozen=True)
class Agreement:
    """Outputs of head then tail beside those of the whole network.

    Attributes
    ----------
    largest_difference : float
        Over all outputs, relative to the largest value of the output.
    quantised_difference : float
        The same where features cross with `bits` each.
    quantised_rms : float
        Root mean square of these differences, relative to that of the outputs.
    bits : int
        Of an element of the features.
    same_bits : bool
        Whether head then tail returned every bit of the whole network.
    tolerance : float
        Largest difference that is rounding: 1e-5, or four steps of types of fewer bits.
    """

    largest_difference: float
    quantised_difference: float
    quantised_rms: float
    bits: int
    same_bits: bool = False
    tolerance: float = _EQUAL

    @property
    def holds(self) -> bool:
        """Whether head then tail is the whole network, up to rounding."""
        return self.largest_difference <= self.tolerance


def compare(
    whole: Mapping[str, Any],
    cut: Mapping[str, Any],
    quantised: Mapping[str, Any],
    bits: int,
    types: Iterable[str] = (),
) -> Agreement:
    """Compare the outputs of a network, by name.

    Parameters
    ----------
    whole, cut, quantised : mapping of str to ndarray
        Of the whole network, of head then tail, and of both with features of `bits`.
    bits : int
        As of `Agreement`.
    types : iterable of str
        Of the tensors that cross and of the outputs, such as ``float32``.
    """
    largest = max((_largest(whole[name], cut[name]) for name in whole), default=0.0)
    by_bits = max((_largest(whole[name], quantised[name]) for name in whole), default=0.0)
    same_bits = all(_has_same_bits(whole[name], cut[name]) for name in whole)
    return Agreement(largest, by_bits, _rms(whole, quantised), bits, same_bits, _tolerance(types))


def _tolerance(types: Iterable[str]) -> float:
    steps = [step for kind in types for name, step in _COARSE.items() if kind.startswith(name)]
    return max([_EQUAL, *(4.0 * step for step in steps)])


def _has_same_bits(expected: Any, found: Any) -> bool:
    expected, found = np.asarray(expected), np.asarray(found)
    same_kind = expected.shape == found.shape and expected.dtype == found.dtype
    return same_kind and expected.tobytes() == found.tobytes()


def _as_floats(values: Any) -> Any:
    return np.asarray(values).astype(np.float64)


def _largest(expected: Any, found: Any) -> float:
    """Largest difference over the largest value; infinite where shapes differ, or one alone is NaN."""
    expected, found = _as_floats(expected), _as_floats(found)
    if expected.shape != found.shape or (np.isnan(expected) != np.isnan(found)).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        differences = np.where(expected == found, 0.0, np.abs(expected - found))
    scale = float(np.nanmax(np.abs(expected), initial=0.0))
    largest = float(np.nanmax(differences, initial=0.0))
    return largest / scale if scale > 0.0 else (0.0 if largest == 0.0 else float("inf"))


def _rms(whole: Mapping[str, Any], found: Mapping[str, Any]) -> float:
    squares = scale = 0.0
    for name, values in whole.items():
        expected, got = _as_floats(values), _as_floats(found[name])
        if expected.shape != got.shape:
            return float("inf")
        squares += float(np.nansum((expected - got) ** 2))
        scale += float(np.nansum(expected**2))
    return float(np.sqrt(squares / scale)) if scale > 0.0 else 0.0


def quantised(values: Any, bits: int) -> Any:
    """Round features to 2^bits evenly spaced values from the least to the largest; others stay.

    Parameters
    ----------
    values : ndarray
        A tensor that crosses a cut.
    bits : int
        Of an element.
    """
    array = np.asarray(values)
    # Formats that NumPy has from elsewhere, such as bfloat16, are of no kind of its own.
    is_float = array.dtype.kind == "f" or "float" in array.dtype.name
    if not is_float or not array.size or not np.isfinite(array).all():
        return array
    low, high = float(array.min()), float(array.max())
    if low == high:
        return array
    step = (high - low) / (2.0**bits - 1.0)
    return (low + np.rint((array.astype(np.float64) - low) / step) * step).astype(array.dtype)
