"""Regimes of slot problems: one for every way a slot can be limited or odd.

A regime takes a batch in which every limit occurs, and changes it so that all its slots are what its name
says: weights are derived from the drawn queues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.limits import noise_w_per_hz

Regime = Callable[[SlotBatch, np.random.Generator], SlotBatch]


def mixed(count: int, rng: np.random.Generator, devices: int, services: int) -> SlotBatch:
    """Every limit at once: queues, weights and fading over several orders of magnitude."""
    shape = (services, devices, count)
    tau, cpu, width = float(_log(rng, -3, 0)), _log(rng, 8, 10, devices), _log(rng, 4, 8, devices)
    edge_capacity, power, noise = float(_log(rng, 8, 11)), _log(rng, -2, 1, devices), rng.uniform(-180, -160)
    signal = _log(rng, -2, 4, devices)[:, None] * rng.exponential(size=(devices, count))
    gain = signal * (width / power)[:, None] * noise_w_per_hz(noise)
    rate = width / np.log(2) * np.log1p(signal.mean(axis=1))
    local = cpu[:, None] * tau * _log(rng, -3, 2, shape)
    transmit = rate[:, None] * tau * _log(rng, -3, 2, shape)
    edge = edge_capacity * tau / (devices * services) * _log(rng, -2, 2, shape)
    delta = float(_log(rng, -30, -26))
    middle = np.median(transmit) * width / np.log(2) * signal.mean(axis=1) / power
    return SlotBatch(
        slot_duration_s=tau,
        energy_coefficient=delta,
        energy_weight_local=float(np.median(local) / np.median(cpu) ** 2 * _log(rng, -3, 3) / delta),
        energy_weight_transmit=float(np.median(middle) * _log(rng, -4, 1)),
        edge_capacity_hz=edge_capacity,
        cpu_capacity_hz=cpu,
        max_power_w=power,
        channel_gain=gain,
        bandwidth_hz=width,
        local_queue_cycles=local,
        transmit_queue_bits=transmit,
        edge_queue_cycles=edge,
        noise_psd_dbm_per_hz=noise,
    )


def _energy_limited(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Energy alone holds devices back: S below the capacity and below the backlog, for both stages."""
    shape, tau = batch.local_queue_cycles.shape, batch.slot_duration_s
    cpu = batch.cpu_capacity_hz[:, None]
    wanted = cpu * rng.uniform(0.05, 0.9, shape[1:])
    # k so large that the queue at which `wanted` pays, 3 k wanted^2, is more work than `wanted` does.
    k = 1.1 * tau / (3 * 0.05 * cpu.min()) * _log(rng, 0, 2)
    width, per_watt, limit = _radio(batch)
    weight = 1.1 * np.max(tau * width**2 * per_watt * limit) * _log(rng, 0, 2)
    floor = weight / (width * per_watt)
    top = floor * np.exp(limit * rng.uniform(0.05, 0.9, shape[1:]))
    return replace(
        batch,
        energy_weight_local=k / batch.energy_coefficient,
        energy_weight_transmit=float(weight),
        local_queue_cycles=3 * k * wanted**2 * _shares(rng, shape),
        transmit_queue_bits=top * _shares(rng, shape),
    )


