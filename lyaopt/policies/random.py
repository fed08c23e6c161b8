"""Partition points drawn at random (the paper's Random-Cov)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.policies.fixed import least_cut
from lyaopt.simulation import Decision, Observation

_PURPOSE = 0x72616E646F6D  # "random": second half of the key, which no other stream uses
_EDGES = 0x6564676573  # "edges"
_MOST_PERIODS = 1000
_MOST_DRAWS = 200_000
"""Limits of one decision, which covers many periods to save calls of the kernels."""


@dataclass(frozen=True)
class Random:
    """Draws a cut uniformly from the legal ones, for each service, period and replication.

    With several edge servers it also draws one of those that a device reaches, for each device.
    A draw depends only on the run's seed, the period, the replication and the service or device: not on the
    number of replications, nor on how many periods one decision covers.

    Attributes
    ----------
    name : str
    """

    name: str = "random"

    def decide(self, observation: Observation) -> Decision:
        """Draw the points (P, S, B) of the next P periods.

        Parameters
        ----------
        observation : Observation
            Gives the system, the seed and the period; its backlogs are not used.

        Returns
        -------
        Decision
        """
        services = len(observation.system.services)
        periods = min(_MOST_PERIODS, max(1, _MOST_DRAWS // (services * observation.replications)))
        points = draw_points(observation, periods)
        edges = None if observation.system.edges is None else draw_edges(observation, periods)
        return Decision(points, edges=edges)


def draw_points(observation: Observation, periods: int) -> Integers:
    """Draw the points of the present period and the following ones.

    Parameters
    ----------
    observation : Observation
        Gives the system, the seed, the present period and B.
    periods : int
        P.

    Returns
    -------
    ndarray (P, S, B) of int
    """
    system = observation.system
    draws = _uniforms(observation, periods, _PURPOSE, len(system.services))
    least = least_cut(system)
    return np.asarray(
        least + (np.moveaxis(draws, 1, 2) * (system.cut_counts - least)[:, None]).astype(np.int64)
    )


def draw_edges(observation: Observation, periods: int) -> Integers:
    """Draw the edge servers of the present period and the following ones.

    Parameters
    ----------
    observation : Observation
        As of `draw_points`.
    periods : int
        P.

    Returns
    -------
    ndarray (P, M, B) of int
    """
    reached = observation.system.links.reached
    draws = _uniforms(observation, periods, _EDGES, reached.shape[1])
    order = np.argsort(~reached, axis=0, kind="stable")  # those that a device reaches come first
    places = (draws * reached.sum(axis=0)).astype(np.int64)
    return np.moveaxis(order[places, np.arange(reached.shape[1])], 1, 2)


def _uniforms(observation: Observation, periods: int, purpose: int, each: int) -> np.ndarray:
    """Numbers in [0, 1) of shape (P, B, each)."""
    # The second word of the counter is the period. Replications follow one another within a period, so that
    # adding some does not change the draws of the others.
    count = observation.replications * each
    key = np.array([observation.seed, purpose], np.uint64)
    counter = np.array([0, observation.period, 0, 0], np.uint64)
    bits = np.random.Philox(key=key, counter=counter)
    draws = np.empty((periods, count), np.uint64)
    for line in draws:
        line[:] = bits.random_raw(count)
        bits.advance(2**64 - -(-count // 4))
    return (draws >> np.uint64(11)).reshape(periods, observation.replications, -1) * 2.0**-53
