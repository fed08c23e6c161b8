"""Learning the partition points: environments, networks, and the algorithms that train them."""

from lyaopt.learning.systems import VectorSystems

__all__ = ["VectorSystems"]
