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
    """

    points: ArrayLike
    name: str = "fixed"

    def decide(self, observation: Observation) -> Decision:
        """The points, for good."""
        return Decision(self.points, for_good=True)


def least_cut(system: System) -> int:
    """The first cut that policies may choose: 1 where the scenario excludes sending raw inputs (C.11)."""
    return int(system.learning.exclude_cut_zero)


def middle_points(system: System) -> Integers:
    """The middle cut of each DNN, K // 2 (the paper's Fix-Cov)."""
    return (system.cut_counts - 1) // 2


def middle(system: System) -> Fixed:
    """Every task cut in the middle."""
    return Fixed(middle_points(system), "middle")


def all_local(system: System) -> Fixed:
    """Every task done on its device: k = K."""
    return Fixed(system.cut_counts - 1, "all-local")


def all_offload(system: System) -> Fixed:
    """Every input sent to the edge: k = 0."""
    return Fixed(np.zeros_like(system.cut_counts), "all-offload")
