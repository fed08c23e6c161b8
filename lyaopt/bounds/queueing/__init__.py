"""LB4: what tasks pay at least when they queue for each other's machines."""

from lyaopt.bounds.queueing.queueing_bound import Accuracy, QueueingBound, queueing_bound

__all__ = ["Accuracy", "QueueingBound", "queueing_bound"]
