"""Partition points drawn at random (the paper's Random-Cov)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.simulation import Decision, Observation

_PURPOSE = 0x72616E646F6D  # "random": second half of the key, so that no other draws share it
_AHEAD = 1000
_DRAWS = 200_000
"""Most periods and draws decided at once: the kernels should not be called for each period."""


@dataclass(frozen=True)
class Random:
    """A cut drawn evenly from the legal ones, for each service in each period of each system.

    A draw depends on the run's seed and on its period, system and service; on nothing else, neither on how
    many replications run beside it nor on when it is made.
    """

    name: str = "random"

    def decide(self, observation: Observation) -> Decision:
        """Draws for many periods to come."""
        services = len(observation.system.services)
        periods = min(_AHEAD, max(1, _DRAWS // (services * observation.replications)))
        return Decision(draw_points(observation, periods))


def draw_points(observation: Observation, periods: int) -> Integers:
    """Points of the present period and those after it (P, S, B)."""
    system = observation.system
    draws = _uniforms(observation.seed, observation.period, periods, observation.replications, system)
    least = least_cut(system)
    return np.asarray(
        least + (np.moveaxis(draws, 1, 2) * (system.cut_counts - least)[:, None]).astype(np.int64)
    )


def _uniforms(seed: int, first: int, periods: int, replications: int, system: System) -> np.ndarray:
    """Numbers in [0, 1) of shape (P, B, S)."""
    # A period is one place of the counter's second word. System by system within it, so that more
    # replications only draw further.
    count = replications * len(system.services)
    key, counter = np.array([seed, _PURPOSE], np.uint64), np.array([0, first, 0, 0], np.uint64)
    bits = np.random.Philox(key=key, counter=counter)
    draws = np.empty((periods, count), np.uint64)
    for line in draws:
        line[:] = bits.random_raw(count)
        bits.advance(2**64 - -(-count // 4))
    return (draws >> np.uint64(11)).reshape(periods, replications, -1) * 2.0**-53
