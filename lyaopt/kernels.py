"""The compiled kernels for use in jitted code; see docs/reference/kernels.md."""

from lyaopt._kernels.simulation.price_function import PricedCuts, PricedQueues, price_cuts, price_weights
from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices
from lyaopt._kernels.simulation.rules import SlotView, head_age_slots, head_work
from lyaopt._kernels.slot.certificate import edge_certificate, local_certificate, transmit_certificate
from lyaopt._kernels.slot.certificate_lanes import edge_gaps, local_gaps, transmit_gaps
from lyaopt._kernels.slot.edge import edge_bisection, edge_exact, edge_many
from lyaopt._kernels.slot.general_certificate import (
    general_edge_certificate,
    general_local_certificate,
    general_local_energies,
    general_transmit_certificate,
)
from lyaopt._kernels.slot.general_edge import general_edge_bisection, general_edge_exact, general_edge_many
from lyaopt._kernels.slot.general_local import (
    general_local_bisection,
    general_local_exact,
    general_local_many,
)
from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
)
from lyaopt._kernels.slot.general_transmit import (
    general_transmit_bisection,
    general_transmit_exact,
    general_transmit_many,
)
from lyaopt._kernels.slot.local import local_bisection, local_exact, local_many
from lyaopt._kernels.slot.parts import WHOLE
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
    "WHOLE",
    "Cuts",
    "EdgeAllocation",
    "EdgeProblem",
    "GeneralEdgeProblem",
    "GeneralLocalProblem",
    "GeneralTransmitProblem",
    "Kernel",
    "LocalAllocation",
    "LocalProblem",
    "PricedCuts",
    "PricedQueues",
    "Prices",
    "SlotView",
    "TransmitAllocation",
    "TransmitProblem",
    "edge_bisection",
    "edge_certificate",
    "edge_exact",
    "edge_gaps",
    "edge_many",
    "general_edge_bisection",
    "general_edge_certificate",
    "general_edge_exact",
    "general_edge_many",
    "general_local_bisection",
    "general_local_certificate",
    "general_local_energies",
    "general_local_exact",
    "general_local_many",
    "general_transmit_bisection",
    "general_transmit_certificate",
    "general_transmit_exact",
    "general_transmit_many",
    "head_age_slots",
    "head_work",
    "local_bisection",
    "local_certificate",
    "local_exact",
    "local_gaps",
    "local_many",
    "price_cuts",
    "price_weights",
    "transmit_bisection",
    "transmit_certificate",
    "transmit_exact",
    "transmit_gaps",
    "transmit_many",
]
