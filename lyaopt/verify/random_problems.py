"""Random and degenerate slot problems of all regimes, in batches of many shapes.

Slots come in small batches: what a batch shares (slot length, energy weights, capacities) varies between
batches, over many orders of magnitude, and queues and channels vary within one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.slot.batch import SlotBatch
from lyaopt.verify.draws import mixed
from lyaopt.verify.energy_regimes import ENERGIES
from lyaopt.verify.regimes import PLAIN, share_spectrum
from lyaopt.verify.single_slots import take_slot, to_problem
from lyaopt.verify.weight_regimes import WEIGHTS

__all__ = [
    "GENERAL_REGIMES",
    "PLAIN_REGIMES",
    "REGIMES",
    "SHARED_REGIMES",
    "batches",
    "random_batch",
    "take_slot",
    "to_problem",
]

LARGEST_BATCH = 256
# Numbers of services for which the solvers select instead of sorting; such batches are small.
MANY_SERVICES = (257, 1500)
LARGEST_BATCH_OF_MANY = 16
# Slots of a shared spectrum that are small enough to be judged in decimal arithmetic
SMALL_SLOTS = 8
_SPLIT = PLAIN | WEIGHTS | ENERGIES
# Next to a boundary what a whole slot gains can be lost in the rounding of its inputs: not here
_SHARED = {
    f"shared-{name}": share_spectrum(_SPLIT[name])
    for name in (
        "mixed",
        "energy-limited",
        "ties",
        "zero-weights",
        "huge",
        "tiny",
        "weights",
        "weight-zero",
        "limit-zero",
        "all-kinds",
    )
}
_REGIMES = _SPLIT | _SHARED
PLAIN_REGIMES: tuple[str, ...] = tuple(PLAIN)
"""Names of the regimes of the paper's problems."""
GENERAL_REGIMES: tuple[str, ...] = tuple(WEIGHTS | ENERGIES)
"""Names of the regimes with weights, tables, measured radios, or parameters by slot."""
REGIMES: tuple[str, ...] = tuple(_SPLIT)
"""Names of all regimes of a spectrum that is split."""
SHARED_REGIMES: tuple[str, ...] = tuple(_SHARED)
"""Names of the regimes of a shared spectrum."""


def random_batch(
    regime: str, count: int, rng: np.random.Generator, devices: int = 4, services: int = 2
) -> SlotBatch:
    """Draw a batch of slots of one regime.

    Parameters
    ----------
    regime : str
        One of `REGIMES` or `SHARED_REGIMES`.
    count : int
        B, the number of slots.
    rng : numpy.random.Generator
        Source of randomness.
    devices, services : int
        M and N.

    Returns
    -------
    SlotBatch
        In the memory order of the kernels.

    Raises
    ------
    ProblemError
        For an unknown regime; the message lists the known ones.
    """
    if regime not in _REGIMES:
        raise ProblemError("$.regime", f"expected one of {', '.join(_REGIMES)}, got {regime!r}")
    return _REGIMES[regime](mixed(count, rng, devices, services), rng)


def batches(regime: str, instances: int, seed: int) -> Iterator[SlotBatch]:
    """Yield batches of one regime that hold `instances` slots in all.

    Most have 1 to 6 devices of 1 to 8 services each, some 1 or 2 devices of up to 64 services, and a few
    1 to 5 devices of `MANY_SERVICES` services in all. Those of a shared spectrum begin with `SMALL_SLOTS`
    slots of 1 to 6 devices of 1 to 4 services each, in pairs. The same arguments give the same slots,
    whatever other regimes are drawn.

    Parameters
    ----------
    regime : str
        One of `REGIMES` or `SHARED_REGIMES`.
    instances : int
        Total number of slots.
    seed : int
        Seed of the draws.
    """
    rng = np.random.default_rng([seed, *regime.encode()])
    left = instances
    while left:
        small = regime in SHARED_REGIMES and instances - left < SMALL_SLOTS
        largest, devices, services = _small_shape(rng) if small else _drawn_shape(rng)
        count = min(left, largest)
        yield random_batch(regime, count, rng, devices, services)
        left -= count


def _small_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    return 2, int(rng.integers(1, 7)), int(rng.integers(1, 5))


def _drawn_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw the largest number of slots, the devices, and the services per device of a batch."""
    kind = rng.random()
    if kind < 0.8:
        return LARGEST_BATCH, int(rng.integers(1, 7)), int(rng.integers(1, 9))
    if kind < 0.95:
        return LARGEST_BATCH, int(rng.integers(1, 3)), int(rng.integers(9, 65))
    devices = int(rng.integers(1, 6))
    least, most = MANY_SERVICES
    return LARGEST_BATCH_OF_MANY, devices, int(rng.integers(-(-least // devices), most // devices + 1))
