"""What enters the benchmark: makers of policies, and the guard that times them and names their errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lyaopt.errors import LyaoptError, ProblemError
from lyaopt.model.system import System
from lyaopt.policies import SearchOptions, is_searched, make_policy
from lyaopt.simulation import Decision, Observation, Policy
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


class Guarded:
    """A policy whose time is taken and whose errors become a `ProblemError`.

    Parameters
    ----------
    policy : Policy
        Asked in each period.
    place, who : str
        Path of the entry, and its name on an instance, for errors.

    Attributes
    ----------
    name : str
    rule : object
        The allocation rule of the policy, or None.
    seconds : float
        Spent in `decide`.
    """

    def __init__(self, policy: Any, place: str, who: str) -> None:
        self._policy, self._place, self._who = policy, place, who
        self.name = str(policy.name)
        self.rule = getattr(policy, "rule", None)
        self.seconds = 0.0

    def decide(self, observation: Observation) -> Decision:
        """Ask the policy.

        Parameters
        ----------
        observation : Observation
            Passed on.

        Returns
        -------
        Decision

        Raises
        ------
        ProblemError
            If the policy raises an error.
        """
        before = time.perf_counter()
        with errors_of(f"{self._place}.decide", self._who):
            decision: Decision = self._policy.decide(observation)
        self.seconds += time.perf_counter() - before
        return decision


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


@contextmanager
def errors_of(place: str, who: str) -> Iterator[None]:
    """Inside the block any error becomes a `ProblemError` at a path; one that is so already passes.

    Parameters
    ----------
    place : str
        The path.
    who : str
        Start of the reason.
    """
    try:
        yield
    except ProblemError as error:
        if error.path.startswith("$.policies["):
            raise
        raise ProblemError(place, f"{who}: {error}") from error
    except LyaoptError as error:
        if isinstance(error, ImportError):  # a missing extra is of the installation
            raise
        raise ProblemError(place, f"{who}: {error}") from error
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise ProblemError(place, f"{who}: {type(error).__name__}: {reason}{_line_of(error)}") from error


def _line_of(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame else ""
