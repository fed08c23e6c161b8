"""What the functions are given: types, values and shapes, checked before anything is solved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lyaopt.arrays import as_scalar, check_array, is_real, shown
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import path_of_entry
from lyaopt.slot.limits import check_signal

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
    device = device_of(list(named.values()))
    for name, value in named.items():
        if not isinstance(value, Tensor):
            if not (value is None if name in items else is_real(value)):
                kind = "a tensor" if name in items else "a tensor or a number"
                raise ProblemError(f"$.{name}", f"expected {kind}, got {shown(value)}")
            continue
        if value.dtype not in (torch.float32, torch.float64) or value.layout is not torch.strided:
            kind = f"{value.dtype} ({value.layout})".replace("torch.", "")
            raise ProblemError(f"$.{name}", f"expected a dense tensor of float32 or float64, got {kind}")
        if value.device != device and (value.ndim or value.device.type != "cpu"):
            reason = f"expected a tensor on {device}, as the others, got {value.device}"
            raise ProblemError(f"$.{name}", reason)


def device_of(values: list[Any]) -> torch.device:
    """Return the device of the tensors of more than one number, or of all if there are none; else the CPU.

    Parameters
    ----------
    values : list
        Tensors among other objects.
    """
    given = [value for value in values if isinstance(value, Tensor)]
    return ([v.device for v in given if v.ndim] or [v.device for v in given] or [torch.device("cpu")])[0]


def as_tensor(value: Number, device: torch.device) -> Tensor:
    """Return a tensor as it is, on a device, and a number in float64.

    Parameters
    ----------
    value : Tensor or float
        Checked.
    device : torch.device
        Of the tensors beside it.
    """
    if isinstance(value, Tensor):
        return value.to(device)
    return torch.tensor(value, dtype=torch.float64, device=device)


def checked_values(named: dict[str, Any], positive: frozenset[str]) -> dict[str, Any]:
    """Return the arguments without -0.0, and refuse what is not finite or negative.

    Tensors of other devices are not looked at: that would wait.

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
    return {name: _checked(value, name, name in positive) for name, value in named.items()}


def _checked(value: Any, name: str, positive: bool) -> Any:
    if not isinstance(value, Tensor):
        return as_scalar(value, name, positive=positive)
    if value.device.type != "cpu":
        return value + 0.0
    array = np.atleast_1d(value.detach().numpy())
    path = partial(path_of_entry, name) if value.ndim else lambda _: f"$.{name}"
    return value if check_array(array, path, positive=positive) is array else value + 0.0


def check_signals(gain: Tensor, power: Tensor, bandwidth: Tensor, noise: Tensor, tau: Tensor) -> None:
    """Refuse signals, noise and bits of a slot that doubles cannot hold, as `check_signal` of slots does.

    Parameters
    ----------
    gain, power, bandwidth, noise, tau : Tensor
        h, p^max, b_w, N_0 and the slot length in float64; their shapes fit each other.

    Raises
    ------
    ProblemError
    """
    if not all(values.numel() for values in (gain, power, bandwidth, noise, tau)):
        return
    arrays = np.broadcast_arrays(*(values.detach().numpy() for values in (gain, power, bandwidth)))
    h, p, band = (array.reshape(-1, 1) for array in arrays)  # each for itself
    try:
        check_signal(h, p, band, noise.item(), tau.detach().numpy())
    except ProblemError as error:
        name = "gain" if error.path.endswith("gain") else "bandwidth"
        raise ProblemError(f"$.{name}", error.reason) from None


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
