"""Frozen traces of arrivals and channels, the same on every machine and with every NumPy.

A trace is made of the raw words of PCG64, which NumPy keeps for good, by whole numbers and by additions,
products and square roots of doubles, which are exact to the last bit everywhere; logarithms and cosines are
not. The shadowing is a first-order autoregression whose innovations are sums of four uniform numbers. Over
the hundreds of slots of its memory their sum is a normal number. It is kept in hundredths of a decibel, which
is what is hashed. A slot brings a service one task with probability lambda tau, or none.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.benchmark.instances import Budget
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation import Trace

_CHANNEL, _ARRIVALS = 0, 1
_SOJOURNS_BEFORE = 10.0
"""Sojourns of the shadowing before the first slot: the first number is not quite normal."""
_STD_OF_SUM = math.sqrt(4.0 * (65536.0**2 - 1.0) / 12.0)
_PER_BEL = 1000.0
"""Hundredths of a decibel in a factor of ten."""


def frozen_traces(system: System, budget: Budget) -> list[Trace]:
    """Make the traces of an instance, one for each replication.

    Parameters
    ----------
    system : System
        Gives distances, shadowing and arrival rates; fading is not in traces.
    budget : Budget
        Gives seed, replications and slots.

    Returns
    -------
    list of Trace

    Raises
    ------
    ProblemError
        If the traces are not those whose hash the budget states.
    """
    slots = budget.slots + budget.warmup
    hundredths = shadowing_hundredths(system, budget.seed, budget.replications, slots)
    arrivals = [_arrivals(system, budget.seed, b, slots) for b in range(budget.replications)]
    got = trace_hash(hundredths, arrivals)
    if budget.trace_sha256 not in (None, got):
        raise ProblemError("$.trace_sha256", f"expected {budget.trace_sha256}, got {got}")
    gain = system.mean_channel_gain() * 10.0 ** (hundredths / _PER_BEL)
    return [Trace(born, gain[:, b]) for b, born in enumerate(arrivals)]


def trace_hash(hundredths: Integers, arrivals: Sequence[Integers]) -> str:
    """SHA-256 of traces, in hexadecimal: shadowing, then arrivals, as 16-bit little-endian integers.

    Parameters
    ----------
    hundredths : ndarray (T, B, M) of int
        Shadowing, in hundredths of a decibel.
    arrivals : sequence of ndarray (T, S) of int
        Of each replication.

    Returns
    -------
    str
    """
    digest = hashlib.sha256(hundredths.astype("<i2").tobytes())
    for born in arrivals:
        digest.update(born.astype("<i2").tobytes())
    return digest.hexdigest()


def shadowing_hundredths(system: System, seed: int, replications: int, slots: int) -> Integers:
    """Shadowing of all devices, in hundredths of a decibel.

    Parameters
    ----------
    system : System
        Gives its standard deviation and sojourn.
    seed : int
        Of the traces.
    replications, slots : int
        B and T.

    Returns
    -------
    ndarray (T, B, M) of int
    """
    channel, devices = system.channel, len(system.devices)
    before = math.ceil(_SOJOURNS_BEFORE * channel.shadowing_sojourn_s / system.slot_duration_s)
    rows = before + slots
    drawn = [_raw(seed, b, _CHANNEL, rows * devices).reshape(rows, devices) for b in range(replications)]
    innovation = _nearly_normal(np.stack(drawn, axis=1))
    # Rounded: the last bit of an exponential is not the same everywhere.
    memory = round(math.exp(-system.slot_duration_s / channel.shadowing_sojourn_s), 12)
    noise = math.sqrt(1.0 - memory * memory)
    state = innovation[0]
    found = np.empty((slots, replications, devices))
    for row in range(rows):
        state = memory * state + noise * innovation[row] if row else state
        if row >= before:
            found[row - before] = state
    return np.rint(found * (channel.shadowing_std_db * 100.0)).astype(np.int64)


def _nearly_normal(words: np.ndarray) -> Floats:
    """Mean 0, variance 1: the sum of the four 16-bit parts of each word, scaled."""
    parts = sum(
        ((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64) for shift in range(0, 64, 16)
    )
    return np.asarray((parts - 2 * 65535) / _STD_OF_SUM)


def _arrivals(system: System, seed: int, replication: int, slots: int) -> Integers:
    services = len(system.services)
    words = _raw(seed, replication, _ARRIVALS, slots * services).reshape(slots, services)
    chance = system.arrival_rate_per_s * system.slot_duration_s
    limit = np.array([int(share * 2.0**32) << 32 for share in chance], np.uint64)
    return (words < limit).astype(np.int64)


def _raw(seed: int, replication: int, purpose: int, count: int) -> np.ndarray:
    generator = np.random.PCG64(np.random.SeedSequence([seed, replication, purpose]))
    return np.asarray(generator.random_raw(count), np.uint64)
