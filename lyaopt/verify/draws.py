"""Random slots in which every limit occurs, and the distributions that regimes use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.limits import noise_w_per_hz


def drawn(distribution: Callable[..., Any], shape: tuple[int, ...], *parameters: float) -> Any:
    """Draw an array in the memory order of the kernels, so that a batch takes it without a copy.

    Parameters
    ----------
    distribution : callable
        A method of a `numpy.random.Generator`.
    shape : tuple of int
        Slots first, as in `SlotBatch`.
    *parameters : float
        Positional arguments of the distribution.
    """
    return distribution(*parameters, size=shape[::-1]).T


def log_uniform(rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...] = ()) -> Floats:
    """10^x with x uniform between two exponents.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    low, high : float
        The exponents.
    shape : tuple of int
        Slots first, as in `SlotBatch`.
    """
    exponents = drawn(rng.uniform, shape, low, high) if shape else rng.uniform(low, high)
    return np.asarray(10.0**exponents)


def queue_shares(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Backlogs over two orders of magnitude, as shares of the longest of their device.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        (B, M, N).
    """
    shares = log_uniform(rng, -2, 0, shape)
    return np.asarray(shares / shares.max(axis=2, keepdims=True))


def some_zero(rng: np.random.Generator, size: int) -> Floats:
    """Ones and at least one zero.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    size : int
        Number of entries.
    """
    kept = (rng.random(size) < 0.5).astype(np.float64)
    kept[rng.integers(size)] = 0.0
    return kept


def rate_terms(batch: SlotBatch) -> tuple[Floats, Floats, Floats]:
    """Terms of the Shannon rate R(p) = b ln(1 + p eta), equation (4), in bit/s.

    Parameters
    ----------
    batch : SlotBatch
        The slots.

    Returns
    -------
    b : (M,) array
        b_w / ln 2, in bit/s.
    eta : (B, M) array
        h / (b_w N_0), signal over noise per watt.
    limit : (B, M) array
        ln(1 + p^max eta).
    """
    per_watt = batch.channel_gain / (batch.bandwidth_hz * batch.noise_w_per_hz)
    return batch.bandwidth_hz / np.log(2), per_watt, np.log1p(batch.max_power_w * per_watt)


def prefix(weights: Floats, limits: Floats, pick: Integers) -> tuple[Floats, Floats]:
    """Return the weight of the picked item of every device, and the work C_i tau down to it.

    Parameters
    ----------
    weights, limits : (B, M, N) arrays
        Of the items.
    pick : (B, M, 1) array of int
        Positions of the items.

    Returns
    -------
    weight, work : (B, M, 1) arrays
        `work` is the sum of the limits of all items at least as heavy.
    """
    chosen = np.take_along_axis(weights, pick, axis=2)
    return chosen, np.where(weights >= chosen, limits, 0.0).sum(axis=2, keepdims=True)


def nudged(rng: np.random.Generator, values: Floats) -> Floats:
    """Move all values of a device by the same number of ulps, at most two.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    values : (B, M, N) array
        Weights or limits.
    """
    ulps = drawn(rng.integers, (*values.shape[:2], 1), -2, 3)
    return np.asarray(values + ulps * np.spacing(values))


def spread_weights(rng: np.random.Generator, queues: Floats, low: float = -2.5, high: float = 2.5) -> Floats:
    """Weights about the median of the backlogs, drawn apart from them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    queues : (B, M, N) array
        Backlogs.
    low, high : float
        Exponents of 10 between which weights lie, relative to the median.
    """
    return np.asarray(np.median(queues) * log_uniform(rng, low, high, queues.shape))


def mixed(count: int, rng: np.random.Generator, devices: int, services: int) -> SlotBatch:
    """Draw slots in which every limit occurs: queues, weights and fading over several orders of magnitude.

    Parameters
    ----------
    count : int
        B, the number of slots.
    rng : numpy.random.Generator
        Source of randomness.
    devices, services : int
        M and N.
    """
    shape = (count, devices, services)
    tau = float(log_uniform(rng, -3, 0))
    cpu, width = log_uniform(rng, 8, 10, (devices,)), log_uniform(rng, 4, 8, (devices,))
    edge_capacity, power = float(log_uniform(rng, 8, 11)), log_uniform(rng, -2, 1, (devices,))
    noise = rng.uniform(-180, -160)
    signal = log_uniform(rng, -2, 4, (devices,)) * drawn(rng.exponential, shape[:2])
    gain = signal * (width / power) * noise_w_per_hz(noise)
    rate = width / np.log(2) * np.log1p(signal.mean(axis=0))
    local = cpu[:, None] * tau * log_uniform(rng, -3, 2, shape)
    transmit = rate[:, None] * tau * log_uniform(rng, -3, 2, shape)
    edge = edge_capacity * tau / (devices * services) * log_uniform(rng, -2, 2, shape)
    delta = float(log_uniform(rng, -30, -26))
    middle = np.median(transmit) * width / np.log(2) * signal.mean(axis=0) / power
    weight = np.median(local) / np.median(cpu) ** 2 * log_uniform(rng, -3, 3) / delta
    return SlotBatch(
        slot_duration_s=tau,
        energy_coefficient=delta,
        energy_weight_local=float(weight),
        energy_weight_transmit=float(np.median(middle) * log_uniform(rng, -4, 1)),
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
