"""A log of throughput by the second, of a drive that never took place: for systems with measured radios.

A radio is capped, as by a tariff or a scheduler: most of the time it carries its whole rate. x is a
first-order autoregression by seconds, made of the raw words of PCG64 by whole numbers and by additions,
products and square roots of doubles, which are exact to the last bit everywhere. The radio carries the share
1.2 + 0.6 x of its rate, cut to [0, 1], in thousandths. x is nearly normal with variance 1 and forgotten in
four seconds, so that the whole rate is carried 63 % of the time, and nothing 2 %.

The log is shipped as a file. It is the same for all seeds: a replication starts somewhere on the road, and
goes around.
"""

from __future__ import annotations

import csv
import math
from functools import cache
from importlib.resources import files

import numpy as np

from lyaopt.arrays import Floats, Integers

SECONDS = 1200
_FILE = "drive.csv"
_SEED = 40
_MEMORY_S = 4.0
_BEFORE = 40
"""Seconds before the first one that is kept: the first number is not quite normal."""
_MIDDLE, _SPREAD, _WHOLE = 1200.0, 600.0, 1000
_STD_OF_SUM = math.sqrt(4.0 * (65536.0**2 - 1.0) / 12.0)


@cache
def drive_log() -> tuple[tuple[str, ...], Integers]:
    """Read the shipped log.

    Returns
    -------
    names : tuple of str
        Of the M radios.
    shares : ndarray (SECONDS, M) of int
        What each carries in each second, in thousandths of its rate.
    """
    text = (files("lyaopt.benchmark") / "data" / _FILE).read_text(encoding="utf-8")
    head, *rows = csv.reader(text.splitlines())
    return tuple(head[1:]), np.array(rows, np.int64)[:, 1:]


def make_log(names: tuple[str, ...]) -> str:
    """Make the log, as the shipped file has it.

    Parameters
    ----------
    names : tuple of str
        Of the radios.
    """
    rows = drive_shares(len(names))
    lines = [",".join(("second", *names))]
    lines += [",".join(map(str, (second, *row))) for second, row in enumerate(rows.tolist())]
    return "\n".join(lines) + "\n"


def drive_shares(radios: int) -> Integers:
    """Shares in thousandths (SECONDS, M), by the law above.

    Parameters
    ----------
    radios : int
        M.
    """
    count = _BEFORE + SECONDS
    words = np.random.PCG64(np.random.SeedSequence([_SEED])).random_raw(count * radios)
    innovation = nearly_normal(np.asarray(words, np.uint64)).reshape(count, radios)
    # Rounded: the last bit of an exponential is not the same everywhere.
    memory = round(math.exp(-1.0 / _MEMORY_S), 12)
    noise = math.sqrt(1.0 - memory * memory)
    state, found = innovation[0], np.empty((count, radios))
    for row in range(count):
        state = memory * state + noise * innovation[row] if row else state
        found[row] = state
    shares = np.rint(_MIDDLE + _SPREAD * found[_BEFORE:])
    return np.clip(shares, 0, _WHOLE).astype(np.int64)


def nearly_normal(words: np.ndarray) -> Floats:
    """Mean 0, variance 1: the sum of the four 16-bit parts of each word, scaled.

    Parameters
    ----------
    words : ndarray of uint64
        Raw words of a generator.
    """
    parts = sum(
        ((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64) for shift in range(0, 64, 16)
    )
    return np.asarray((parts - 2 * 65535) / _STD_OF_SUM)
