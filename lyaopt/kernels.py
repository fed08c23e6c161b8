"""The compiled kernels for use in jitted code; see docs/kernels.md."""

from lyaopt._kernels._jit import Kernel
from lyaopt._kernels.certificate import edge_certificate, local_certificate, transmit_certificate
from lyaopt._kernels.edge import edge_bisection, edge_exact, edge_many
from lyaopt._kernels.local import local_bisection, local_exact, local_many
from lyaopt._kernels.transmit import transmit_bisection, transmit_exact, transmit_many

__all__ = [
    "Kernel",
    "edge_bisection",
    "edge_certificate",
    "edge_exact",
    "edge_many",
    "local_bisection",
    "local_certificate",
    "local_exact",
    "local_many",
    "transmit_bisection",
    "transmit_certificate",
    "transmit_exact",
    "transmit_many",
]
