"""Whose memory arrays are: results overlap nothing, and what is read-only stays so in copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotBatch, solve_slots
from lyaopt.model.system import Device, Service, System
from lyaopt.simulation.traces import Trace
from lyaopt.slot.shared_spectrum import SharedSpectrum
from lyaopt.verify.draws import mixed
from tests.slot.one_device import slot

_RESULTS = ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "cpu_hz", "power_w", "local_multiplier")
_RESULTS = (*_RESULTS, "transmit_multiplier", "edge_multiplier")
_INPUTS = ("channel_gain", "local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
_COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]


def _batch() -> SlotBatch:
    return mixed(5, np.random.default_rng(0), 3, 4)


def _view(memory: Any, shape: tuple[int, ...]) -> Any:
    """An array of this shape in the memory of another, as far as it goes."""
    flat = memory.ravel(order="K")
    size = int(np.prod(shape))
    return flat[: min(size, flat.size)] if flat.size < size else flat[-size:].reshape(shape, order="F")


@pytest.mark.parametrize("name", _RESULTS)
def test_results_in_the_memory_of_other_results_are_refused(name: str) -> None:
    batch = _batch()
    out = solve_slots(batch)
    for other in _RESULTS:
        one, two = getattr(out, name), getattr(out, other)
        if name != other and one.size <= two.size:
            changed = replace(out, **{name: _view(two, one.shape)})
            with pytest.raises(
                ProblemError, match=r"\$\.out\.\w+: expected memory of its own, got that of out"
            ):
                solve_slots(batch, out=changed)


@pytest.mark.parametrize("name", _RESULTS)
def test_results_in_the_memory_of_the_batch_are_refused(name: str) -> None:
    batch = _batch()
    out = solve_slots(batch)
    for other in _INPUTS:
        memory = getattr(out, name)
        values = getattr(batch, other)
        if values.size <= memory.size:
            view = _view(memory, values.shape)
            view[:] = values
            overlapping = replace(batch, **{other: view})
            assert np.shares_memory(getattr(overlapping, other), memory)
            with pytest.raises(ProblemError, match=rf"\$\.out\.{name}: .* got that of {other}"):
                solve_slots(overlapping, out=out)


def test_one_place_of_memory_in_common_is_enough() -> None:
    """The last number of one array and the first of another."""
    batch = _batch()
    out = solve_slots(batch)
    memory = np.zeros(2 * out.rate_bps.size - 1)
    ends = memory[: out.rate_bps.size], memory[-out.rate_bps.size :]
    first, second = (end.reshape(batch.shape, order="F") for end in ends)
    changed = replace(out, rate_bps=first, edge_cpu_hz=second)
    with pytest.raises(ProblemError, match="memory of its own"):
        solve_slots(batch, out=changed)


def test_a_spectrum_in_the_memory_of_powers_is_refused() -> None:
    batch = replace(_batch(), spectrum="shared")
    out = solve_slots(batch)
    assert out.spectrum is not None
    pooled = SharedSpectrum(out.power_w, out.spectrum.multiplier)
    with pytest.raises(ProblemError, match=r"\$\.out\.(spectrum\.bandwidth_hz|power_w): expected memory"):
        solve_slots(batch, out=replace(out, spectrum=pooled))


def test_neighbours_in_one_piece_of_memory_are_taken_again_and_again() -> None:
    """Results that only touch; and inputs may share memory with each other."""
    batch = _batch()
    batch = replace(batch, edge_queue_cycles=batch.local_queue_cycles)
    expected = solve_slots(batch)
    size = expected.rate_bps.size
    memory = np.zeros(2 * size)
    halves = [half.reshape(batch.shape, order="F") for half in (memory[:size], memory[size:])]
    out = replace(solve_slots(_batch()), rate_bps=halves[0], edge_cpu_hz=halves[1])
    for _ in range(3):
        memory[:] = np.nan
        found = solve_slots(batch, out=out)
        for name in _RESULTS:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def _arrays(value: Any) -> list[Any]:
    parts = value if isinstance(value, tuple) else (value,)
    return [part for part in parts if isinstance(part, np.ndarray)]


def _system() -> System:
    system = System(devices=(Device(distance_m=100.0, services=(Service("alexnet"),)),))
    _ = system.distance_m, system.local_cycles, system.device_of_service, system.services[0].profile.mac_share
    return system


@pytest.mark.parametrize("make", [lambda one: one, *_COPIES])
@pytest.mark.parametrize(
    "instance",
    [
        slot(),
        slot(local_weight=[[1.0, 2.0]], radio=[(2.0, 1.0)], cpu_points=[[(50.0, 1.0), (100.0, 3.0)]]),
        _system(),
        _system().services[0].profile,
        Trace(np.zeros((2, 1), int), np.ones((2, 1)), np.zeros((1, 1), int)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_no_array_can_be_changed_nor_in_copies(instance: Any, make: Callable[[Any], Any]) -> None:
    made = make(instance)
    public = [v for name, v in vars(made).items() if not name.startswith("_packed")]
    arrays = [array for value in public for array in _arrays(value)]
    assert arrays
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


@pytest.mark.parametrize("make", [lambda one: one, *_COPIES])
def test_measured_radios_of_a_batch_cannot_be_changed(make: Callable[[Any], Any]) -> None:
    batch = make(replace(_batch(), radio=[(1e6, 0.1), None, (2e6, 0.2)]))
    for entry in batch.radio:
        if entry is not None:
            with pytest.raises(ValueError, match="read-only"):
                entry[:] = 0.0


@pytest.mark.parametrize("make", [lambda one: one, *_COPIES])
def test_what_is_refilled_counts_whole(make: Callable[[Any], Any]) -> None:
    """Every array of a batch that can be written to, one after the other, in a batch solved before."""
    start = _batch()
    fields = {name: np.full((5, 1), getattr(start, name)) for name in ("energy_coefficient",)}
    fields |= {name: np.full(5, getattr(start, name)) for name in ("slot_duration_s", "edge_capacity_hz")}
    fields |= {name: np.full((5, 3), getattr(start, name)) for name in ("energy_weight_local", "max_power_w")}
    batch = make(replace(start, **fields))
    solve_slots(batch)
    for name in (*_INPUTS, *fields):
        getattr(batch, name)[:] *= 0.75
        expected, found = solve_slots(replace(batch)), solve_slots(batch)
        for result in (*_RESULTS, "local_energy_j"):
            np.testing.assert_array_equal(getattr(found, result), getattr(expected, result), err_msg=name)
