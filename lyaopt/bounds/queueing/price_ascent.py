"""Tolls at which LB4 is large. It is concave in them, and largest where tasks use what time there is.

A toll rises where tasks use more of the machine's time than there is, and falls where they use less, by a
share of itself that shrinks from step to step. Any tolls give a bound; these are good ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.device_program import DeviceProgram, Evaluation, Prices
from lyaopt.bounds.queueing.resources import Resource
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
    return climb(program.evaluate, _starts(program), partial(_moved, program), (steps, watch))


def climb(
    evaluate: Callable[[Any], Any],
    starts: Iterable[Any],
    moved: Callable[[Any, Any, float], Any],
    limits: tuple[int, Callable[[int], bool]],
) -> Any:
    """The best prices of a climb.

    Parameters
    ----------
    evaluate : callable
        What is found at prices; its `value` is to be large.
    starts : iterable
        Prices to start from.
    moved : callable
        Given what was found at prices, these, and the size of a step: the next prices.
    limits : (int, callable)
        `steps` and `watch` of `best_prices`.
    """
    best = max(((evaluate(prices), prices) for prices in starts), key=lambda pair: float(pair[0].value))
    (found, prices), (steps, watch) = best, limits
    for step in range(steps):
        if not watch(step):
            break
        prices = moved(found, prices, _STEP * _SHRINK**step)
        found = evaluate(prices)
        if found.value > best[0].value:
            best = found, prices
    return best[1]


def _starts(program: DeviceProgram) -> Iterator[Prices]:
    """Shares of g(nu) - g(nu(1)), nu the price of work where as many tasks wait as the chain has."""
    cpu, radio = program.resources
    transmit = program.chain.transmit.tasks
    dear = radio.gains(radio.price(np.maximum(transmit, 1.0))) - radio.gains(radio.price(np.ones(1)))
    for share, local in zip(_STARTS, local_starts(cpu, program.chain.local.tasks), strict=True):
        yield Prices(local, share * np.maximum(dear, 0.0) * radio.works)


def local_starts(cpu: Resource, tasks: Floats) -> Iterator[Floats]:
    """Tolls (X, 1) of a CPU to start from.

    Parameters
    ----------
    cpu : Resource
        The CPU.
    tasks : ndarray (X,)
        Tasks waiting in the reference system.
    """
    for share in _STARTS:
        yield share * np.maximum(tasks - _ALREADY_THERE, 0.0)[:, None] * cpu.works


def _moved(program: DeviceProgram, found: Evaluation, prices: Prices, step: float) -> Prices:
    sides = program.chain.local, program.chain.transmit
    moved = []
    parts = zip(sides, program.resources, expected_use(program, found), strict=True)
    for (side, resource, used), old in zip(parts, (prices.local, prices.transmit), strict=True):
        there = side.summed(program.chain.long_run.law)[:, None] * resource.machine.share
        moved.append(toll_step(old, used, there, step))
    return Prices(*moved)


def toll_step(old: Floats, used: Floats, there: Floats, step: float) -> Floats:
    """Tolls after a step of the climb.

    Parameters
    ----------
    old, used, there : ndarray (X, J)
        Tolls, the mean machine time that tasks use, and that there is.
    step : float
        Size of the step.
    """
    surplus = np.clip(used / np.maximum(there, 1e-300) - 1.0, -1.0, 1.0)
    return np.maximum(old + step * (old + _LEAST) * surplus, 0.0)
