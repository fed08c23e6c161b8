"""What enters the benchmark: makers of policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lyaopt.model.system import System
from lyaopt.policies import SearchOptions, is_searched, make_policy
from lyaopt.policies.own_policy import Guarded, errors_of
from lyaopt.simulation import Policy
from lyaopt.simulation.policy import check_policy

REFERENCES = ("middle", "all-local", "all-offload", "best-fixed", "greedy", "price")
"""Policies beside which every entry is shown."""


@dataclass(frozen=True)
class Entry:
    """A policy of the benchmark, made anew for each instance.

    Attributes
    ----------
    label : str
        Name in tables and documents, different for each entry.
    make : callable
        Takes the system of an instance and the `SearchOptions` of the budget, and returns a policy.
    """

    label: str
    make: Callable[[System, SearchOptions], Policy]


def shipped_entry(name: str) -> Entry:
    """Make an entry of a policy that lyaopt ships.

    Parameters
    ----------
    name : str
        As of `lyaopt.policies.make_policy`. Searched policies keep within the budget of the suite.

    Returns
    -------
    Entry
    """

    def make(system: System, options: SearchOptions) -> Policy:
        if not is_searched(name):
            return make_policy(name, system)
        return make_policy(name, system, **vars(options))

    return Entry(name, make)


def own_entry(label: str, factory: Callable[[System], Any]) -> Entry:
    """Make an entry of a policy of one's own.

    Parameters
    ----------
    label : str
        Such as ``my_module:MyPolicy``.
    factory : callable
        A class or function that takes the system of an instance and returns a policy. The waiting costs are
        `system.waiting_costs_j_per_s`.

    Returns
    -------
    Entry
    """
    return Entry(label, lambda system, options: factory(system))


def guarded(entry: Entry, place: str, system: System, options: SearchOptions, instance: str) -> Guarded:
    """Make the policy of an entry.

    Parameters
    ----------
    entry : Entry
        The entry.
    place : str
        Its path, for errors.
    system : System
        Of the instance.
    options : SearchOptions
        Of searches.
    instance : str
        Its name, for errors.

    Raises
    ------
    ProblemError
        If it raises an error, or what it returns is not a policy.
    """
    who = f"{entry.label} on {instance}"
    with errors_of(place, who):
        policy = entry.make(system, options)
        check_policy(policy, "policy")
        return Guarded(policy, place, who)
