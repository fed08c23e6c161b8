"""Tolls at which LB4 is large. It is concave in them, and largest where tasks use what time there is.

A toll rises where tasks use more of the machine's time than there is, and falls where they use less, by a
share of itself that shrinks from step to step. Any tolls give a bound; these are good ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.device_program import DeviceProgram, Evaluation, Prices
from lyaopt.bounds.queueing.usage import expected_use

_STARTS = (0.0, 0.3, 0.6, 0.9)
"""Tolls to start from, as shares of what the tasks in front are worth at the machine."""
_ALREADY_THERE = 0.8
"""Tasks waiting, of those the reference system has, up to which nothing is charged at the start."""
_STEP, _SHRINK = 0.5, 0.97
_LEAST = 0.3
"""Tolls below this move as if they were this, so that they can rise from 0."""


def best_prices(program: DeviceProgram, steps: int, watch: Callable[[int], bool]) -> Prices:
    """Tolls found by a climb from the best of a few starts.

    Parameters
    ----------
    program : DeviceProgram
        The device.
    steps : int
        Steps of the climb.
    watch : callable
        Told the number of steps done; False ends the climb.
    """
    candidates = [(program.evaluate(prices), prices) for prices in _starts(program)]
    best = max(candidates, key=lambda pair: pair[0].value)
    found, prices = best
    for step in range(steps):
        if not watch(step):
            break
        prices = _moved(program, found, prices, _STEP * _SHRINK**step)
        found = program.evaluate(prices)
        if found.value > best[0].value:
            best = found, prices
    return best[1]


def _starts(program: DeviceProgram) -> Iterator[Prices]:
    """Shares of g(nu) - g(nu(1)), nu the price of work where as many tasks wait as the chain has."""
    cpu, radio = program.resources
    local, transmit = program.chain.local.tasks, program.chain.transmit.tasks
    dear = radio.gains(radio.price(np.maximum(transmit, 1.0))) - radio.gains(radio.price(np.ones(1)))
    for share in _STARTS:
        excess = np.maximum(local - _ALREADY_THERE, 0.0)[:, None]
        yield Prices(share * excess * cpu.works, share * np.maximum(dear, 0.0) * radio.works)


def _moved(program: DeviceProgram, found: Evaluation, prices: Prices, step: float) -> Prices:
    sides = program.chain.local, program.chain.transmit
    moved = []
    parts = zip(sides, program.resources, expected_use(program, found), strict=True)
    for (side, resource, used), old in zip(parts, (prices.local, prices.transmit), strict=True):
        there = side.summed(program.chain.long_run.law)[:, None] * resource.machine.share
        moved.append(_toll_step(old, used, there, step))
    return Prices(*moved)


def _toll_step(old: Floats, used: Floats, there: Floats, step: float) -> Floats:
    surplus = np.clip(used / np.maximum(there, 1e-300) - 1.0, -1.0, 1.0)
    return np.maximum(old + step * (old + _LEAST) * surplus, 0.0)
