"""Regimes in which weights are not the backlogs: any order, ties, zeros, magnitudes, boundaries.

Weights are `local_weight` and so on; limits are the backlogs of a batch in which every limit occurs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.slot.batch import SlotBatch
from lyaopt.verify.draws import drawn, log_uniform, nudged, prefix, rate_terms, spread_weights
from lyaopt.verify.regimes import PLAIN, Regime

Generator = np.random.Generator


def with_weights(batch: SlotBatch, weigh: Callable[[Floats], Floats]) -> SlotBatch:
    """Give each stage the weights that a function makes of its backlogs (B, M, N).

    Parameters
    ----------
    batch : SlotBatch
        The slots.
    weigh : callable
        Called with the backlogs of each stage.
    """
    return replace(
        batch,
        local_weight=weigh(batch.local_queue_cycles),
        transmit_weight=weigh(batch.transmit_queue_bits),
        edge_weight=weigh(batch.edge_queue_cycles),
    )


def _any_order(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Weights drawn apart from the backlogs."""
    return with_weights(batch, lambda queues: spread_weights(rng, queues))


def _reversed(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """The shorter a backlog, the heavier."""
    return with_weights(batch, lambda queues: np.median(queues) ** 2 / queues)


def _ties(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """One or two distinct weights on a device, and few at the edge, with unequal limits."""

    def tied(queues: Floats) -> Floats:
        weights = spread_weights(rng, queues)
        one = np.where(drawn(rng.random, queues.shape) < 0.7, weights[..., :1], weights[..., -1:])
        return np.where(drawn(rng.random, (len(queues), 1, 1)) < 0.5, one, one[:, :1, :1])

    return with_weights(batch, tied)


def _zeros(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Half of the weights are zero, all on some devices, and all of some slots; energy is free in some."""

    def emptied(queues: Floats) -> Floats:
        shape = queues.shape
        kept = drawn(rng.random, shape) < 0.5
        kept &= drawn(rng.random, (*shape[:2], 1)) < 0.8
        kept &= drawn(rng.random, (shape[0], 1, 1)) < 0.9
        return spread_weights(rng, queues) * kept

    free = (drawn(rng.random, (len(batch.channel_gain), 1)) < 0.8) * 1.0
    return replace(
        with_weights(batch, emptied),
        energy_weight_local=batch.energy_weight_local * free,
        energy_weight_transmit=batch.energy_weight_transmit * free,
    )


def _dominating(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """One weight of every device 10^3 to 10^30 times the others."""

    def dominated(queues: Floats) -> Floats:
        one = np.arange(queues.shape[2]) == drawn(rng.integers, (*queues.shape[:2], 1), queues.shape[2])
        return spread_weights(rng, queues) * np.where(one, log_uniform(rng, 3, 30, (*queues.shape[:2], 1)), 1)

    return with_weights(batch, dominated)


def _zero_limits(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Positive weights beside limits of zero: half of the items, and all of some devices."""
    return PLAIN["zero-queue"](_any_order(batch, rng), rng)


def _huge(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Weights 10^20 to 10^60 times the usual, beside the magnitudes of the regime "huge"."""
    return _rescaled(PLAIN["huge"](batch, rng), rng, 1)


def _tiny(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Weights 10^20 to 10^60 times below the usual, beside the magnitudes of the regime "tiny"."""
    return _rescaled(PLAIN["tiny"](batch, rng), rng, -1)


def _rescaled(batch: SlotBatch, rng: Generator, sign: int) -> SlotBatch:
    unit = float(log_uniform(rng, 20, 60)) ** sign
    spread = rng.uniform(1, 10)
    return replace(
        with_weights(batch, lambda queues: unit * spread_weights(rng, queues, -spread, spread)),
        energy_weight_local=batch.energy_weight_local * unit,
        energy_weight_transmit=batch.energy_weight_transmit * unit,
    )


def _near_boundary(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """S* within some ulps of a C_i or a capacity, or q0 within some ulps of a weight, sorted by weight."""
    return _at_the_edge(_at_the_radio(_at_the_cpu(batch, rng), rng), rng)


def _picked(rng: Generator, weights: Floats, limits: Floats) -> tuple[Floats, Floats, Integers]:
    """Weight of a random item of every device, the work down to it, and which of three boundaries it gets."""
    slots, devices, services = weights.shape
    chosen, work = prefix(weights, limits, drawn(rng.integers, (slots, devices, 1), services))
    return chosen, work, drawn(rng.integers, (slots, devices, 1), 3)


def _at_the_cpu(batch: SlotBatch, rng: Generator) -> SlotBatch:
    tau, cpu, limits = batch.slot_duration_s, batch.cpu_capacity_hz[:, None], batch.local_queue_cycles
    k = batch.energy_weight_local * batch.energy_coefficient
    weights = spread_weights(rng, limits)
    chosen, work, which = _picked(rng, weights, limits)
    affordable = 3 * k * np.where(which == 0, work / tau, cpu) ** 2 / chosen
    heavier = np.where(which == 1, 1.0, affordable)
    longer = np.where(which == 1, cpu * tau / work, 1.0)  # C_i = s_i, C_i = F, or s_i = F
    return replace(
        batch,
        local_weight=nudged(rng, weights * heavier),
        local_queue_cycles=nudged(rng, limits * longer),
    )


def _at_the_radio(batch: SlotBatch, rng: Generator) -> SlotBatch:
    limits = batch.transmit_queue_bits
    width, per_watt, limit = rate_terms(batch)
    floor = (batch.energy_weight_transmit / (width * per_watt))[..., None]
    most = (width * limit)[..., None] * batch.slot_duration_s
    weights = spread_weights(rng, limits)
    chosen, work, which = _picked(rng, weights, limits)
    affordable = floor * np.where(which == 0, 1.0, np.exp(limit)[..., None]) / chosen
    heavier = np.where(which == 1, 1.0, affordable)
    longer = np.where(which == 1, most / work, 1.0)  # w_i = q0, C_i = R_max, or s_i = R_max
    return replace(
        batch,
        transmit_weight=nudged(rng, weights * heavier),
        transmit_queue_bits=nudged(rng, limits * longer),
    )


def _at_the_edge(batch: SlotBatch, rng: Generator) -> SlotBatch:
    limits = batch.edge_queue_cycles
    weights = spread_weights(rng, limits)
    one_row = (len(limits), 1, -1)
    _, work, _ = _picked(rng, weights.reshape(one_row), limits.reshape(one_row))
    longer = batch.edge_capacity_hz * batch.slot_duration_s / work
    return replace(batch, edge_weight=weights, edge_queue_cycles=nudged(rng, limits * longer))


def _low_signal(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """A very weak channel, weights next to what the first bit costs, and limits about the full rate."""
    return _signal(PLAIN["low-signal"](batch, rng), rng)


def _high_signal(batch: SlotBatch, rng: Generator) -> SlotBatch:
    """Powers over hundreds of orders of magnitude, and weights apart from limits about the full rate."""
    return _signal(PLAIN["high-signal"](batch, rng), rng)


def _signal(batch: SlotBatch, rng: Generator) -> SlotBatch:
    width, _, limit = rate_terms(batch)
    bits = (width * limit)[..., None] * batch.slot_duration_s / batch.shape[2]
    return replace(
        batch,
        transmit_weight=batch.transmit_queue_bits,
        transmit_queue_bits=bits * log_uniform(rng, -2, 1, batch.shape),
    )


WEIGHTS: dict[str, Regime] = {
    "weights": _any_order,
    "weights-reversed": _reversed,
    "weight-ties": _ties,
    "weight-zero": _zeros,
    "weight-dominates": _dominating,
    "limit-zero": _zero_limits,
    "weights-huge": _huge,
    "weights-tiny": _tiny,
    "weights-near-boundary": _near_boundary,
    "weights-low-signal": _low_signal,
    "weights-high-signal": _high_signal,
}
"""Regimes with weights apart from limits by name."""
