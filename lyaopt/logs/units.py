"""Units of logs, and what they measure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lyaopt.errors import ProblemError


class Quantity(Enum):
    """What a column of a log holds."""

    RATE = "a rate"
    AMOUNT = "an amount of data in an interval"
    GAIN = "a channel gain"
    GAIN_DB = "a channel gain in dB"
    SNR_DB = "a signal-to-noise ratio in dB"
    RECEIVED_DBM = "a received power in dBm"


@dataclass(frozen=True)
class Unit:
    """A unit.

    Attributes
    ----------
    quantity : Quantity
        What it measures.
    factor : float
        Bit/s or bit in a unit of a rate or an amount.
    """

    quantity: Quantity
    factor: float = 1.0


UNITS = {
    **{f"{prefix}bit/s": Unit(Quantity.RATE, size) for prefix, size in (("", 1.0), ("k", 1e3))},
    **{f"{prefix}bit/s": Unit(Quantity.RATE, size) for prefix, size in (("M", 1e6), ("G", 1e9))},
    **{
        f"{prefix}B/s": Unit(Quantity.RATE, 8.0 * size)
        for prefix, size in (("", 1.0), ("k", 1e3), ("M", 1e6))
    },
    **{f"{prefix}bit": Unit(Quantity.AMOUNT, size) for prefix, size in (("", 1.0), ("k", 1e3), ("M", 1e6))},
    **{
        f"{prefix}B": Unit(Quantity.AMOUNT, 8.0 * size)
        for prefix, size in (("", 1.0), ("k", 1e3), ("M", 1e6))
    },
    "gain": Unit(Quantity.GAIN),
    "gain-dB": Unit(Quantity.GAIN_DB),
    "SNR-dB": Unit(Quantity.SNR_DB),
    "dBm": Unit(Quantity.RECEIVED_DBM),
}
"""By name; a bit is ``bit`` and a byte ``B``, as a lower-case ``b`` is taken for either."""

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0}
"""Seconds in a unit of time."""


def unit_of(name: str) -> Unit:
    """The unit of a name.

    Parameters
    ----------
    name : str
        As in `UNITS`.

    Raises
    ------
    ProblemError
        If there is no such unit.
    """
    if name not in UNITS:
        raise ProblemError("$.unit", f"expected one of {', '.join(UNITS)}, got {name!r}")
    return UNITS[name]
