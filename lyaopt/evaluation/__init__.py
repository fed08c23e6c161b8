"""Policies side by side on the same random numbers, with intervals, paired savings, and the frontier."""

from lyaopt.evaluation.comparison import Evaluation, Score, evaluate
from lyaopt.evaluation.estimates import (
    Estimate,
    interquartile_mean,
    interval_of,
    middle_mean,
    paired_estimate,
)
from lyaopt.evaluation.frontier import FrontierPoint, FrontierReport, compare_with_bound
from lyaopt.evaluation.over_bound import latency_curve, over_bound, over_bound_at_latency
from lyaopt.evaluation.trace_bound import trace_bound_j

__all__ = [
    "Estimate",
    "Evaluation",
    "FrontierPoint",
    "FrontierReport",
    "Score",
    "compare_with_bound",
    "evaluate",
    "interquartile_mean",
    "interval_of",
    "latency_curve",
    "middle_mean",
    "over_bound",
    "over_bound_at_latency",
    "paired_estimate",
    "trace_bound_j",
]
