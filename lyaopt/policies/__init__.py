"""Policies of the upper level, which choose the partition points."""

from lyaopt.policies.best_fixed import SearchResult, best_fixed, search_fixed
from lyaopt.policies.channel_table import Table, table
from lyaopt.policies.fixed import Fixed, all_local, all_offload, middle
from lyaopt.policies.greedy import Greedy, drift_plus_penalty
from lyaopt.policies.paired_trials import SearchOptions
from lyaopt.policies.price_policy import Price, price, price_rule, value
from lyaopt.policies.random import Random
from lyaopt.policies.registry import (
    is_priced,
    is_searched,
    make_policy,
    parse_points,
    policy_names,
    takes_traces,
)
from lyaopt.policies.rollout_policy import Planning, planning

__all__ = [
    "Fixed",
    "Greedy",
    "Planning",
    "Price",
    "Random",
    "SearchOptions",
    "SearchResult",
    "Table",
    "all_local",
    "all_offload",
    "best_fixed",
    "drift_plus_penalty",
    "is_priced",
    "is_searched",
    "make_policy",
    "middle",
    "parse_points",
    "planning",
    "policy_names",
    "price",
    "price_rule",
    "search_fixed",
    "table",
    "takes_traces",
    "value",
]
