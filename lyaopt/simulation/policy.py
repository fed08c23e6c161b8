"""Observations and decisions of policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, Integers, shown
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.shares import Shares

if TYPE_CHECKING:
    from lyaopt.simulation.state import State


@dataclass(frozen=True)
class Decision:
    """Partition points of the coming periods and, if the policy allocates resources itself, their shares.

    Attributes
    ----------
    points : array_like of int (S,), (S, B) or (P, S, B)
        k of each service: the same in all replications, in each of them, or in each for P periods in a row.
    for_good : bool
        Whether the (last) points stay in force until the end of the run.
    shares : Shares, optional
        In force in all slots that the decision covers; left out, every slot is allocated exactly.
    edges : array_like of int (M,), (M, B) or (P, M, B), optional
        The edge server that each device is attached to, where there are several, as of `points`; left out,
        each stays where it is, at first at the server of best mean gain.
    """

    points: ArrayLike
    for_good: bool = False
    shares: Shares | None = None
    edges: ArrayLike | None = None


@runtime_checkable
class Policy(Protocol):
    """Chooses the partition points: it is called at the start of every period that it has not yet decided."""

    @property
    def name(self) -> str:
        """Name of the policy in results."""
        ...

    def decide(self, observation: Observation) -> Decision:
        """Choose partition points from the present period on.

        Parameters
        ----------
        observation : Observation
            State at the start of the period.

        Returns
        -------
        Decision
        """
        ...


def check_policy(value: Any, name: str) -> None:
    """Check that a value can be asked as a `Policy` is.

    Parameters
    ----------
    value : object
        The argument.
    name : str
        Name of the argument, for the error.

    Raises
    ------
    ProblemError
        If it lacks a name or a method `decide`; the name of a policy, for example, is not a policy.
    """
    if not (hasattr(value, "name") and callable(getattr(value, "decide", None))):
        raise ProblemError(f"$.{name}", f"expected a policy, as make_policy returns, got {shown(value)}")


@dataclass(frozen=True, eq=False)
class LinkObservation:
    """Edge servers and the links to them, at the start of a period.

    Attributes
    ----------
    edges : ndarray (M, B) of int
        The server that each device was attached to.
    backlog : ndarray (E, S, B)
        Q^e at each server, in cycles.
    channel_gain, mean_gain : ndarray (E, M, B)
        Gain of each link in the last slot, and its period mean; the mean gain before the first one.
    """

    edges: Integers
    backlog: Floats
    channel_gain: Floats
    mean_gain: Floats


@runtime_checkable
class SeesLinks(Protocol):
    """A state of several edge servers."""

    def observe_links(self) -> LinkObservation:
        """Return what policies see of them."""
        ...


class Observation:
    """State of B replications at the start of a period, as policies see it.

    Arrays are computed on access. Means are those of the period before, zeros before the first one.

    Attributes
    ----------
    system : System
    replications : int
        B.
    seed : int
        Seed of the run, for policies that draw random numbers themselves.
    state : State
        The simulator's own state; policies written in Python need not use it.
    """

    def __init__(self, state: State, seed: int) -> None:
        self.state = state
        self.system: System = state.system
        self.replications = state.layout.replications
        self.seed = seed

    @property
    def period(self) -> int:
        """Number of the period that begins, from 0."""
        return self.state.slot // self.system.slots_per_period

    @property
    def backlog(self) -> Floats:
        """Present Q^l in cycles, Q^t in bits, Q^e in cycles (3, S, B)."""
        return self.state.backlog()

    @property
    def mean_backlog(self) -> Floats:
        """Period means of the backlogs (3, S, B)."""
        return self.state.present_means()[0]

    @property
    def mean_service(self) -> Floats:
        """Period means of f^l in Hz, r in bit/s and f^e in Hz (3, S, B)."""
        return self.state.present_means()[1]

    @property
    def mean_power_w(self) -> Floats:
        """Period means of the transmit power (M, B)."""
        return self.state.present_means()[2]

    @property
    def channel_gain(self) -> Floats:
        """h in the last slot (M, B); the mean gain before the first one."""
        return self.state.last_gain()

    @property
    def mean_gain(self) -> Floats:
        """Period means of h (M, B); the mean gain before the first one."""
        return self.state.mean_gain()

    @property
    def points(self) -> Integers:
        """Partition points that were in force (S, B)."""
        return self.state.points()

    @property
    def links(self) -> LinkObservation | None:
        """What there is to see of several edge servers; None where there is one."""
        return self.state.observe_links() if isinstance(self.state, SeesLinks) else None


@dataclass(frozen=True, eq=False)
class Replay:
    """A policy that repeats the partition points of a trace.

    Attributes
    ----------
    partition : ndarray (P, S) of int
        Of each period; the last ones stay in force.
    name : str
        In results.
    edges : ndarray (P, M) of int, optional
        The edge servers of each period, where there are several.
    """

    partition: Integers
    name: str = "trace"
    edges: Integers | None = None

    def decide(self, observation: Observation) -> Decision:
        """Decide all periods at once.

        Parameters
        ----------
        observation : Observation
            Not used.
        """
        edges = None if self.edges is None else self.edges[:, :, None]
        return Decision(self.partition[:, :, None], for_good=True, edges=edges)
