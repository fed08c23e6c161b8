"""Exact, certified, compiled solvers for Lyapunov-guided DNN offloading."""

from lyaopt.batch import BatchCertificate, BatchSolution, SlotBatch, solve_slots
from lyaopt.problem import ProblemError
from lyaopt.slot import Certificate, Objective, SlotProblem, SlotSolution, solve_slot

__version__ = "0.1.0"

__all__ = [
    "BatchCertificate",
    "BatchSolution",
    "Certificate",
    "Objective",
    "ProblemError",
    "SlotBatch",
    "SlotProblem",
    "SlotSolution",
    "solve_slot",
    "solve_slots",
]
