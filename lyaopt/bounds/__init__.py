"""Lower bounds on the energy that any policy spends, and on energy and waiting together."""

from lyaopt.bounds.backlog import BacklogBound, backlog_bound
from lyaopt.bounds.best_waiting import best_energy_at_latency, best_waiting_bound
from lyaopt.bounds.latency import Frontier, LatencyBound, energy_at_latency, frontier
from lyaopt.bounds.long_run import Bound, dual_value, energy_bound
from lyaopt.bounds.queueing import QueueingBound, queueing_bound
from lyaopt.bounds.sample_path import RealisedBound, realised_bound
from lyaopt.bounds.waiting import WaitingBound, waiting_bound

__all__ = [
    "BacklogBound",
    "Bound",
    "Frontier",
    "LatencyBound",
    "QueueingBound",
    "RealisedBound",
    "WaitingBound",
    "backlog_bound",
    "best_energy_at_latency",
    "best_waiting_bound",
    "dual_value",
    "energy_at_latency",
    "energy_bound",
    "frontier",
    "queueing_bound",
    "realised_bound",
    "waiting_bound",
]