def _capacity_limited(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """More backlog than any capacity serves in the slot, and energy too cheap to matter."""
    shape, tau = batch.local_queue_cycles.shape, batch.slot_duration_s
    width, _, limit = _radio(batch)
    plenty = 1.5 * tau / shape[0]
    return _cheap_energy(
        replace(
            batch,
            local_queue_cycles=plenty * batch.cpu_capacity_hz[:, None] * _log(rng, 0, 1, shape),
            transmit_queue_bits=plenty * width * limit * _log(rng, 0, 1, shape),
            edge_capacity_hz=float(_slot_work(batch).min() / tau * rng.uniform(0.1, 0.9)),
        ),
        rng,
    )


def _backlog_limited(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Everything waiting can be served in the slot, and energy is too cheap to matter."""
    shape, tau = batch.local_queue_cycles.shape, batch.slot_duration_s
    width, _, limit = _radio(batch)
    little = 0.9 * tau / shape[0]
    return _cheap_energy(
        replace(
            batch,
            local_queue_cycles=little * batch.cpu_capacity_hz[:, None] * _log(rng, -2, 0, shape),
            transmit_queue_bits=little * width * limit * _log(rng, -2, 0, shape),
            edge_capacity_hz=float(_slot_work(batch).max() / tau * rng.uniform(1.1, 10)),
        ),
        rng,
    )


def _cheap_energy(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Lower both weights until the least worthwhile unit of work is worth more than its energy."""
    tau = batch.slot_duration_s
    local, transmit = batch.local_queue_cycles, batch.transmit_queue_bits
    width, per_watt, limit = _radio(batch)
    reach = np.minimum(batch.cpu_capacity_hz[:, None], local.sum(axis=0) / tau)
    k = np.min(local.min(axis=0) / (3 * (1.2 * reach) ** 2)) * _log(rng, -6, 0)
    load = np.minimum(limit, transmit.sum(axis=0) / (tau * width))
    weight = np.min(transmit.min(axis=0) * np.exp(-1.2 * load) * width * per_watt) * _log(rng, -6, 0)
    return replace(
        batch,
        energy_weight_local=float(k / batch.energy_coefficient),
        energy_weight_transmit=float(weight),
    )


def _ties(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Exactly equal backlogs: one or two distinct values in every queue of a device, and at the edge."""

    def tied(queues: Floats) -> Floats:
        first, last = queues[:1], queues[-1:]
        return np.where(rng.random(queues.shape) < 0.7, first, last)

    edge = batch.edge_queue_cycles[:1, :1]
    return replace(
        batch,
        local_queue_cycles=tied(batch.local_queue_cycles),
        transmit_queue_bits=tied(batch.transmit_queue_bits),
        edge_queue_cycles=np.where(
            rng.random(batch.edge_queue_cycles.shape) < 0.7, edge, batch.edge_queue_cycles
        ),
    )


def _zero_queue(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Half of the queues empty, and all queues of some devices."""

    def emptied(queues: Floats) -> Floats:
        kept = (rng.random(queues.shape) < 0.5) & (rng.random(queues.shape[1:]) < 0.8)
        return queues * kept

    return replace(
        batch,
        local_queue_cycles=emptied(batch.local_queue_cycles),
        transmit_queue_bits=emptied(batch.transmit_queue_bits),
        edge_queue_cycles=emptied(batch.edge_queue_cycles),
    )


def _zero_channel(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """A dead channel, h = 0, on half of the devices."""
    return replace(batch, channel_gain=batch.channel_gain * (rng.random(batch.channel_gain.shape) < 0.5))


def _zero_power(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """No transmit power, pmax = 0, on one device or more."""
    return replace(batch, max_power_w=batch.max_power_w * _some_zero(rng, batch.max_power_w.size))


def _zero_weights(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Free energy: U^l = U^t = 0."""
    return replace(batch, energy_weight_local=0.0, energy_weight_transmit=0.0)


def _zero_capacity(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """No CPU on one device or more, F^l = 0, and none at the edge."""
    kept = _some_zero(rng, batch.cpu_capacity_hz.size)
    return replace(batch, cpu_capacity_hz=batch.cpu_capacity_hz * kept, edge_capacity_hz=0.0)


def _huge(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Cycles, bits and watts 10^20 to 10^60 times the usual, queues of one device up to 10^20 apart."""
    return _rescaled(batch, rng, 1)


def _tiny(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """Cycles, bits and watts 10^20 to 10^60 times below the usual, queues of one device up to 10^20 apart."""
    return _rescaled(batch, rng, -1)


def _rescaled(batch: SlotBatch, rng: np.random.Generator, sign: int) -> SlotBatch:
    cycles, bits, watts = (float(_log(rng, 20, 60)) ** sign for _ in range(3))

    # Weights follow the spread of the queues: energy must not stop to matter.
    spread = rng.uniform(0, 10)
    heavier = (float(_log(rng, -spread, spread)) for _ in range(2))

    def apart(queues: Floats) -> Floats:
        return queues * _log(rng, -spread, spread, queues.shape)

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
    width, per_watt, limit = _radio(batch)
    floor = batch.energy_weight_transmit / (width * per_watt)
    local, transmit = batch.local_queue_cycles, batch.transmit_queue_bits
    lanes, cpu = local.shape[1:], batch.cpu_capacity_hz[:, None]
    pick = rng.integers(local.shape[0], size=(1, *lanes))
    chosen, prefix = _prefix(local, pick)
    local_targets = (
        local * (chosen * tau**2 / (3 * k * prefix**2)),  # C_i = s_i
        local * (cpu * tau / prefix),  # C_i = F
        local * (3 * k * cpu**2 / chosen),  # s_i = F
    )
    chosen, prefix = _prefix(transmit, pick)
    transmit_targets = (
        transmit * (floor / chosen),  # Q_i = q0
        transmit * (width * limit * tau / prefix),  # C_i = R_max
        transmit * (floor * np.exp(limit) / chosen),  # s_i = R_max
    )
    edge = batch.edge_queue_cycles
    work = np.sort(edge.reshape(-1, lanes[-1]), axis=0)[::-1].cumsum(axis=0)
    work = np.take_along_axis(work, rng.integers(len(work), size=(1, lanes[-1])), axis=0)
    return replace(
        batch,
        local_queue_cycles=_nudged(rng, np.choose(rng.integers(3, size=lanes), local_targets)),
        transmit_queue_bits=_nudged(rng, np.choose(rng.integers(3, size=lanes), transmit_targets)),
        edge_queue_cycles=_nudged(rng, edge * (batch.edge_capacity_hz * tau / work)),
    )


def _low_signal(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """A channel at the edge of the arithmetic: p h / (b N_0) from 10^-13 to 10^-11 at full power."""
    signal = _log(rng, -13, -11, batch.channel_gain.shape)
    gain = batch.channel_gain * signal / np.expm1(_radio(batch)[2])
    weak = replace(batch, channel_gain=gain)
    width, per_watt, limit = _radio(weak)
    weight = float(np.median(batch.slot_duration_s * width**2 * per_watt * limit) * _log(rng, -1, 1))
    floor = weight / (width * per_watt)
    queues = floor * (1 + limit * rng.uniform(-0.5, 1.5, batch.transmit_queue_bits.shape))
    return replace(weak, energy_weight_transmit=weight, transmit_queue_bits=queues)


def _high_signal(batch: SlotBatch, rng: np.random.Generator) -> SlotBatch:
    """A rate of 500 to 650 times b = b_w / ln 2 at full power: p spans hundreds of orders of magnitude."""
    middle = rng.uniform(510, 640)
    limit = middle + rng.uniform(-10, 10, batch.channel_gain.shape)
    gain = batch.channel_gain * (np.expm1(limit) / np.expm1(_radio(batch)[2]))
    width = batch.bandwidth_hz[:, None] / np.log(2)
    most = width * limit * batch.slot_duration_s
    queues = most * _log(rng, -2, 1, batch.transmit_queue_bits.shape)
    per_watt = np.expm1(limit) / batch.max_power_w[:, None]
    weight = float(np.median(most * width * per_watt * np.exp(-rng.uniform(0, 600))))
    return replace(batch, channel_gain=gain, transmit_queue_bits=queues, energy_weight_transmit=weight)


def _radio(batch: SlotBatch) -> tuple[Floats, Floats, Floats]:
    """b (M, 1), eta (M, B) and ln(1 + pmax eta) (M, B) of a batch."""
    per_watt = batch.channel_gain / (batch.bandwidth_hz * batch.noise_w_per_hz)[:, None]
    return batch.bandwidth_hz[:, None] / np.log(2), per_watt, np.log1p(batch.max_power_w[:, None] * per_watt)


def _slot_work(batch: SlotBatch) -> Floats:
    return batch.edge_queue_cycles.sum(axis=(0, 1))


def _prefix(queues: Floats, pick: np.ndarray) -> tuple[Floats, Floats]:
    """The chosen queue of every device, and the work C_i tau of it and of all longer ones."""
    chosen = np.take_along_axis(queues, pick, axis=0)[0]
    return chosen, np.where(queues >= chosen, queues, 0.0).sum(axis=0)


def _nudged(rng: np.random.Generator, queues: Floats) -> Floats:
    return queues + rng.integers(-2, 3, size=queues.shape[1:]) * np.spacing(queues)


def _shares(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Shares of the longest queue over two orders of magnitude; one queue of every device is the longest."""
    shares = _log(rng, -2, 0, shape)
    return np.asarray(shares / shares.max(axis=0))


def _some_zero(rng: np.random.Generator, size: int) -> Floats:
    kept = (rng.random(size) < 0.5).astype(np.float64)
    kept[rng.integers(size)] = 0.0
    return kept


def _log(
    rng: np.random.Generator, low: float, high: float, size: int | tuple[int, ...] | None = None
) -> Floats:
    """10^x, x uniform between low and high."""
    return np.asarray(10.0 ** rng.uniform(low, high, size))


REGIMES: dict[str, Regime] = {
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
"""By name."""
