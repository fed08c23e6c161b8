"""Kernels called from Python refuse arguments that do not fit, before they read or write anything."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest

import lyaopt._kernels
import lyaopt.kernels
from lyaopt._kernels.learning.observe import DEVICE_FEATURES, SERVICE_FEATURES
from lyaopt._kernels.simulation import exact_allocation, task_queues
from lyaopt._kernels.simulation.stream_options import OPTIONS
from lyaopt._kernels.toolchain import argument_shapes, argument_values
from lyaopt._kernels.toolchain.argument_shapes import shape_check
from lyaopt._kernels.toolchain.core_choice import CHOICE, built_kernel
from lyaopt._kernels.toolchain.jit import KERNELS
from lyaopt._kernels.toolchain.kernel_shapes import SHAPES
from lyaopt.slot.slot_block import next_slot_kernel

for module in pkgutil.walk_packages(lyaopt._kernels.__path__, "lyaopt._kernels."):
    if ".toolchain." not in module.name:
        importlib.import_module(module.name)  # kernels are known once they are imported

# N rows of M devices, and of each letter a size that fits the others
_SIZES = {
    "N": 2, "L": 10, "M": 5, "B": 2, "C": 1, "K": 2, "*": 5, "O": OPTIONS, "S": 7,
    "w": 2, "b": 2, "R": 3, "k": 4, "s": 0, "e": 5, "g": 2, "P": 2, "T": 5, "r": 5, "t": 6, "l": 9,
    "d": exact_allocation.BY_SHARES, "u": 1, "m": 1, "q": 9, "c": 3, "x": 3, "y": 3, "i": 2, "j": 2,
    "n": 4, "X": 3, "I": 4, "J": 2, "Z": 4, "h": 6, "D": 4, "U": 1, "V": 12,
    "v": 6, "z": 11, "p": 8, "F": SERVICE_FEATURES * 7 + DEVICE_FEATURES * 5,
}  # fmt: skip
_OF_EDGES = {"E": 4, "A": 1, "H": 2, "x": 4, "y": 4, "f": 2, "a": 0}  # M is A (1 + E), and L is H (1 + E)
_OF_LAYERS = ("nv", "nS", "np", "n")
# Of lists that may have more or fewer lines, where nothing else among the arguments has as many
_FREE = {"N", "P", "T", "t", "l", "r", "m", "j", "q", "k", "h", "R", "f", "n"}


def _made(shape: Any, sizes: dict[str, int]) -> Any:
    """Arguments that fit a declaration, with whole numbers where values are such; zeros and ones."""
    if isinstance(shape, tuple):
        return tuple(_made(one, sizes) for one in shape)
    if not shape:
        return 1.0
    if shape.startswith("#"):
        return sizes[shape[1:]]
    axes, _, values = shape.lstrip("?!&%").partition(":")
    dims = [int(c) if c.isdigit() else sizes[c] for c in axes]
    if values == "pool":
        return np.array([-1, sizes["t"], 0, sizes["l"]])
    if values in ("", "arrivals"):
        return np.ones(dims)
    return np.zeros(dims, np.int64)


def _places(shape: Any, path: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], str]]:
    """Paths and words of all arrays and numbers among the arguments."""
    if isinstance(shape, tuple):
        return [place for i, one in enumerate(shape) for place in _places(one, (*path, i))]
    return [(path, shape)] if shape else []


def _arrays(shape: Any) -> list[tuple[tuple[int, ...], str, str]]:
    """Paths, axes and values of all arrays."""
    found = [(path, *word.partition(":")[::2]) for path, word in _places(shape) if word[0] != "#"]
    return [(path, axes, values) for path, axes, values in found]


def _replaced(args: Any, path: tuple[int, ...], make: Any) -> Any:
    if not path:
        return make(args)
    return tuple(_replaced(one, path[1:], make) if i == path[0] else one for i, one in enumerate(args))


def _sizes_of(name: str) -> dict[str, int]:
    return _SIZES | (_OF_EDGES if name == "advance_over_edges" else {})


def _arguments(name: str, changed: dict[str, int] | None = None) -> Any:
    """Arguments that fit a kernel, of the types that the built core takes where there is one."""
    args = _made(SHAPES[name], _sizes_of(name) | (changed or {}))
    return args if CHOICE.extension is None else _typed(args, CHOICE.about["kernels"][name])


def _typed(args: Any, described: Any) -> Any:
    pairs = zip(args, described, strict=True)
    return tuple(
        _typed(one, kind)
        if isinstance(kind, list)
        else one.astype(kind.partition(":")[0])
        if isinstance(one, np.ndarray)
        else int(one)
        if kind.startswith(("i", "u"))
        else one
        for one, kind in pairs
    )


def _at(args: Any, path: tuple[int, ...]) -> Any:
    for i in path:
        args = args[i]
    return args


def _resized(array: Any, axis: int, change: int | None) -> Any:
    dims = list(array.shape)
    dims[axis] = 0 if change is None else dims[axis] + change
    return np.zeros(dims, array.dtype)


def _counted(shape: Any) -> dict[str, int]:
    letters = "".join(axes.lstrip("?!&%") for _, axes, _ in _arrays(shape))
    return {letter: letters.count(letter) for letter in letters}


def _look(name: str, args: Any) -> None:
    """What a call of the kernel begins with."""
    shape_check(name)(args, tuple(argument_shapes._shapes_of(args)))


def _is_refused(name: str, args: Any) -> None:
    """Looked at apart from the kernel, which what passes could crash."""
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        _look(name, args)


def test_every_kernel_is_declared() -> None:
    assert SHAPES.keys() == KERNELS.keys()


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_arguments_that_fit_are_taken(name: str) -> None:
    _look(name, _arguments(name))


ALL_BUT_BLOCKS = sorted(SHAPES.keys() - {"slot_exact"})
"""`slot_exact` looks at its one array itself: see the test of a block."""


@pytest.mark.parametrize("name", ALL_BUT_BLOCKS)
def test_every_kernel_looks_at_its_arguments(name: str) -> None:
    """Called with one array made one shorter, which also fits none of the others."""
    args = _arguments(name)
    for place, axes, _ in _arrays(SHAPES[name]):
        if axes in (
            "NL",
            "NM",
            "bNL",
            "b28L",
            "R2M",
            "RS",
            "DR",
            "XI",
            "2n",
            "TL",
            "3NM",
            "3NL",
            *_OF_LAYERS,
        ):
            shorter = _replaced(args, place, lambda array: _resized(array, array.ndim - 1, -1))
            _is_refused(name, shorter)
            with pytest.raises(ValueError, match=f"^{name}: expected"):
                KERNELS[name](*shorter)
            return
    raise AssertionError(f"no such array among the arguments of {name}")


@pytest.mark.skipif(CHOICE.extension is None, reason="types are described where a core was built")
@pytest.mark.parametrize("name", sorted(SHAPES))
def test_there_is_a_word_for_each_argument_and_a_letter_for_each_axis(name: str) -> None:
    def compare(shape: Any, described: Any) -> None:
        assert len(shape) == len(described)
        for word, kind in zip(shape, described, strict=True):
            if isinstance(kind, list):
                compare(word, kind)
            else:
                axes = "" if word.startswith("#") else word.partition(":")[0].lstrip("?!&%")
                assert len(axes) == int(kind.partition(":")[2] or 0), (word, kind)

    compare(SHAPES[name], CHOICE.about["kernels"][name])


@pytest.mark.parametrize("name", ALL_BUT_BLOCKS)
def test_one_array_too_long_or_too_short_is_refused(name: str) -> None:
    """Along each axis of each array: one entry more, one less, 21 more, none."""
    shape, args = SHAPES[name], _arguments(name)
    counted = _counted(shape)
    for place, axes, _ in _arrays(shape):
        array, refused = _at(args, place), 0
        for axis, letter in enumerate(axes.lstrip("?!&%")):
            for change in (-1, 1, 21, None):
                changed = _resized(array, axis, change)
                left_out = axes[0] == "?" and change is None
                divides = letter == "*" and changed.size and _sizes_of(name)["L"] % changed.size == 0
                if not (left_out or divides or (letter in _FREE and counted[letter] == 1)):
                    refused += 1
                    _is_refused(name, _replaced(args, place, lambda _, changed=changed: changed))
        assert refused or all(letter in _FREE and counted[letter] == 1 for letter in axes), axes


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_value_that_would_be_an_index_beyond_an_array_is_refused(name: str) -> None:
    """The last entry of each array by which kernels index, too large, too small or no number."""
    args = _arguments(name)
    for place, word in _places(SHAPES[name]):
        if ":" not in word:
            continue
        array, values = _at(args, place), word.partition(":")[2].lstrip("-")
        wrong = [np.nan, np.inf, -1.0] if array.dtype.kind == "f" else [-2, -(2**62)]
        if values in _LIMITS:
            wrong += [_LIMITS[values], 2**62]
        elif values in _sizes_of(name) and values in _counted(SHAPES[name]):
            wrong += [_sizes_of(name)[values], 2**62]
        for value in wrong:
            changed = array.copy()
            changed.reshape(-1)[-1] = value
            _is_refused(name, _replaced(args, place, lambda _, changed=changed: changed))


_LIMITS = {"!": 2, "tables": _SIZES["q"], "rows": _SIZES["h"] + 1, "pool": _SIZES["l"] + 1}
"""What values must be below, by their word, where it is no letter."""

NUMBERS = {
    "w": [0, -1, 1, 3, 6], "s": [-1], "e": [6, 2**40], "g": [0, -1], "x": [0],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("sizes", [{"r": 0}, {"T": 0}], ids=["trace", "record"])
def test_numbers_that_do_not_fit_the_arrays_are_refused(name: str, sizes: dict[str, int]) -> None:
    """The end of a span is that of the record; a trace goes around."""
    args = _arguments(name, sizes)
    _look(name, args)
    for place, word in _places(SHAPES[name]):
        looked_at = word[0] == "#" and not (word == "#e" and sizes == {"r": 0})
        for number in NUMBERS.get(word[1:], []) if looked_at else []:
            _is_refused(name, _replaced(args, place, lambda _, number=number: number))


def _without(name: str, marks: str, sizes: dict[str, int] | None = None) -> Any:
    """Arguments without entries in the arrays that are so marked."""
    args = _arguments(name, sizes)
    for place, axes, _ in _arrays(SHAPES[name]):
        if axes[0] in marks:
            args = _replaced(args, place, lambda array: np.zeros([0] * array.ndim, array.dtype))
    return args


@pytest.mark.parametrize("name", ["advance", "advance_by_weights", "advance_by_prices"])
def test_what_an_allocation_needs_must_be_there(name: str) -> None:
    """Shares for the method that divides by them, and weights for a rule to write: all or none."""
    args = _arguments(name)
    for place, axes, _ in _arrays(SHAPES[name]):
        if axes[0] in "&!":
            nothing = _replaced(args, place, lambda array: np.zeros([0] * array.ndim, array.dtype))
            _is_refused(name, nothing)
    _is_refused(name, _without(name, "&"))
    if name != "advance_by_prices":  # it writes weights itself
        _is_refused(name, _without(name, "%"))
    _look(name, _without(name, "!&%", {"d": exact_allocation.SORT, "u": 0}))


def test_levels_of_channels_need_memory() -> None:
    for name in ("advance_by_prices", "write_added_costs"):
        _is_refused(name, _arguments(name, {"m": 0}))
        _look(name, _arguments(name, {"m": 0, "x": 1, "y": 1}))


def test_small_arrays_are_remembered_by_what_they_hold() -> None:
    """A list of points that was taken with four of them is refused with three."""
    args = _arguments("inject_tasks")
    _look("inject_tasks", args)
    points = np.full_like(args[2], 3)
    check = shape_check("inject_tasks")
    taken = _replaced(args, (2,), lambda _: points)
    check(taken, tuple(argument_shapes._shapes_of(taken)))
    fewer = _replaced(taken, (3,), lambda amounts: np.ones((*amounts.shape[:3], 3)))
    with pytest.raises(ValueError, match="whole numbers below 3 from 0 on, got 3 to 3"):
        check(fewer, tuple(argument_shapes._shapes_of(fewer)))


def test_constants_are_those_of_the_kernels() -> None:
    assert argument_shapes._FIXED["O"] == OPTIONS
    assert argument_shapes._BY_SHARES == exact_allocation.BY_SHARES
    assert argument_shapes._SERVICE_FEATURES == SERVICE_FEATURES
    assert argument_shapes._DEVICE_FEATURES == (DEVICE_FEATURES, DEVICE_FEATURES + 1)
    pool = argument_values._FREE, argument_values._USED, argument_values._ALIVE, argument_values._LOGGED
    assert pool == (task_queues.FREE, task_queues.USED, task_queues.ALIVE, task_queues.LOGGED)


def test_the_call_that_hung_is_refused() -> None:
    """Three capacities beside four lanes, which are of no whole number of slots."""
    problem = (np.ones((2, 4)), np.ones(3), 1.0, 1.0, 1.0)
    allocation = (np.ones((2, 4)), np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match="multiple of 3 devices, got 4 lanes"):
        lyaopt.kernels.local_exact(problem, allocation)


@pytest.mark.parametrize("name", ["local_exact", "transmit_many", "edge_bisection", "general_local_exact"])
def test_no_items_are_taken_and_no_lanes_refused(name: str) -> None:
    KERNELS[name](*_arguments(name, {"N": 0}))
    for none in [{"L": 0}, {"L": 0, "M": 0}]:
        with pytest.raises(ValueError, match="at least one lane"):
            KERNELS[name](*_arguments(name, none | ({"*": 1} if "M" in none else {})))


@pytest.mark.parametrize("sizes", [(2, 3), (3, 2), (0, 4), (4, 0), (-1, 4), (2, -4)])
def test_a_block_of_one_slot_has_the_size_of_its_numbers(sizes: tuple[int, int]) -> None:
    """6 numbers of each item, 12 of each device, and 12 of the slot."""
    block = np.full(6 * 8 + 12 * 4 + 12, -7.25)
    kernel = KERNELS["slot_exact"]
    assert kernel(block, *sizes, 0) == kernel(block, *sizes, 1) == -1
    assert (block == -7.25).all()
    assert kernel(block, 2, 4, 1) == 1  # the right size, but numbers below 0
    assert (block == -7.25).all()


@pytest.mark.parametrize("wrong", range(7))
def test_blocks_and_arrays_of_the_next_slot_have_the_size_of_their_numbers(wrong: int) -> None:
    """Each array, and then the number of devices, one too large; the built kernel looks itself."""
    block = np.full(6 * 8 + 12 * 4 + 12, -7.25)
    shapes = [block.shape, block.shape, (4, 2), (4, 2), (4, 2), (4,)]
    if wrong < len(shapes):
        shapes[wrong] = (shapes[wrong][0] + 1, *shapes[wrong][1:])
    before, after, *state = [np.full(shape, -7.25) for shape in shapes]
    kernel, devices = next_slot_kernel(), 4 + (wrong == len(shapes))
    if built_kernel("slot_next"):
        assert kernel(before, after, *state, 2, devices) == -1
    else:
        with pytest.raises(ValueError, match=r"^slot_next: expected"):
            kernel(before, after, *state, 2, devices)
    assert (after == -7.25).all()


@pytest.mark.parametrize("part", [(1, 1), (-1, 2), (0, 0), (3, 2)])
def test_a_part_beyond_the_lanes_is_refused(part: tuple[int, int]) -> None:
    solver = KERNELS["edge_exact"]
    problem, allocation, _ = _arguments("edge_exact")
    with pytest.raises(ValueError, match="edge_exact: expected a part of"):
        solver(problem, allocation, part)
