"""Bits of one element of tensors that hold no features: whole numbers, indices, and truth values.

Features are quantised before they are sent, to the bits of the profile. Whole numbers cannot be: an index of
a table of V rows needs the bits of V - 1, others those of their type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

_TRUTH_VALUES = 2
_LARGEST_QUANTISED = 8


class Width(NamedTuple):
    """The `bits` of one element, and `why`: where they come from."""

    bits: int
    why: str


def element_widths(
    types: Mapping[str, int],
    indices: Iterable[tuple[str, int]],
    copies: Iterable[tuple[str, str]],
) -> dict[str, Width]:
    """Find the bits of an element of each tensor that has its own.

    Parameters
    ----------
    types : mapping of str to int
        Bits of the type of each tensor of whole numbers; 1 for truth values. Whole numbers of 2 to 8 bits
        hold quantised features.
    indices : iterable of (str, int)
        Tensors that index a table, with its number of rows.
    copies : iterable of (str, str)
        Tensor and another that holds its values, in the order of execution.

    Returns
    -------
    dict of str to Width
        Without tensors of features.
    """
    counts = {tensor: _TRUTH_VALUES for tensor, bits in types.items() if bits == 1}
    for tensor, rows in indices:
        counts[tensor] = min(rows, counts.get(tensor, rows))
    pairs = list(copies)
    for source, result in reversed(pairs):
        # What indexes a table is bounded wherever it comes from; a truth value may come from any number.
        if result in counts and types.get(result) != 1:
            counts[source] = min(counts[result], counts.get(source, counts[result]))
    for source, result in pairs:
        if source in counts:
            counts[result] = min(counts[source], counts.get(result, counts[source]))
    widths = {
        tensor: Width(bits, f"whole numbers of {bits} bits")
        for tensor, bits in types.items()
        if bits > _LARGEST_QUANTISED
    }
    for tensor, count in counts.items():
        bits = max(1, (count - 1).bit_length())
        if tensor not in types or bits <= types[tensor]:
            why = "truth values" if count == _TRUTH_VALUES else f"indices of {count} rows"
            widths[tensor] = Width(bits, why)
    return widths
