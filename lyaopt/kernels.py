"""The compiled kernels for use in jitted code; see docs/reference/kernels.md."""

from lyaopt._kernels.simulation.rules import SlotView, head_age_slots, head_work
from lyaopt._kernels.slot.certificate import edge_certificate, local_certificate, transmit_certificate
from lyaopt._kernels.slot.edge import edge_bisection, edge_exact, edge_many
from lyaopt._kernels.slot.local import local_bisection, local_exact, local_many
from lyaopt._kernels.slot.problems import (
    EdgeAllocation,
    EdgeProblem,
    LocalAllocation,
    LocalProblem,
    TransmitAllocation,
    TransmitProblem,
)
from lyaopt._kernels.slot.transmit import transmit_bisection, transmit_exact, transmit_many
from lyaopt._kernels.toolchain.jit import Kernel

__all__ = [
    "EdgeAllocation",
    "EdgeProblem",
    "Kernel",
    "LocalAllocation",
    "LocalProblem",
    "SlotView",
    "TransmitAllocation",
    "TransmitProblem",
    "edge_bisection",
    "edge_certificate",
    "edge_exact",
    "edge_many",
    "head_age_slots",
    "head_work",
    "local_bisection",
    "local_certificate",
    "local_exact",
    "local_many",
    "transmit_bisection",
    "transmit_certificate",
    "transmit_exact",
    "transmit_many",
]
