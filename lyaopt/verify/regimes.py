"""Regimes of slot problems: each limits a slot in one way, or makes it degenerate.

A regime takes a batch in which every limit occurs (`lyaopt.verify.draws.mixed`) and changes it so that all
its slots belong to the regime; weights are derived from the drawn queues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.batch import SlotBatch
from lyaopt.verify.draws import drawn, log_uniform, nudged, prefix, queue_shares, rate_terms, some_zero

Regime = Callable[[SlotBatch, np.random.Generator], SlotBatch]


def _energy_limited(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Energy alone limits devices: S below the capacity and below the backlog, for both stages."""
    shape, tau = batch.local_queue_cycles.shape, batch.slot_duration_s
    cpu = batch.cpu_capacity_hz
    speed = cpu * drawn(rng.uniform, shape[:2], 0.05, 0.9)
    # k so large that the queue at which `speed` pays, 3 k speed^2, is more work than `speed` does.
    k = 1.1 * tau / (3 * 0.05 * cpu.min()) * log_uniform(rng, 0, 2)
    width, per_watt, limit = rate_terms(batch)
    weight = 1.1 * np.max(tau * width**2 * per_watt * limit) * log_uniform(rng, 0, 2)
    floor = weight / (width * per_watt)
    longest = floor * np.exp(limit * drawn(rng.uniform, shape[:2], 0.05, 0.9))
    return replace(
        batch,
        energy_weight_local=k / batch.energy_coefficient,
        energy_weight_transmit=float(weight),
        local_queue_cycles=(3 * k * speed**2)[..., None] * queue_shares(rng, shape),
        transmit_queue_bits=longest[..., None] * queue_shares(rng, shape),
    )


