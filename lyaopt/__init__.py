"""Exact, certified, compiled solvers for Lyapunov-guided DNN offloading."""

from lyaopt._version import __version__
from lyaopt.errors import ProblemError
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.batch_solution import BatchCertificate, BatchSolution
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.solution import Certificate, Objective, SlotSolution
from lyaopt.slot.solve import solve_slot
from lyaopt.slot.solve_batch import solve_slots

__all__ = [
    "BatchCertificate",
    "BatchSolution",
    "Certificate",
    "Objective",
    "ProblemError",
    "SlotBatch",
    "SlotProblem",
    "SlotSolution",
    "__version__",
    "solve_slot",
    "solve_slots",
]
