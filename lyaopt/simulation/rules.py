"""Allocation rules: what the slot problems weigh services by in place of their backlogs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol, overload

import numpy as np

from lyaopt._kernels.simulation import rules as kernel
from lyaopt._kernels.simulation.task_queues import STAGES
from lyaopt._kernels.toolchain.jit import CORE, lane_loop
from lyaopt.arrays import Floats, as_floats, as_numbers, check_array, shown
from lyaopt.errors import ProblemError, RuleError
from lyaopt.simulation.rule_failures import rule_error
from lyaopt.simulation.slot_observation import SlotObservation

_NAMES = ("local", "transmit", "edge")


class Rule(Protocol):
    """A rule in Python: called in every slot, for all replications at once.

    One that keeps numbers from slot to slot sets them anew in slot 0. Its `name`, or that of the function, is
    its name in results.
    """

    def __call__(self, observation: SlotObservation) -> tuple[Any, Any, Any]:
        """Weigh the services of every replication in one slot.

        Parameters
        ----------
        observation : SlotObservation
            The slot before anything is served.

        Returns
        -------
        local, transmit, edge : array_like
            Weights >= 0 that broadcast to (S, B).
        """
        ...


class CompiledRule:
    """A rule that is compiled into the loop over slots.

    Parameters
    ----------
    function : callable
        ``function(view, weights)`` reads a `lyaopt.kernels.SlotView` and writes all of `weights` (3, N, L).
        It is compiled by Numba, or already is a function that Numba compiles.
    memory : int
        K, tables (3, N, L) that it keeps from slot to slot.

    Attributes
    ----------
    name : str
        Name of the function.
    memory : int
    """

    def __init__(self, function: Callable[..., Any], memory: int = 0) -> None:
        if not callable(function):
            raise ProblemError("$.rule", f"expected a function, got {shown(function)}")
        if not isinstance(memory, int) or isinstance(memory, bool) or memory < 0:
            raise ProblemError("$.memory", f"expected a whole number >= 0, got {shown(memory)}")
        self.function, self.memory = function, memory
        self.name: str = name_of(function)

    def __call__(self, view: kernel.SlotView, weights: Floats) -> None:
        """Call the function, for a test for example.

        Parameters
        ----------
        view : lyaopt.kernels.SlotView
            Read.
        weights : ndarray (3, N, L)
            Written.
        """
        self.function(view, weights)

    @cached_property
    def entry(self) -> kernel.RuleEntry:
        """The rule as kernels call it; the first access compiles it.

        Raises
        ------
        RuleError
            If Numba cannot compile the function.
        """
        function = self.function
        if CORE == "python":
            return kernel.RuleEntry(getattr(function, "py_func", function), self.name)
        from numba.core.errors import NumbaError

        try:
            return kernel.RuleEntry(function if is_jitted(function) else lane_loop(function), self.name)
        except NumbaError as error:
            raise RuleError(self.name, f"cannot be compiled: {_first_reason(error)}") from error


def _first_reason(error: Exception) -> str:
    """The lines of Numba's message that say what is wrong, without those that say how it got there."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Failed in", "During:", "File ", "<"))]
    return " ".join(told[:2]) if told else type(error).__name__


@overload
def allocation_rule(function: Callable[..., Any], *, memory: int = 0) -> CompiledRule: ...


@overload
def allocation_rule(function: None = None, *, memory: int = 0) -> Callable[..., CompiledRule]: ...


def allocation_rule(
    function: Callable[..., Any] | None = None, *, memory: int = 0
) -> CompiledRule | Callable[..., CompiledRule]:
    """Decorate a function that weighs the services in each slot; Numba compiles it into the simulator.

    Parameters
    ----------
    function : callable
        As of `CompiledRule`.
    memory : int
        K, tables (3, N, L) that it keeps from slot to slot, in `SlotView.memory`.

    Returns
    -------
    CompiledRule
        For `simulate` and `Simulator`.

    Raises
    ------
    ProblemError
        If `memory` is not a whole number >= 0, or what is decorated is not a function.

    Examples
    --------
    The rule of the paper::

        @lyaopt.allocation_rule
        def backlogs(view, weights):
            weights[:] = view.backlog
    """
    if function is None:
        return lambda decorated: CompiledRule(decorated, memory)
    return CompiledRule(function, memory)