def _capacity_limited(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """More backlog than any capacity serves in the slot, and energy too cheap to matter."""
    edge_work = batch.edge_queue_cycles.sum(axis=(1, 2)).min()
    return _loaded(batch, rng, 1.5, (0, 1), edge_work / batch.slot_duration_s, (0.1, 0.9))


def _backlog_limited(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """The whole backlog can be served in the slot, and energy is too cheap to matter."""
    edge_work = batch.edge_queue_cycles.sum(axis=(1, 2)).max()
    return _loaded(batch, rng, 0.9, (-2, 0), edge_work / batch.slot_duration_s, (1.1, 10))


def _loaded(
    batch: SlotBatch,
    rng: np.random.Generator,
    load: float,
    exponents: tuple[float, float],
    edge_hz: float,
    edge_factors: tuple[float, float],
) -> SlotBatch:
    """Backlogs as multiples of each device's capacities, and the edge capacity as a multiple of its load."""
    shape = batch.shape
    width, _, limit = rate_terms(batch)
    each = load * batch.slot_duration_s / shape[2]
    loaded = replace(
        batch,
        local_queue_cycles=each * batch.cpu_capacity_hz[:, None] * log_uniform(rng, *exponents, shape),
        transmit_queue_bits=(each * width * limit)[..., None] * log_uniform(rng, *exponents, shape),
        edge_capacity_hz=float(edge_hz * rng.uniform(*edge_factors)),
    )
    return _cheap_energy(loaded, rng)


def _cheap_energy(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Lower both weights until the least worthwhile unit of work is worth more than its energy."""
    tau = batch.slot_duration_s
    local, transmit = batch.local_queue_cycles, batch.transmit_queue_bits
    width, per_watt, limit = rate_terms(batch)
    reach = np.minimum(batch.cpu_capacity_hz, local.sum(axis=2) / tau)
    k = np.min(local.min(axis=2) / (3 * (1.2 * reach) ** 2)) * log_uniform(rng, -6, 0)
    load = np.minimum(limit, transmit.sum(axis=2) / (tau * width))
    weight = np.min(transmit.min(axis=2) * np.exp(-1.2 * load) * width * per_watt) * log_uniform(rng, -6, 0)
    return replace(
        batch,
        energy_weight_local=float(k / batch.energy_coefficient),
        energy_weight_transmit=float(weight),
    )


def _ties(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Exactly equal backlogs: one or two distinct values in every queue of a device, and at the edge."""

    def tied(queues: Floats) -> Floats:
        return np.where(drawn(rng.random, queues.shape) < 0.7, queues[..., :1], queues[..., -1:])

    edge = batch.edge_queue_cycles
    return replace(
        batch,
        local_queue_cycles=tied(batch.local_queue_cycles),
        transmit_queue_bits=tied(batch.transmit_queue_bits),
        edge_queue_cycles=np.where(drawn(rng.random, edge.shape) < 0.7, edge[:, :1, :1], edge),
    )


def _zero_queue(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Half of the queues empty, and all queues of some devices."""

    def emptied(queues: Floats) -> Floats:
        services = drawn(rng.random, queues.shape) < 0.5
        devices = drawn(rng.random, queues.shape[:2]) < 0.8
        return queues * (services & devices[..., None])

    return replace(
        batch,
        local_queue_cycles=emptied(batch.local_queue_cycles),
        transmit_queue_bits=emptied(batch.transmit_queue_bits),
        edge_queue_cycles=emptied(batch.edge_queue_cycles),
    )


def _zero_channel(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """A dead channel, h = 0, on half of the devices."""
    return replace(
        batch, channel_gain=batch.channel_gain * (drawn(rng.random, batch.channel_gain.shape) < 0.5)
    )


def _zero_power(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """No transmit power, pmax = 0, on one device or more."""
    return replace(batch, max_power_w=batch.max_power_w * some_zero(rng, batch.max_power_w.size))


def _zero_weights(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Free energy: U^l = U^t = 0."""
    return replace(batch, energy_weight_local=0.0, energy_weight_transmit=0.0)


def _zero_capacity(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """No CPU on one device or more, F^l = 0, and none at the edge."""
    kept = some_zero(rng, batch.cpu_capacity_hz.size)
    return replace(batch, cpu_capacity_hz=batch.cpu_capacity_hz * kept, edge_capacity_hz=0.0)


def _huge(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Cycles, bits and watts 10^20 to 10^60 times the usual, queues of one device up to 10^20 apart."""
    return _rescaled(batch, rng, 1)


def _tiny(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Cycles, bits and watts 10^20 to 10^60 times below the usual, queues of one device up to 10^20 apart."""
    return _rescaled(batch, rng, -1)


def _rescaled(batch: SlotBatch, rng: np.random.Generator, sign: int) -> SlotBatch:
    cycles, bits, watts = (float(log_uniform(rng, 20, 60)) ** sign for _ in range(3))

    # Weights vary as widely as the queues, so that energy still matters.
    spread = rng.uniform(0, 10)
    heavier = (float(log_uniform(rng, -spread, spread)) for _ in range(2))

    def apart(queues: Floats) -> Floats:
        return queues * log_uniform(rng, -spread, spread, queues.shape)

    return replace(
        batch,
        energy_coefficient=batch.energy_coefficient / cycles,
        energy_weight_local=batch.energy_weight_local * next(heavier),
        energy_weight_transmit=batch.energy_weight_transmit * bits**2 / watts * next(heavier),
        edge_capacity_hz=batch.edge_capacity_hz * cycles,
        cpu_capacity_hz=batch.cpu_capacity_hz * cycles,
        max_power_w=batch.max_power_w * watts,
        channel_gain=batch.channel_gain * bits / watts,
        bandwidth_hz=batch.bandwidth_hz * bits,
        local_queue_cycles=apart(batch.local_queue_cycles * cycles),
        transmit_queue_bits=apart(batch.transmit_queue_bits * bits),
        edge_queue_cycles=apart(batch.edge_queue_cycles * cycles),
    )


def _near_boundary(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """S* within some ulps of a breakpoint C_i or of a capacity, or q0 within some ulps of a backlog."""
    tau = batch.slot_duration_s
    k = batch.energy_weight_local * batch.energy_coefficient
    width, per_watt, limit = rate_terms(batch)
    floor = (batch.energy_weight_transmit / (width * per_watt))[..., None]
    most = (width * limit)[..., None]
    local, transmit = batch.local_queue_cycles, batch.transmit_queue_bits
    slots, devices, services = batch.shape
    cpu = batch.cpu_capacity_hz[:, None]
    pick = drawn(rng.integers, (slots, devices, 1), services)
    chosen, work = prefix(local, local, pick)
    local_targets = (
        local * (chosen * tau**2 / (3 * k * work**2)),  # C_i = s_i
        local * (cpu * tau / work),  # C_i = F
        local * (3 * k * cpu**2 / chosen),  # s_i = F
    )
    chosen, work = prefix(transmit, transmit, pick)
    transmit_targets = (
        transmit * (floor / chosen),  # Q_i = q0
        transmit * (most * tau / work),  # C_i = R_max
        transmit * (floor * np.exp(limit)[..., None] / chosen),  # s_i = R_max
    )
    edge = batch.edge_queue_cycles
    sums = np.sort(edge.reshape(slots, -1))[:, ::-1].cumsum(axis=1)
    work = np.take_along_axis(sums, drawn(rng.integers, (slots, 1), sums.shape[1]), axis=1)[..., None]
    which = (slots, devices, 1)
    return replace(
        batch,
        local_queue_cycles=nudged(rng, np.choose(drawn(rng.integers, which, 3), local_targets)),
        transmit_queue_bits=nudged(rng, np.choose(drawn(rng.integers, which, 3), transmit_targets)),
        edge_queue_cycles=nudged(rng, edge * (batch.edge_capacity_hz * tau / work)),
    )


def _low_signal(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """A very weak channel, for rounding: p h / (b N_0) from 10^-13 to 10^-11 at full power."""
    signal = log_uniform(rng, -13, -11, batch.channel_gain.shape)
    gain = batch.channel_gain * signal / np.expm1(rate_terms(batch)[2])
    weak = replace(batch, channel_gain=gain)
    width, per_watt, limit = rate_terms(weak)
    weight = float(np.median(batch.slot_duration_s * width**2 * per_watt * limit) * log_uniform(rng, -1, 1))
    floor = (weight / (width * per_watt))[..., None]
    spread = drawn(rng.uniform, batch.transmit_queue_bits.shape, -0.5, 1.5)
    queues = floor * (1 + limit[..., None] * spread)
    return replace(weak, energy_weight_transmit=weight, transmit_queue_bits=queues)


def _high_signal(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """A rate of 500 to 650 times b = b_w / ln 2 at full power: p spans hundreds of orders of magnitude."""
    middle = rng.uniform(510, 640)
    limit = middle + drawn(rng.uniform, batch.channel_gain.shape, -10, 10)
    gain = batch.channel_gain * (np.expm1(limit) / np.expm1(rate_terms(batch)[2]))
    width = batch.bandwidth_hz / np.log(2)
    most = width * limit * batch.slot_duration_s
    queues = most[..., None] * log_uniform(rng, -2, 1, batch.transmit_queue_bits.shape)
    per_watt = np.expm1(limit) / batch.max_power_w
    weight = float(np.median(most * width * per_watt * np.exp(-rng.uniform(0, 600))))
    return replace(batch, channel_gain=gain, transmit_queue_bits=queues, energy_weight_transmit=weight)


def share_spectrum(regime: Regime) -> Regime:
    """Return a regime in which the devices of each slot share the sum of their bandwidths.

    Parameters
    ----------
    regime : callable
        One of a spectrum that is split.
    """

    def shared(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
        return replace(regime(batch, rng), spectrum="shared")

    return shared


PLAIN: dict[str, Regime] = {
    "energy-limited": _energy_limited,
    "capacity-limited": _capacity_limited,
    "backlog-limited": _backlog_limited,
    "mixed": lambda batch, rng: batch,
    "ties": _ties,
    "zero-queue": _zero_queue,
    "zero-channel": _zero_channel,
    "zero-power": _zero_power,
    "zero-weights": _zero_weights,
    "zero-capacity": _zero_capacity,
    "huge": _huge,
    "tiny": _tiny,
    "near-boundary": _near_boundary,
    "low-signal": _low_signal,
    "high-signal": _high_signal,
}
"""Regimes of the paper's problems by name: weights are backlogs, energies cubic and Shannon's."""
