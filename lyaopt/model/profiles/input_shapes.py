"""Shapes that a user gives for the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral

from lyaopt.errors import ProfileError

Shape = tuple[int, ...]

InputShapes = Sequence[int] | Sequence[Sequence[int]] | Mapping[str, Sequence[int]]
"""The shape of the first input, shapes of the inputs in their order, or shapes by name."""


def shapes_by_name(inputs: Sequence[str], given: InputShapes | None) -> dict[str, Shape]:
    """Assign shapes to the inputs of a network.

    Parameters
    ----------
    inputs : sequence of str
        Names of the inputs in their order.
    given : sequence of int, sequence of sequence of int, or mapping of str to sequence of int
        The shape of the first input, of several in order, or of some by name; None for none.

    Raises
    ------
    ProfileError
        If there is no such input, or a size is no positive whole number.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        named = dict(given)
    else:
        several = bool(given) and not isinstance(given[0], Integral)
        shapes: Sequence[object] = given if several else [given]
        if len(shapes) > len(inputs):
            raise ProfileError(f"got {len(shapes)} input shapes for {_told(inputs)}")
        named = dict(zip(inputs, shapes, strict=False))  # type: ignore[arg-type]
    unknown = [name for name in named if name not in inputs]
    if unknown:
        raise ProfileError(f"there is no input {unknown[0]}: the network has {_told(inputs)}")
    return {name: _checked(name, shape) for name, shape in named.items()}


def _told(inputs: Sequence[str]) -> str:
    names = ", ".join(inputs)
    return f"the input {names}" if len(inputs) == 1 else f"the inputs {names}" if inputs else "no input"


def _checked(name: str, shape: Sequence[int]) -> Shape:
    sizes = tuple(shape)
    if not all(isinstance(size, Integral) and not isinstance(size, bool) and size >= 1 for size in sizes):
        raise ProfileError(f"input shape of {name}: expected positive whole numbers, got {list(sizes)}")
    return tuple(map(int, sizes))