def as_rule(rule: Any) -> CompiledRule | Rule:
    """Return what `simulate` is given as a rule, a function of Numba as a `CompiledRule`.

    Parameters
    ----------
    rule : object
        The argument.

    Raises
    ------
    ProblemError
        If it is neither a `CompiledRule` nor can be called with one observation.
    """
    if isinstance(rule, CompiledRule):
        return rule
    if is_jitted(rule):
        return CompiledRule(rule)
    if isinstance(rule, type) or not callable(rule):
        raise ProblemError("$.rule", f"expected a function or an allocation_rule, got {shown(rule)}")
    try:
        inspect.signature(rule).bind(None)
    except TypeError:
        reason = f"expected a function of one observation, got {name_of(rule)}{inspect.signature(rule)}"
        raise ProblemError("$.rule", reason) from None
    except ValueError:
        pass  # built-in functions may tell no signature
    found: Rule = rule
    return found


def is_jitted(function: Any) -> bool:
    """Return whether Numba compiles a function.

    Parameters
    ----------
    function : object
        Any object.
    """
    dispatcher = sys.modules.get("numba.core.dispatcher")
    return dispatcher is not None and isinstance(function, dispatcher.Dispatcher)


def name_of(rule: Any) -> str:
    """Return the name of a rule in results.

    Parameters
    ----------
    rule : object
        Its `name`, else its ``__name__``, else that of its class.
    """
    try:
        name = getattr(rule, "name", None) or getattr(rule, "__name__", None)
    except Exception:  # a property of the user's
        name = None
    return name if isinstance(name, str) else type(rule).__name__


def weigh(rule: Rule, observation: SlotObservation) -> Floats:
    """Ask a rule in Python for the weights of a slot.

    Parameters
    ----------
    rule : Rule
        Called.
    observation : SlotObservation
        Passed on.

    Returns
    -------
    ndarray (3, S, B)

    Raises
    ------
    RuleError
        If the rule raises an error, which is the cause.
    ProblemError
        If a weight has another shape, or is not a finite number >= 0; the path names it.
    """
    try:
        answer = rule(observation)
    except Exception as error:
        raise rule_error(name_of(rule), error, observation.slot) from error
    shape = len(observation.system.services), observation.replications
    try:
        local, transmit, edge = answer
    except (TypeError, ValueError):
        reason = f"rule {name_of(rule)}: expected weights (local, transmit, edge), got {shown(answer)}"
        raise ProblemError("$.rule", reason) from None
    weights = np.empty((STAGES, *shape))
    where = f"rule {name_of(rule)}, slot {observation.slot}"
    for stage, values in enumerate((local, transmit, edge)):
        weights[stage] = _checked(values, _NAMES[stage], shape, where)
    return weights


def _checked(values: Any, name: str, shape: tuple[int, int], where: str) -> Floats:
    try:
        wide = np.broadcast_to(as_numbers(values, name), shape)
    except ProblemError as error:
        raise ProblemError(error.path, f"{where}: {error.reason}") from None
    except ValueError:  # of another shape, or rows of different lengths
        got = np.asarray(values, object).shape
        reason = f"{where}: expected a shape that broadcasts to {shape}, got {got}"
        raise ProblemError(f"$.{name}", reason) from None
    try:
        weights = as_floats(wide, name, shape)
        weights = check_array(weights, lambda index: f"$.{name}[{index[0]}][{index[1]}]")
    except ProblemError as error:
        raise ProblemError(error.path, f"{where}: {error.reason}") from None
    return weights
