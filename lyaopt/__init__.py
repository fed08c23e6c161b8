"""Exact, certified, compiled solvers for Lyapunov-guided DNN offloading.

Three devices in one slot, solved to the last digit::

    import lyaopt

    system = lyaopt.load_scenario("default")
    policy = lyaopt.make_policy("middle", system)
    result = lyaopt.simulate(system, policy, slots=2_000, seed=1)
    bound = lyaopt.energy_bound(system)
    assert result.mean_energy_j > bound.energy_j

Where to look
-------------
One slot, many slots
    `SlotProblem`, `solve_slot`, `SlotSolution`; `SlotBatch`, `solve_slots`, `BatchSolution`
A system over time
    `load_scenario`, `System`, `simulate`, `make_policy`, `evaluate`, `energy_bound`
Learned policies
    `load_policy`, and `lyaopt.learning`
Errors
    `LyaoptError`, and below it `ProblemError`, `DocumentError`, `MissingExtraError`
Kernels in your own jitted code
    `lyaopt.kernels`
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lyaopt._version import __version__

if TYPE_CHECKING:
    from lyaopt.bounds import energy_bound
    from lyaopt.errors import DocumentError, LyaoptError, MissingExtraError, ProblemError
    from lyaopt.evaluation import evaluate
    from lyaopt.learning import load_policy
    from lyaopt.model.scenarios import load_scenario
    from lyaopt.model.system import System
    from lyaopt.policies import make_policy
    from lyaopt.simulation import simulate
    from lyaopt.slot.batch import SlotBatch
    from lyaopt.slot.batch_solution import BatchCertificate, BatchSolution
    from lyaopt.slot.problem import SlotProblem
    from lyaopt.slot.solution import Certificate, Objective, SlotSolution
    from lyaopt.slot.solve import solve_slot
    from lyaopt.slot.solve_batch import solve_slots

_ORIGINS = {
    "BatchCertificate": "slot.batch_solution",
    "BatchSolution": "slot.batch_solution",
    "Certificate": "slot.solution",
    "DocumentError": "errors",
    "LyaoptError": "errors",
    "MissingExtraError": "errors",
    "Objective": "slot.solution",
    "ProblemError": "errors",
    "SlotBatch": "slot.batch",
    "SlotProblem": "slot.problem",
    "SlotSolution": "slot.solution",
    "System": "model.system",
    "energy_bound": "bounds",
    "evaluate": "evaluation",
    "load_policy": "learning",
    "load_scenario": "model.scenarios",
    "make_policy": "policies",
    "simulate": "simulation",
    "solve_slot": "slot.solve",
    "solve_slots": "slot.solve_batch",
}
"""Where each name comes from; imported when it is first used."""

__all__ = [
    "BatchCertificate",
    "BatchSolution",
    "Certificate",
    "DocumentError",
    "LyaoptError",
    "MissingExtraError",
    "Objective",
    "ProblemError",
    "SlotBatch",
    "SlotProblem",
    "SlotSolution",
    "System",
    "__version__",
    "energy_bound",
    "evaluate",
    "load_policy",
    "load_scenario",
    "make_policy",
    "simulate",
    "solve_slot",
    "solve_slots",
]


def __getattr__(name: str) -> Any:
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_ORIGINS[name]}"), name)
    globals()[name] = found  # the next look finds it at once
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
