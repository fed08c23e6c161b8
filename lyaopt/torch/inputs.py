"""What the functions are given: types, values and shapes, checked before anything is solved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from lyaopt.arrays import check_array, check_scalar, is_real, shown
from lyaopt.errors import ProblemError

Number = Tensor | float


def check_types(named: dict[str, Any], items: tuple[str, ...] = ()) -> None:
    """Refuse what is neither a dense tensor of floats nor a number, and tensors of several devices.

    Parameters
    ----------
    named : dict
        The arguments by name.
    items : tuple of str
        Names of those that must be tensors, or None.

    Raises
    ------
    ProblemError
        The path names the argument.
    """
    device: torch.device | None = None
    for name, value in named.items():
        if not isinstance(value, Tensor):
            if not (value is None if name in items else is_real(value)):
                kind = "a tensor" if name in items else "a tensor or a number"
                raise ProblemError(f"$.{name}", f"expected {kind}, got {shown(value)}")
            continue
        if value.dtype not in (torch.float32, torch.float64) or value.layout is not torch.strided:
            kind = f"{value.dtype} ({value.layout})".replace("torch.", "")
            raise ProblemError(f"$.{name}", f"expected a dense tensor of float32 or float64, got {kind}")
        if value.ndim and device not in (None, value.device):
            raise ProblemError(
                f"$.{name}", f"expected a tensor on {device}, as the others, got {value.device}"
            )
        device = value.device if value.ndim else device


def check_values(named: dict[str, Any], positive: frozenset[str]) -> None:
    """Refuse what is not finite or negative; tensors of other devices are not looked at: that would wait.

    Parameters
    ----------
    named : dict
        Tensors and numbers by name.
    positive : frozenset of str
        Names of those that must not be 0.

    Raises
    ------
    ProblemError
    """
    for name, value in named.items():
        if not isinstance(value, Tensor):
            check_scalar(value, name, positive=name in positive)
        elif value.device.type == "cpu" and value.ndim == 0:
            check_scalar(value.item(), name, positive=name in positive)
        elif value.device.type == "cpu":
            path = f"$.{name}"
            check_array(
                value.detach().numpy(),
                lambda index, path=path: f"{path}[{', '.join(map(str, index))}]",
                positive=name in positive,
            )


def type_of(given: list[Tensor]) -> torch.dtype:
    """Return the type of the solution: float32 where every tensor of more than one number is.

    Parameters
    ----------
    given : list of Tensor
        Of float32 or float64.
    """
    arrays = [v for v in given if v.ndim] or given
    wide = any(v.dtype == torch.float64 for v in arrays) or not arrays
    return torch.float64 if wide else torch.float32


def broadcast(*shapes: tuple[int, ...]) -> torch.Size:
    """Return the shape to which all broadcast.

    Parameters
    ----------
    *shapes : tuple of int
        Of tensors.

    Raises
    ------
    ProblemError
        If they do not fit each other.
    """
    try:
        return torch.broadcast_shapes(*shapes)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ProblemError("$", f"shapes do not fit each other: {reason}") from error


@contextmanager
def renamed(names: dict[str, str]) -> Iterator[None]:
    """Let errors name the arguments of the caller.

    Parameters
    ----------
    names : dict
        The caller's names by those in the errors.
    """
    try:
        yield
    except ProblemError as error:
        path = re.sub(r"^\$\.(\w+)", lambda found: f"$.{names.get(found[1], found[1])}", error.path)
        raise ProblemError(path, error.reason) from None
