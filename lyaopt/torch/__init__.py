"""The slot problems as differentiable functions of PyTorch tensors (extra `torch`).

`solve_slots` takes whole slots, `solve_local`, `solve_transmit` and `solve_edge` one of the three problems
each. Derivatives are exact and in closed form. On the CPU the compiled kernels solve and differentiate;
tensors on other devices stay there. PyTorch is imported when one of the functions is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lyaopt.io.extras import needs_extra

if TYPE_CHECKING:
    from lyaopt.torch.problems import (
        EdgeSolution,
        LocalSolution,
        TransmitSolution,
        solve_edge,
        solve_local,
        solve_transmit,
    )
    from lyaopt.torch.slots import SlotsSolution, solve_slots

_ORIGINS = {
    "EdgeSolution": "problems",
    "LocalSolution": "problems",
    "SlotsSolution": "slots",
    "TransmitSolution": "problems",
    "solve_edge": "problems",
    "solve_local": "problems",
    "solve_slots": "slots",
    "solve_transmit": "problems",
}

__all__ = [
    "EdgeSolution",
    "LocalSolution",
    "SlotsSolution",
    "TransmitSolution",
    "solve_edge",
    "solve_local",
    "solve_slots",
    "solve_transmit",
]


def __getattr__(name: str) -> Any:
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs_extra("torch"):
        return getattr(import_module(f"{__name__}.{_ORIGINS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
