"""Regimes with tables of CPUs, measured radios, and parameters that differ from slot to slot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.batch import SlotBatch
from lyaopt.verify.draws import drawn, log_uniform
from lyaopt.verify.regimes import Regime
from lyaopt.verify.weight_regimes import WEIGHTS

Generator = np.random.Generator
Table = tuple[tuple[float, float], ...]
MOST_POINTS = 12


def _sometimes_weighted(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Weights of the regime "weights" in most batches, with zeros in some, and none in others."""
    kind = rng.random()
    if kind < 0.3:
        return batch
    return WEIGHTS["weights" if kind < 0.85 else "weight-zero"](batch, rng)


def _usual(weights: Floats | None, queues: Floats) -> float:
    """Median of the weights that are positive, of the backlogs where there are none."""
    values = queues if weights is None else weights
    return float(np.median(values[values > 0])) if np.any(values > 0) else 1.0


def _table(rng: Generator, top: float) -> Table:
    """1 to `MOST_POINTS` points up to a frequency; powers grow like a power of it, with or without noise."""
    count = int(rng.integers(1, MOST_POINTS + 1))
    hz = np.unique(np.append(top * log_uniform(rng, -1.5, -0.01, (count - 1,)), top))
    noise = rng.choice([0.0, 0.1, 0.5])
    power = (hz / top) ** rng.uniform(1, 3) * 10 ** (noise * rng.standard_normal(hz.size))
    kind = rng.random()
    if kind < 0.1:
        power[: rng.integers(1, hz.size + 1)] = 0.0  # from rest up to a frequency, or at all, for nothing
    elif kind < 0.2:
        power = hz / top  # collinear
    return tuple(zip(hz.tolist(), (power * float(log_uniform(rng, -1, 1))).tolist(), strict=True))


def _with_tables(batch: SlotBatch, rng: Generator, has_table: Any) -> SlotBatch:
    """Give tables to some devices (M,), whose tops lie about the capacity, and the same to some of them."""
    capacities = np.max(np.atleast_2d(batch.cpu_capacity_hz), axis=0)
    tables: list[Table | None] = []
    for has, capacity in zip(has_table, capacities, strict=True):
        before = tables[-1] if tables and rng.random() < 0.2 else None
        drawn_table = _table(rng, float(capacity * log_uniform(rng, -0.7, 0.7)))
        tables.append((before or drawn_table) if has else None)
    prices = [power / hz for table in tables if table is not None for hz, power in table if power > 0]
    if not prices:
        return replace(batch, cpu_points=tuple(tables))
    middle = _usual(batch.local_weight, batch.local_queue_cycles) / np.median(prices)
    weights: Any = np.where(has_table, middle * log_uniform(rng, -2, 1), batch.energy_weight_local)
    return replace(batch, cpu_points=tuple(tables), energy_weight_local=weights)


def _with_radios(batch: SlotBatch, rng: Generator, is_measured: Any) -> SlotBatch:
    """Measure some radios (M,): rates about what the queues need, some of no rate or no power."""
    slots = len(batch.channel_gain)
    usual = np.median(batch.transmit_queue_bits) / float(np.median(batch.slot_duration_s))
    radios: list[Any] = []
    for measured in is_measured:
        rate = usual * log_uniform(rng, -1, 3, (slots,)) * (rng.random(slots) < 0.9)
        power = log_uniform(rng, -2, 1, (slots,)) * (rng.random(slots) < 0.9)
        constant = rng.random() < 0.2
        pair = (float(rate[0]), float(power[0])) if constant else (rate, power)
        radios.append(pair if measured else None)
    price = _usual(batch.transmit_weight, batch.transmit_queue_bits) * usual * 10
    weights: Any = np.where(is_measured, price * log_uniform(rng, -2, 2), batch.energy_weight_transmit)
    return replace(batch, radio=tuple(radios), energy_weight_transmit=weights)


