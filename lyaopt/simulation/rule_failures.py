"""What is raised where an allocation rule fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lyaopt._kernels.simulation.rules import FAILED_SLOT, RAISED
from lyaopt._kernels.toolchain.function_pointers import heard_errors
from lyaopt.arrays import Integers
from lyaopt.errors import ProblemError, RuleError


def rule_error(name: str, error: BaseException, slot: int) -> RuleError:
    """Return the error that says what a rule raised, where and when.

    Parameters
    ----------
    name : str
        Name of the rule.
    error : BaseException
        What it raised.
    slot : int
        The slot.
    """
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" ({frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})" if frame else ""
    return RuleError(name, f"raised {type(error).__name__} in slot {slot}: {error}{place}")


@contextmanager
def failures_of(name: str, failed: Integers) -> Iterator[None]:
    """Raise what a compiled rule did wrong in the slots that are simulated meanwhile.

    Parameters
    ----------
    name : str
        Name of the rule.
    failed : ndarray (2,) of int
        That of the kernels' model.

    Raises
    ------
    RuleError
        If it raised an error, which is the cause.
    ProblemError
        If it wrote a weight that is not a finite number >= 0.
    """
    with heard_errors() as heard:
        yield
    slot = int(failed[FAILED_SLOT])
    if slot >= 0 and heard:
        raise rule_error(name, heard[0], slot) from heard[0]
    if slot >= 0 and failed[RAISED]:
        raise RuleError(name, f"raised an error in slot {slot}")
    if slot >= 0:
        raise ProblemError("$.rule", f"rule {name}, slot {slot}: expected weights that are finite and >= 0")
