"""Partition points that never change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Integers
from lyaopt.model.system import System
from lyaopt.simulation import Decision, Observation


@dataclass(frozen=True, eq=False)
class Fixed:
    """The same points in every period.

    Attributes
    ----------
    points : array_like of int (S,) or (S, B)
    name : str
    edges : array_like of int (M,) or (M, B), optional
        The edge server of each device, where there are several; by default that of best mean gain.
    """

    points: ArrayLike
    name: str = "fixed"
    edges: ArrayLike | None = None

    def decide(self, observation: Observation) -> Decision:
        """Return the points, for the whole run.

        Parameters
        ----------
        observation : Observation
            Not used.

        Returns
        -------
        Decision
        """
        return Decision(self.points, for_good=True, edges=self.edges)


def least_cut(system: System) -> int:
    """Return the first cut that policies may choose.

    Parameters
    ----------
    system : System
        Its `learning.exclude_cut_zero` decides.

    Returns
    -------
    int
        1 if the scenario excludes sending raw inputs (C.11), else 0.
    """
    return int(system.learning.exclude_cut_zero)


def middle_points(system: System) -> Integers:
    """Return the middle cut of each DNN, K // 2 (the paper's Fix-Cov).

    Parameters
    ----------
    system : System
        Gives K of each service.

    Returns
    -------
    ndarray (S,) of int
    """
    return (system.cut_counts - 1) // 2


def middle(system: System) -> Fixed:
    """Cut every task in the middle: `middle_points` of `system` as a policy."""
    return Fixed(middle_points(system), "middle")


def all_local(system: System) -> Fixed:
    """Process every task of `system` on its device: k = K."""
    return Fixed(system.cut_counts - 1, "all-local")


def all_offload(system: System) -> Fixed:
    """Send every input of `system` to the edge: k = 0."""
    return Fixed(np.zeros_like(system.cut_counts), "all-offload")