def _tables(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """CPUs with tables, convex or not, of one point or many, which the capacity may cut."""
    return _with_tables(_sometimes_weighted(batch, rng), rng, np.full(batch.shape[1], True))


def _radios(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Measured radios, some of no rate or no power in a slot."""
    return _with_radios(_sometimes_weighted(batch, rng), rng, np.full(batch.shape[1], True))


# Numbers of few bits, so that sums, slopes and prices are exact and boundaries are met exactly.
_HZ = 2.0**26
_WATT_PER_HZ = 2.0**-34
_TAU = 2.0**-7
_BIT_PER_S = 2.0**18


def _whole(rng: Generator, shape: tuple[int, ...], least: int, most: int) -> Floats:
    return np.asarray(drawn(rng.integers, shape, least, most + 1), dtype=np.float64)


def _maybe_nudged(rng: Generator, values: Floats) -> Floats:
    """Move a tenth of the values that are not 0 by one ulp."""
    moved = (drawn(rng.random, values.shape) < 0.15) & (values > 0)
    step = drawn(rng.integers, values.shape, -1, 2) * moved
    return np.asarray(values + step * np.spacing(values))


def _table_boundary(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Weights that are a slope exactly or to an ulp; limits and capacities that end where segments do."""
    shape = batch.shape
    energy_weight = 2.0 ** int(rng.integers(20, 60))
    tables, worth = [], np.empty((shape[1], MOST_POINTS))
    for m in range(shape[1]):
        count = int(rng.integers(1, 7))
        slopes = np.sort(rng.integers(0, 20, count)) * 1.0
        lengths = rng.integers(1, 5, count) * 1.0
        hz, power = np.cumsum(lengths) * _HZ, np.cumsum(lengths * slopes) * (_HZ * _WATT_PER_HZ)
        tables.append(tuple(zip(hz.tolist(), power.tolist(), strict=True)))
        worth[m] = rng.choice(np.append(slopes, 25.0), MOST_POINTS) * (energy_weight * _WATT_PER_HZ)
    picked = drawn(rng.integers, shape, MOST_POINTS)
    weights = worth[np.arange(shape[1])[:, None], picked]
    limits = _whole(rng, shape, 0, max(1, 12 // shape[2])) * (_HZ * _TAU)
    return replace(
        batch,
        slot_duration_s=_TAU,
        energy_weight_local=energy_weight,
        cpu_capacity_hz=_whole(rng, shape[1:2], 1, 16) * _HZ,
        cpu_points=tuple(tables),
        local_weight=_maybe_nudged(rng, weights),
        local_queue_cycles=_maybe_nudged(rng, limits),
    )


def _radio_boundary(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Weights that are the price of a bit exactly or to an ulp; limits that add up to the rate."""
    shape = batch.shape
    energy_weight = 2.0 ** int(rng.integers(10, 40))
    rates = _whole(rng, shape[:2], 0, 8) * _BIT_PER_S
    prices = _whole(rng, shape[:2], 0, 8) * 2.0**-20
    weights = energy_weight * prices[..., None] * rng.choice([0.5, 1.0, 1.0, 2.0], shape)
    weights += (weights == 0.0) * drawn(rng.random, shape).round()
    return replace(
        batch,
        slot_duration_s=_TAU,
        energy_weight_transmit=energy_weight,
        radio=tuple((rates[:, m], rates[:, m] * prices[:, m]) for m in range(shape[1])),
        transmit_weight=_maybe_nudged(rng, weights),
        transmit_queue_bits=_maybe_nudged(rng, _whole(rng, shape, 0, 4) * (_BIT_PER_S * _TAU)),
    )


def _by_slot(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Parameters by slot, by device, by both or by none; weights in most batches."""
    slots, devices, _ = batch.shape
    shapes = [(devices,), (slots, 1), (slots, devices)]

    def varied(value: Any) -> Any:
        factor = log_uniform(rng, -1, 1, shapes[int(rng.integers(3))])
        return value if rng.random() < 0.2 else value * factor

    def by_slot(value: float) -> Any:
        return value if rng.random() < 0.2 else value * log_uniform(rng, -1, 1, (slots,))

    return replace(
        _sometimes_weighted(batch, rng),
        slot_duration_s=by_slot(batch.slot_duration_s),
        edge_capacity_hz=by_slot(batch.edge_capacity_hz),
        cpu_capacity_hz=varied(batch.cpu_capacity_hz),
        max_power_w=varied(batch.max_power_w),
        bandwidth_hz=varied(batch.bandwidth_hz),
        energy_coefficient=varied(batch.energy_coefficient),
        energy_weight_local=varied(batch.energy_weight_local),
        energy_weight_transmit=varied(batch.energy_weight_transmit),
    )


def _of_all_kinds(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Cubic and tabulated CPUs, Shannon's and measured radios side by side, with parameters by slot."""
    devices = batch.shape[1]
    tabulated = _with_tables(_by_slot(batch, rng), rng, rng.random(devices) < 0.5)
    return _with_radios(tabulated, rng, rng.random(devices) < 0.5)


ENERGIES: dict[str, Regime] = {
    "by-slot": _by_slot,
    "cpu-tables": _tables,
    "cpu-table-boundary": _table_boundary,
    "measured-radios": _radios,
    "measured-radio-boundary": _radio_boundary,
    "all-kinds": _of_all_kinds,
}
"""Regimes with other energies than the paper's, or with parameters by slot, by name."""
