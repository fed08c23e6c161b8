"""Checks shapes of a kernel's arguments, and values by which it indexes: the kernel indexes without a look.

Types alone do not keep a kernel within its arrays, or its loops from running for ever. What must hold is said
in words, in kernel_shapes.py, and here by letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.toolchain.argument_values import Sizes, Values
from lyaopt._kernels.toolchain.kernel_shapes import SHAPES, Shape

Key = tuple[tuple[int, ...], ...]
"""Shapes of all arrays among the arguments of a call, in order."""
Path = tuple[int, ...]
_MOST_KNOWN = 1000
_FIXED = {"O": 13}  # OPTIONS of stream_options.py
_BY_SHARES = 3  # of exact_allocation.py
_OTHER_TYPES = (TypeError, IndexError, AttributeError, KeyError)
"""Of arguments of other types than expected, which the function itself refuses."""
_SERVICE_FEATURES, _DEVICE_FEATURES = 12, (2, 3)  # of observe.py


class _Rule(NamedTuple):
    """How sizes depend on each other: applied where all its letters are known, earlier ones first."""

    letters: str
    holds: Callable[[Sizes], bool]
    expected: str


_RULES = (
    _Rule("w", lambda n: n["w"] >= 1, "at least one replication in a block"),
    _Rule("L", lambda n: n["L"] >= 1, "at least one lane"),
    _Rule("M", lambda n: n["M"] >= 1, "at least one device"),
    _Rule("LM", lambda n: n["L"] % n["M"] == 0, "a multiple of {M} devices, got {L} lanes"),
    _Rule(
        "BLM", lambda n: n["B"] * n["M"] == n["L"], "{M} devices in each of {B} slots, got {L} lanes"
    ),
    _Rule("CK", lambda n: n["C"] == 0 or n["K"] >= 1, "segments in each table"),
    _Rule("LMw", lambda n: n["M"] * n["w"] == n["L"], "{w} lanes of each of {M} devices, got {L}"),
    _Rule(
        "Rbw",
        lambda n: (n["b"] - 1) * n["w"] < n["R"] <= n["b"] * n["w"],
        "{b} blocks of {w} replications, got {R}",
    ),
    _Rule(
        "FMS",
        lambda n: n["F"] in [_SERVICE_FEATURES * n["S"] + own * n["M"] for own in _DEVICE_FEATURES],
        "features of {S} services and {M} devices, got {F}",
    ),
    _Rule("s", lambda n: n["s"] >= 0, "a first slot >= 0, got {s}"),
    _Rule("g", lambda n: n["g"] >= 1, "at least one slot in a period, got {g}"),
    _Rule("ers", lambda n: n["r"] == 0 or n["e"] - n["s"] <= n["r"], "room for all slots, got {r}"),
    _Rule("P", lambda n: n["P"] >= 1, "points of at least one period"),
    _Rule("&d", lambda n: n["d"] != _BY_SHARES or n["&"] > 1, "shares, which the method asks for"),
    _Rule("%u", lambda n: n["u"] == 0 or n["%"] > 1, "weights for the rule to write"),
    _Rule("c", lambda n: n["c"] >= 1, "at least one node in a table of prices"),
    _Rule("j", lambda n: n["j"] >= 1, "a list of points to try"),
    _Rule("x", lambda n: n["x"] >= 1, "at least one state of a channel, got {x}"),
    _Rule("mx", lambda n: n["x"] == 1 or n["m"] >= 1 or "E" in n, "memory for the levels of channels"),
    # Where a policy chooses the points, the loop over slots reads none of these.
    _Rule("ixy", lambda n: n["x"] == n["y"] or ("P" in n and n["i"] == 0), "points in {x} states, got {y}"),
    _Rule("E", lambda n: n["E"] >= 1, "at least one edge server"),
    _Rule("Ex", lambda n: n["x"] == n["E"], "a table of prices for each of {E} links, got {x}"),
    _Rule("EHL", lambda n: n["H"] * (1 + n["E"]) == n["L"], "lanes of {H} devices and {E} links, got {L}"),
    _Rule("EAM", lambda n: n["A"] * (1 + n["E"]) == n["M"], "{A} devices and {E} links, got {M}"),
    _Rule("ags", lambda n: n["s"] // n["g"] >= n["a"], "a plan from the first period on, got {a}"),
    _Rule("f", lambda n: n["f"] >= 1, "servers of at least one period"),
    _Rule("XZ", lambda n: n["Z"] == n["X"] + 1, "a row of each of {X} states, got {Z} ends"),
    _Rule("UV", lambda n: 0 <= n["U"] < n["V"], "a part of {V}, got {U}"),  # others lie beyond the lanes
    _Rule("I", lambda n: n["I"] >= 1, "at least one node"),
    _Rule("D", lambda n: n["D"] >= 1, "at least one decision"),
)  # fmt: skip


class _Declared(NamedTuple):
    """What is declared of a kernel, taken apart."""

    shapes: Shape
    numbers: list[tuple[Path, str]]
    values: list[tuple[Path, Values]]

    @classmethod
    def of(cls, name: str) -> _Declared | None:
        shapes = SHAPES.get(name)
        if shapes is None:
            return None
        words = list(_words(shapes))
        numbers = [(path, word[1:]) for path, word in words if word.startswith("#")]
        values = [(path, Values(word.partition(":")[2])) for path, word in words if ":" in word]
        return cls(shapes, numbers, values)

    def with_numbers(self, args: Sequence[Any], known: Sizes, name: str) -> Sizes:
        """Sizes with the numbers among the arguments, which differ from call to call."""
        sizes = known.copy()
        for path, letter in self.numbers:
            number = int(_at(args, path))
            if sizes.setdefault(letter, number) != number:
                raise ValueError(f"{name}: expected {letter} = {sizes[letter]}, got {number}")
        if sizes.get("w", 0) >= 1 and "L" in sizes:
            sizes.setdefault("M", sizes["L"] // sizes["w"])
        return sizes


def shape_check(name: str) -> Callable[[Sequence[Any], Key], None] | None:
    """Return a function that refuses arguments of a kernel that do not fit; None where nothing is declared.

    It is called with the arguments and the shapes of all arrays among them, in order, and remembers shapes
    that fit: calls repeat them, and the look costs more than many a kernel.

    Parameters
    ----------
    name : str
        Name of the kernel. Types are checked elsewhere.

    Raises
    ------
    ValueError
        By the function, when shapes do not fit, or a value would be an index beyond an array.
    """
    declared, known = _Declared.of(name), dict[Key, tuple[Sizes, list[_Rule]]]()
    if declared is None:
        return None
    changing = {letter for _, letter in declared.numbers}
    changing |= {"M"} if "w" in changing else set()
    by_call = bool(declared.numbers or declared.values)

    def check(args: Sequence[Any], key: Key) -> None:
        found = known.get(key)
        if found is None:
            sizes: Sizes = {}
            _fit(declared.shapes, args, sizes, name)
            rules = [rule for rule in _RULES if changing.union(sizes).issuperset(rule.letters)]
            _apply([rule for rule in rules if not changing.intersection(rule.letters)], sizes, name)
            found = sizes, [rule for rule in rules if changing.intersection(rule.letters)]
            if len(known) < _MOST_KNOWN:
                known[key] = found
        if by_call:
            sizes = declared.with_numbers(args, found[0], name)
            _apply(found[1], sizes, name)
            for path, values in declared.values:
                values.check(_at(args, path), sizes, name)

    return check


def _words(shape: Shape, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Words of a declaration, and the places of what they are about."""
    if isinstance(shape, tuple):
        for i, one in enumerate(shape):
            yield from _words(one, (*path, i))
    else:
        yield path, shape


