"""Lower bounds on the energy that any policy spends."""

from lyaopt.bounds.long_run import Bound, dual_value, energy_bound
from lyaopt.bounds.sample_path import RealisedBound, realised_bound

__all__ = ["Bound", "RealisedBound", "dual_value", "energy_bound", "realised_bound"]
