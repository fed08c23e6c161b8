"""Kernels called from Python refuse arrays whose shapes do not fit, before they read or write anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lyaopt.kernels
from lyaopt._kernels.slot import (
    edge_gradient,
    local_gradient,
    spectrum_certificate,
    spectrum_gradient,
    transmit_gradient,
)
from lyaopt._kernels.slot.energies import local_prices
from lyaopt._kernels.slot.one_slot import slot_exact
from lyaopt._kernels.slot.shared_spectrum import spectrum_exact
from lyaopt._kernels.slot.weighted_slot import slot_weighted
from lyaopt._kernels.toolchain.argument_shapes import SHAPES
from lyaopt._kernels.toolchain.jit import KERNELS

_SIZES = {"N": 2, "L": 6, "M": 3, "B": 2, "C": 1, "K": 2, "*": 3}


def _made(shape: Any, sizes: dict[str, int], integer: bool = False) -> Any:
    """Arguments of ones that fit a declaration."""
    if isinstance(shape, tuple):
        return tuple(_made(one, sizes, one == "M" and shape[-1] in ("CK", "?L")) for one in shape)
    if not shape:
        return 1.0
    dims = [int(c) if c.isdigit() else sizes[c] for c in shape.lstrip("?")]
    return np.zeros(dims, np.int64) if integer else np.ones(dims)


def _places(shape: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Paths of all arrays among the arguments."""
    if isinstance(shape, tuple):
        return [place for i, one in enumerate(shape) for place in _places(one, (*path, i))]
    return [path] if shape else []


def _replaced(args: Any, path: tuple[int, ...], make: Any) -> Any:
    if not path:
        return make(args)
    return tuple(_replaced(one, path[1:], make) if i == path[0] else one for i, one in enumerate(args))


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_one_array_too_long_or_too_short_is_refused(name: str) -> None:
    """Along each axis of each array: one entry more, one less, five times as many, none."""
    shape = SHAPES[name]
    args = _made(shape, _SIZES)
    tried = 0
    for place in _places(shape):
        word = shape
        for i in place:
            word = word[i]
        for axis, letter in enumerate(word.lstrip("?")):
            for change in (-1, 1, 20, None):

                def other(array: Any, axis: int = axis, change: int | None = change) -> Any:
                    dims = list(array.shape)
                    dims[axis] = 0 if change is None else dims[axis] + change
                    return np.ones(dims, array.dtype)

                changed = _replaced(args, place, other)
                size = _SIZES.get(letter, 0)
                alone = str(shape).replace("?", "").count(letter) == 1 and letter not in "B23468"
                allowed = (word[0] == "?" and change is None) or (letter == "*" and change == -1) or alone
                if letter == "*" and change == 20:
                    assert (_SIZES["L"] % (size + 20)) != 0
                if not allowed:
                    tried += 1
                    with pytest.raises(ValueError, match=f"{name}: expected"):
                        KERNELS[name](*changed)
    assert tried


def test_the_call_that_hung_is_refused() -> None:
    """Three capacities beside four lanes, which are of no whole number of slots."""
    problem = (np.ones((2, 4)), np.ones(3), 1.0, 1.0, 1.0)
    allocation = (np.ones((2, 4)), np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match="multiple of 3 devices, got 4 lanes"):
        lyaopt.kernels.local_exact(problem, allocation)


@pytest.mark.parametrize("name", ["local_exact", "transmit_many", "edge_bisection", "general_local_exact"])
def test_no_items_are_taken_and_no_lanes_refused(name: str) -> None:
    KERNELS[name](*_made(SHAPES[name], {**_SIZES, "N": 0}))
    for none in [{"L": 0}, {"L": 0, "M": 0}]:
        with pytest.raises(ValueError, match="at least one lane"):
            KERNELS[name](*_made(SHAPES[name], {**_SIZES, **none, "*": 1} if "M" in none else _SIZES | none))


def test_every_kernel_of_slots_that_is_offered_has_shapes() -> None:
    offered = {getattr(lyaopt.kernels, name) for name in lyaopt.kernels.__all__}
    names = {kernel.name for kernel in KERNELS.values() if kernel in offered}
    assert names - {"price_cuts", "price_weights"} <= SHAPES.keys()
    modules = (edge_gradient, local_gradient, transmit_gradient, spectrum_certificate, spectrum_gradient)
    own = {
        kernel.name for module in modules for kernel in vars(module).values() if kernel in KERNELS.values()
    }
    own |= {kernel.name for kernel in (slot_weighted, spectrum_exact, local_prices)}
    assert own <= SHAPES.keys() <= KERNELS.keys()


@pytest.mark.parametrize("sizes", [(2, 3), (3, 2), (0, 4), (4, 0), (-1, 4), (2, -4)])
def test_a_block_of_one_slot_has_the_size_of_its_numbers(sizes: tuple[int, int]) -> None:
    """The kernel itself looks: 6 numbers of each item, 12 of each device, and 12 of the slot."""
    block = np.full(6 * 8 + 12 * 4 + 12, -7.25)
    assert slot_exact(block, *sizes, 0) == slot_exact(block, *sizes, 1) == -1
    assert (block == -7.25).all()
    assert slot_exact(block, 2, 4, 1) == 1  # the right size, but numbers below 0
    assert (block == -7.25).all()
    with pytest.raises(TypeError, match="contiguous"):
        slot_exact(block[::2], 2, 4, 1)
    with pytest.raises(TypeError):
        slot_exact(block, 2, 4)
