"""Lower bounds on the energy that any policy spends, and on energy and waiting together."""

from lyaopt.bounds.latency_bound import Frontier, LatencyBound, energy_at_latency, frontier
from lyaopt.bounds.long_run import Bound, dual_value, energy_bound
from lyaopt.bounds.sample_path import RealisedBound, realised_bound
from lyaopt.bounds.waiting_bound import WaitingBound, waiting_bound

__all__ = [
    "Bound",
    "Frontier",
    "LatencyBound",
    "RealisedBound",
    "WaitingBound",
    "dual_value",
    "energy_at_latency",
    "energy_bound",
    "frontier",
    "realised_bound",
    "waiting_bound",
]
