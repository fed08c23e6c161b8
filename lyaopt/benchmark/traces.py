"""Frozen traces of arrivals and throughput, the same on every machine and with every NumPy.

Throughput is that of a shipped log (`lyaopt.benchmark.drive`), from another second on in each replication.
Arrivals are made of the raw words of PCG64, which NumPy keeps for good, by whole numbers: a slot brings a
service one task with probability lambda tau, or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.benchmark.drive import SECONDS, drive_log
from lyaopt.benchmark.instances import Budget
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation import Trace

_ARRIVALS = 1
_WHOLE = 1000.0


def frozen_traces(system: System, budget: Budget) -> list[Trace]:
    """Make the traces of an instance, one for each replication.

    Parameters
    ----------
    system : System
        Gives slot length and arrival rates; its devices are those of the log.
    budget : Budget
        Gives seed, replications and slots.

    Returns
    -------
    list of Trace

    Raises
    ------
    ProblemError
        If the traces are not those whose hash the budget states, or the devices not those of the log.
    """
    slots = budget.slots + budget.warmup
    names, log = drive_log()
    if system.device_ids != names:
        raise ProblemError("$.devices", f"expected the devices {names} of the log, got {system.device_ids}")
    starts = [b * SECONDS // budget.replications for b in range(budget.replications)]
    shares = [log[_seconds(start, slots, system.slot_duration_s)] for start in starts]
    arrivals = [_arrivals(system, budget.seed, b, slots) for b in range(budget.replications)]
    got = trace_hash(shares, arrivals)
    if budget.trace_sha256 not in (None, got):
        raise ProblemError("$.trace_sha256", f"expected {budget.trace_sha256}, got {got}")
    return [Trace(born, share / _WHOLE) for born, share in zip(arrivals, shares, strict=True)]


def trace_hash(shares: Sequence[Integers], arrivals: Sequence[Integers]) -> str:
    """SHA-256 of traces, in hexadecimal: shares, then arrivals, as 16-bit little-endian integers.

    Parameters
    ----------
    shares : sequence of ndarray (T, M) of int
        Of each replication, in thousandths.
    arrivals : sequence of ndarray (T, S) of int
        Of each replication.

    Returns
    -------
    str
    """
    digest = hashlib.sha256()
    for table in (*shares, *arrivals):
        digest.update(table.astype("<i2").tobytes())
    return digest.hexdigest()


def _seconds(start: int, slots: int, slot_s: float) -> Integers:
    """Row of the log in each slot, around it from a start on."""
    per_second = round(1.0 / slot_s)
    return np.asarray((start + np.arange(slots) // per_second) % SECONDS)


def _arrivals(system: System, seed: int, replication: int, slots: int) -> Integers:
    services = len(system.services)
    words = _raw(seed, replication, _ARRIVALS, slots * services).reshape(slots, services)
    chance = system.arrival_rate_per_s * system.slot_duration_s
    limit = np.array([int(share * 2.0**32) << 32 for share in chance], np.uint64)
    return (words < limit).astype(np.int64)


def _raw(seed: int, replication: int, purpose: int, count: int) -> np.ndarray:
    generator = np.random.PCG64(np.random.SeedSequence([seed, replication, purpose]))
    return np.asarray(generator.random_raw(count), np.uint64)
