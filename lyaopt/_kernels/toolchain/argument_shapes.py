"""Which dimensions of a kernel's arguments must agree: the kernels themselves index without a look.

Types alone do not keep a kernel within its arrays, or its loops from running for ever. A shape is one word:
a letter is a size, the same wherever it occurs among the arguments of a call; a digit is that size itself.
``*`` is one number for each of some equal groups of lanes, so its size divides L; ``?`` in front of a shape
allows an array without entries instead. The number of devices M divides that of lanes L too; the number of
slots B times M is L. What arrays of whole numbers point at, tables and measured radios, is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Shape = Any
"""A word, nothing for a scalar, or a sequence of them for a tuple."""
Key = tuple[tuple[int, ...], ...]
"""Shapes of all arrays among the arguments of a call, in order."""
_MOST_KNOWN = 1000

_DEVICE = ("NL", "L", "L")  # LocalAllocation and TransmitAllocation
_EDGE = ("NL", "L")  # EdgeAllocation
_LOCAL_PROBLEM = ("NL", "M", "", "", "")
_TRANSMIT_PROBLEM = ("NL", "L", "M", "M", "", "", "")
_EDGE_PROBLEM = ("NL", "", "")
_GENERAL_LOCAL = ("NL", "NL", "*", "*", "*", "*", "M", "CK", "CK")
_GENERAL_TRANSMIT = ("NL", "NL", "L", "*", "*", "*", "*", "", "M", "?L", "?L")
_GENERAL_EDGE = ("NL", "NL", "*", "*")
_WORST = "2B"
_SPECTRUM = ("NL", "L", "L", "L", "B")
_UPSTREAM = ("?NL", "?L", "*")  # derivatives by what was solved, and by the value
_SLOT = ("3NM", "4M", "6", "3NM", "8M", "6")


def _solvers(name: str, problem: Shape, allocation: Shape) -> dict[str, Shape]:
    """Shapes of the solvers of a problem, and of its certificate, which also takes a report."""
    solvers = {f"{name}_{kind}": (problem, allocation) for kind in ("exact", "many", "bisection")}
    return solvers | {f"{name}_certificate": (problem, allocation, "3L")}


SHAPES: dict[str, Shape] = {
    **_solvers("local", _LOCAL_PROBLEM, _DEVICE),
    **_solvers("transmit", _TRANSMIT_PROBLEM, _DEVICE),
    **_solvers("edge", _EDGE_PROBLEM, _EDGE),
    **_solvers("general_local", _GENERAL_LOCAL, _DEVICE),
    **_solvers("general_transmit", _GENERAL_TRANSMIT, _DEVICE),
    **_solvers("general_edge", _GENERAL_EDGE, _EDGE),
    "local_gaps": (_LOCAL_PROBLEM, _DEVICE, _WORST),
    "transmit_gaps": (_TRANSMIT_PROBLEM, _DEVICE, _WORST),
    "edge_gaps": (_EDGE_PROBLEM, _EDGE, _WORST),
    "local_gradient": (_GENERAL_LOCAL, _DEVICE, _UPSTREAM, ("NL", "NL", *("?L",) * 4)),
    "transmit_gradient": (_GENERAL_TRANSMIT, _DEVICE, _UPSTREAM, ("NL", "NL", *("?L",) * 8)),
    "edge_gradient": (_GENERAL_EDGE, _EDGE, _UPSTREAM, ("NL", "NL", "?L", "?L")),
    "spectrum_exact": (_GENERAL_TRANSMIT, _SPECTRUM),
    "spectrum_certificate": (_GENERAL_TRANSMIT, _SPECTRUM, "3L"),
    "spectrum_gradient": (_GENERAL_TRANSMIT, _SPECTRUM, "NL", "L", "L"),
    "local_prices": (_LOCAL_PROBLEM, _DEVICE, "L"),
    "general_local_energies": (_GENERAL_LOCAL, _DEVICE, "2L"),
    "slot_weighted": ("3NM", *_SLOT),
}
"""Of each kernel that solves or certifies slots, by its name."""


def shape_check(name: str) -> Callable[[Sequence[Any], Key], None] | None:
    """Return a function that refuses arguments of a kernel whose shapes do not fit; None without shapes.

    It is called with the arguments and the shapes of all arrays among them, in order, and remembers shapes
    that fit: calls repeat them, and the look costs more than many a kernel.

    Parameters
    ----------
    name : str
        Name of the kernel. Types are checked elsewhere.

    Raises
    ------
    ValueError
        By the function, when shapes do not fit.
    """
    shapes, known = SHAPES.get(name), set[Key]()
    if shapes is None:
        return None

    def check(args: Sequence[Any], key: Key) -> None:
        if key in known:
            return
        sizes: dict[str, int] = {}
        _fit(shapes, args, sizes, name)
        _check_lanes(sizes, name)
        if len(known) < _MOST_KNOWN:
            known.add(key)

    return check


def fitting(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wrap a kernel that checks types itself so that the shapes of its arguments are checked first.

    Parameters
    ----------
    function : callable
        The kernel.
    name : str
        Its name.
    """
    check = shape_check(name)
    if check is None:
        return function

    def call(*args: Any) -> Any:
        check(args, tuple(_shapes_of(args)))
        return function(*args)

    return call


def _shapes_of(args: Sequence[Any]) -> Iterator[tuple[int, ...]]:
    for value in args:
        if isinstance(value, tuple):
            yield from _shapes_of(value)
        elif type(value) is np.ndarray:
            yield value.shape


def _check_lanes(sizes: dict[str, int], name: str) -> None:
    devices = sizes.get("M", 1)
    lanes, slots = sizes.get("L", devices), sizes.get("B")
    if not lanes or not devices or lanes % devices:
        expected = f"at least one lane, and a multiple of {devices} devices"
        raise ValueError(f"{name}: expected {expected}, got {lanes} lanes")
    if slots is not None and slots * devices != lanes:
        raise ValueError(f"{name}: expected {devices} devices in each of {slots} slots, got {lanes} lanes")


def _fit(shapes: Sequence[Shape], args: Sequence[Any], sizes: dict[str, int], name: str) -> None:
    """Compare the shapes of arguments with each other, and note the sizes by letter."""
    for shape, value in zip(shapes, args, strict=False):  # the function itself counts its arguments
        if type(shape) is tuple:
            if isinstance(value, tuple):
                _fit(shape, value, sizes, name)
        elif shape and type(value) is np.ndarray and not (shape[0] == "?" and not value.size):
            for letter, size in zip(shape.lstrip("?"), value.shape, strict=False):
                if letter == "*":
                    fits = size > 0 and sizes["L"] % size == 0
                elif letter.isdigit():
                    fits = size == int(letter)
                else:
                    fits = sizes.setdefault(letter, size) == size
                if not fits:
                    expected = ", ".join(f"{one} = {sizes[one]}" if one in sizes else one for one in shape)
                    raise ValueError(f"{name}: expected an array of shape ({expected}), got {value.shape}")
