"""Policies of the user's own: by ``MODULE:CLASS``, and the guard that times them and names their errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lyaopt.errors import LyaoptError, ProblemError
from lyaopt.io.user_modules import load_object
from lyaopt.model.system import System
from lyaopt.simulation import Decision, Observation, Policy
from lyaopt.simulation.policy import check_policy

_NAME = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")
"""A module and a name. Points as text have commas, slashes or numbers: ``phone/detect=Identity:0``."""


def is_own(name: str) -> bool:
    """Tell whether `name` is that of a policy of one's own, ``MODULE:CLASS``."""
    return _NAME.fullmatch(name) is not None


def own_factory(name: str) -> Callable[[System], Any]:
    """Import the class or function that makes a policy.

    Parameters
    ----------
    name : str
        As ``MODULE:CLASS``; modules in the current folder are found.

    Raises
    ------
    ProblemError
        `$.policy`, if there is none.
    """
    factory = load_object(name, "$.policy")
    if not callable(factory):
        raise ProblemError("$.policy", f"{name}: expected a class or a function, got {factory!r:.60}")
    return factory


def own_policy(name: str, system: System) -> Policy:
    """Make a policy of one's own.

    Parameters
    ----------
    name : str
        As ``MODULE:CLASS``; the class or function takes the system.
    system : System
        To be served.

    Raises
    ------
    ProblemError
        If there is none, it raises an error, or what it returns is not a policy. Errors that the policy
        raises in a run have the path `$.policy.decide`.
    """
    factory = own_factory(name)
    with errors_of("$.policy", name):
        policy = factory(system)
        check_policy(policy, "policy")
    return Guarded(policy, "$.policy", name)


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
