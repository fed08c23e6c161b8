"""Exact, certified, compiled solvers for Lyapunov-guided DNN offloading.

One slot of two devices with two services each, then two thousand slots of a whole system::

    import lyaopt

    solution = lyaopt.solve_slot(lyaopt.SlotProblem(
        slot_duration_s=0.01, energy_coefficient=1e-28, energy_weight_local=1e17, energy_weight_transmit=1e13,
        edge_capacity_hz=2e10, cpu_capacity_hz=[1.5e9, 1e9], max_power_w=[0.3, 0.2],
        channel_gain=[6e-11, 1e-11], bandwidth_hz=[5e5, 5e5], local_queue_cycles=[[4e7, 0.0], [2e7, 1e7]],
        transmit_queue_bits=[[3e6, 1e6], [0.0, 2e6]], edge_queue_cycles=[[0.0, 5e7], [1e7, 0.0]]))
    print(solution.local_cpu_hz, solution.rate_bps, solution.certificate.relative_gap)
    system = lyaopt.load_scenario("default")
    result = lyaopt.simulate(system, lyaopt.make_policy("middle", system), slots=2_000, seed=1)
    bound = lyaopt.energy_bound(system)
    print(f"{result.mean_energy_j} J per slot; no stable policy needs less than {bound.energy_j}")

Where to look:

One slot, many slots
    `SlotProblem`, `solve_slot`, `SlotSolution` (`Objective`, `Certificate`), slot after slot of one system
    `SlotSolver`; `SlotBatch`, `solve_slots`,
    `BatchSolution` (`BatchCertificate`); as JSON `parse_slot_document`, `format_solution`
A system
    `load_scenario`, or `System` of `Device` and `Service`; `load_profile`, `Profile` (a DNN and its cuts)
A system over time
    `simulate`, `Simulator`, `Result`; `make_policy`, `Policy` (to write your own); `Trace`, `load_trace`;
    `allocation_rule`, `SlotObservation` (to weigh services by other numbers than backlogs)
Policies side by side
    `evaluate`, `energy_bound` (the energy that no stable policy falls below)
Learned policies
    `load_policy`, and the module `lyaopt.learning`
Derivatives
    the module `lyaopt.torch`
Errors
    `LyaoptError`; below it `ProblemError` (a value), `DocumentError` (a file), `MissingExtraError`,
    `FolderLockedError`, `EngineError`, `ProfileError`, `RuleError`, `SolverError`, `DivergedError`,
    `ParseError`
Kernels in your own jitted code
    the module `lyaopt.kernels`
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lyaopt._version import __version__

if TYPE_CHECKING:
    from lyaopt.bounds import energy_bound
    from lyaopt.errors import (
        DivergedError,
        DocumentError,
        EngineError,
        FolderLockedError,
        LyaoptError,
        MissingExtraError,
        ParseError,
        ProblemError,
        ProfileError,
        RuleError,
        SolverError,
    )
    from lyaopt.evaluation import evaluate
    from lyaopt.learning import load_policy
    from lyaopt.model.profiles import Profile, load_profile
    from lyaopt.model.scenarios import load_scenario
    from lyaopt.model.system import Device, Service, System
    from lyaopt.policies import make_policy
    from lyaopt.simulation import (
        Policy,
        Result,
        Simulator,
        SlotObservation,
        Trace,
        allocation_rule,
        load_trace,
        simulate,
    )
    from lyaopt.slot.batch import SlotBatch
    from lyaopt.slot.batch_solution import BatchCertificate, BatchSolution
    from lyaopt.slot.documents import parse_slot_document
    from lyaopt.slot.problem import SlotProblem
    from lyaopt.slot.slot_solver import SlotSolver
    from lyaopt.slot.solution import Certificate, Objective, SlotSolution
    from lyaopt.slot.solution_documents import format_solution
    from lyaopt.slot.solve import solve_slot
    from lyaopt.slot.solve_batch import solve_slots

_ORIGINS = {
    "BatchCertificate": "slot.batch_solution",
    "BatchSolution": "slot.batch_solution",
    "Certificate": "slot.solution",
    "Device": "model.system",
    "DivergedError": "errors",
    "DocumentError": "errors",
    "EngineError": "errors",
    "FolderLockedError": "errors",
    "LyaoptError": "errors",
    "MissingExtraError": "errors",
    "Objective": "slot.solution",
    "ParseError": "errors",
    "Policy": "simulation",
    "ProblemError": "errors",
    "Profile": "model.profiles",
    "ProfileError": "errors",
    "Result": "simulation",
    "RuleError": "errors",
    "Service": "model.system",
    "Simulator": "simulation",
    "SlotBatch": "slot.batch",
    "SlotObservation": "simulation",
    "SlotProblem": "slot.problem",
    "SlotSolution": "slot.solution",
    "SlotSolver": "slot.slot_solver",
    "SolverError": "errors",
    "System": "model.system",
    "Trace": "simulation",
    "allocation_rule": "simulation",
    "energy_bound": "bounds",
    "evaluate": "evaluation",
    "format_solution": "slot.solution_documents",
    "load_policy": "learning",
    "load_profile": "model.profiles",
    "load_scenario": "model.scenarios",
    "load_trace": "simulation",
    "make_policy": "policies",
    "parse_slot_document": "slot.documents",
    "simulate": "simulation",
    "solve_slot": "slot.solve",
    "solve_slots": "slot.solve_batch",
}
"""Module of each name, imported when the name is first used."""
_MODULES = ("kernels", "learning", "torch")
"""Modules of the map above, imported likewise."""

__all__ = [
    "BatchCertificate",
    "BatchSolution",
    "Certificate",
    "Device",
    "DivergedError",
    "DocumentError",
    "EngineError",
    "FolderLockedError",
    "LyaoptError",
    "MissingExtraError",
    "Objective",
    "ParseError",
    "Policy",
    "ProblemError",
    "Profile",
    "ProfileError",
    "Result",
    "RuleError",
    "Service",
    "Simulator",
    "SlotBatch",
    "SlotObservation",
    "SlotProblem",
    "SlotSolution",
    "SlotSolver",
    "SolverError",
    "System",
    "Trace",
    "__version__",
    "allocation_rule",
    "energy_bound",
    "evaluate",
    "format_solution",
    "load_policy",
    "load_profile",
    "load_scenario",
    "load_trace",
    "make_policy",
    "parse_slot_document",
    "simulate",
    "solve_slot",
    "solve_slots",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ORIGINS[name]}"), name)
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})
