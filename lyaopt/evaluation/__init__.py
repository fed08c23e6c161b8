"""Policies side by side on the same random numbers, with intervals and paired savings."""

from lyaopt.evaluation.comparison import Evaluation, Score, evaluate
from lyaopt.evaluation.estimates import Estimate, interquartile_mean, interval_of, middle_mean

__all__ = [
    "Estimate",
    "Evaluation",
    "Score",
    "evaluate",
    "interquartile_mean",
    "interval_of",
    "middle_mean",
]
