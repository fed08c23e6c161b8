"""Policies of the upper level: who picks the partition points."""

from lyaopt.policies.fixed import Fixed, all_local, all_offload, middle
from lyaopt.policies.registry import make_policy

__all__ = ["Fixed", "all_local", "all_offload", "make_policy", "middle"]
