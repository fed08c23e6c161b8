"""Multiply-accumulates of a sum of products in Einstein's notation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from lyaopt.errors import ProfileError

_ELLIPSIS = "..."


def einsum_macs(equation: str, shapes: Sequence[tuple[int, ...]]) -> int:
    """Count the multiply-accumulates of an Einstein sum, contracted from left to right in pairs.

    Parameters
    ----------
    equation : str
        Such as ``"bij,bjk->bik"``.
    shapes : sequence of tuple of int
        Shapes of the operands.

    Returns
    -------
    int
        An index of one operand alone is summed before the product. A pair of which no index is summed is a
        product by element, which profiles do not count.

    Raises
    ------
    ProfileError
        If the shapes do not fit the equation.
    """
    left, arrow, result = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(shapes):
        raise ProfileError(f"the equation {equation} has {len(texts)} operands, got {len(shapes)}")
    sizes: dict[str, int] = {}
    operands = [_labels(text, shape, sizes) for text, shape in zip(texts, shapes, strict=True)]
    kept = _kept(result if arrow else None, left, operands)
    total, first = 0, operands[0]
    for i, second in enumerate(operands[1:], start=2):
        needed = kept.union(*operands[i:])
        summed = (first & second) - needed
        first, second = (mine & (needed | other) for mine, other in ((first, second), (second, first)))
        if summed:
            total += prod(sizes[label] for label in first | second)
        first = (first | second) & needed
    return total


def _labels(text: str, shape: tuple[int, ...], sizes: dict[str, int]) -> set[str]:
    """Labels of one operand; dimensions under an ellipsis are counted from the right: ``.1``, ``.2``."""
    before, dots, after = text.partition(_ELLIPSIS)
    hidden = len(shape) - len(before) - len(after)
    if hidden < 0 or (hidden and not dots):
        raise ProfileError(f"the term {text} of the equation does not fit the shape {list(shape)}")
    labels = [*before, *(f".{hidden - i}" for i in range(hidden)), *after]
    for label, size in zip(labels, shape, strict=True):
        if size != 1 and sizes.setdefault(label, size) == 1:
            sizes[label] = size
        sizes.setdefault(label, size)
        if size not in (1, sizes[label]):
            raise ProfileError(f"the index {label} of the equation is {sizes[label]} and {size}")
    return set(labels)


def _kept(result: str | None, left: str, operands: list[set[str]]) -> set[str]:
    """Labels of the result; by default those that occur once, and the ellipsis."""
    everything = set().union(*operands)
    hidden = {label for label in everything if label.startswith(".")}
    if result is None:
        return hidden | {label for label in everything - hidden if left.count(label) == 1}
    return set(result.replace(_ELLIPSIS, "")) | (hidden if _ELLIPSIS in result else set())