def _at(args: Any, path: Path) -> Any:
    for i in path:
        args = args[i]
    return args


def _apply(rules: Sequence[_Rule], sizes: Sizes, name: str) -> None:
    for rule in rules:
        if not rule.holds(sizes):
            raise ValueError(f"{name}: expected {rule.expected.format(**sizes)}")


def fitting(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wrap a kernel that checks types itself so that its arguments are checked first.

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
        with suppress(*_OTHER_TYPES):
            check(args, tuple(_shapes_of(args)))
        return function(*args)

    return call


def _shapes_of(args: Sequence[Any]) -> Iterator[tuple[int, ...]]:
    for value in args:
        if isinstance(value, tuple):
            yield from _shapes_of(value)
        elif type(value) is np.ndarray:
            yield value.shape


def _fit(shapes: Sequence[Shape], args: Sequence[Any], sizes: Sizes, name: str) -> None:
    """Compare the shapes of arguments with each other, and note the sizes by letter."""
    for shape, value in zip(shapes, args, strict=False):  # the function itself counts its arguments
        if type(shape) is tuple:
            if isinstance(value, tuple):
                _fit(shape, value, sizes, name)
        elif shape and type(value) is np.ndarray:
            _fit_array(shape.partition(":")[0], value, sizes, name)


def _fit_array(shape: str, value: Any, sizes: Sizes, name: str) -> None:
    mark = shape[0] if shape[0] in "?!&%" else ""
    shape = shape.lstrip("?!&%")
    if mark and mark != "?":
        given = 1 + bool(value.size)  # one more than the largest value that points at it
        if sizes.setdefault(mark, given) != given:
            raise ValueError(f"{name}: expected all or none of the arrays of shape ({', '.join(shape)})")
    if mark and not value.size:
        return
    for letter, size in zip(shape, value.shape, strict=False):
        if letter == "*":
            fits = size > 0 and sizes["L"] % size == 0
        else:
            wanted = int(letter) if letter.isdigit() else _FIXED.get(letter)
            fits = (sizes.setdefault(letter, size) if wanted is None else wanted) == size
        if not fits:
            expected = ", ".join(f"{one} = {sizes[one]}" if one in sizes else one for one in shape)
            raise ValueError(f"{name}: expected an array of shape ({expected}), got {value.shape}")
