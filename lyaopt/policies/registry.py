"""Policies by name."""

from lyaopt.policies.fixed import all_local, all_offload, middle


def make_policy(name, system, **options):
    return {"middle": middle, "all-local": all_local, "all-offload": all_offload}[name](system)
