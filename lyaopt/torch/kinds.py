"""The three problems: their parameters, and the kernels that solve, certify and differentiate them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt._kernels.slot.edge_gradient import edge_gradient
from lyaopt._kernels.slot.general_certificate import (
    general_edge_certificate,
    general_local_certificate,
    general_transmit_certificate,
)
from lyaopt._kernels.slot.general_edge import general_edge_exact, general_edge_many
from lyaopt._kernels.slot.general_local import general_local_exact, general_local_many
from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
)
from lyaopt._kernels.slot.general_transmit import general_transmit_exact, general_transmit_many
from lyaopt._kernels.slot.gradient_types import EdgeGradient, LocalGradient, TransmitGradient
from lyaopt._kernels.slot.local_gradient import local_gradient
from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
from lyaopt._kernels.slot.transmit_gradient import transmit_gradient
from lyaopt.arrays import Floats


@dataclass(frozen=True)
class Kind:
    """One of the three problems.

    Attributes
    ----------
    name : {"local", "transmit", "edge"}
    parameters : tuple of str
        Names of its numbers besides weights and limits, in the order of its functions.
    positive : frozenset of str
        Those that must not be 0.
    pose : callable
        The kernels' problem, of weights, limits and a dictionary of parameters.
    allocation, gradient : type
        What the kernels write.
    exact, many, certify, differentiate : callable
        Solvers by sorting and by selection, certificate and gradient.
    """

    name: str
    parameters: tuple[str, ...]
    positive: frozenset[str]
    pose: Callable[[Floats, Floats, dict[str, Floats]], Any]
    allocation: Any
    gradient: Any
    exact: Any
    many: Any
    certify: Any
    differentiate: Any

    def solve(self, problem: Any) -> Any:
        """Return the allocation of a problem of the kernels.

        Parameters
        ----------
        problem : NamedTuple
            As `pose` returns it.
        """
        items, lanes = problem.limits.shape
        empty = np.zeros if 0 in (items, lanes) else np.empty
        rows = [empty(lanes) for _ in self.allocation._fields[1:]]
        allocation = self.allocation(empty((items, lanes)), *rows)
        if items and lanes:
            (self.many if items > NETWORK_ITEMS else self.exact)(problem, allocation)
        return allocation


def _devices(parameters: dict[str, Floats], lanes: int) -> int:
    """Number of devices that arrays of one number a device imply."""
    return max((values.size for values in parameters.values() if values.size < lanes), default=1)


def _local(weights: Floats, limits: Floats, parameters: dict[str, Floats]) -> GeneralLocalProblem:
    curve = np.full(_devices(parameters, limits.shape[1]), -1)
    return GeneralLocalProblem(weights, limits, **parameters, curve=curve, curve_hz=_NONE, curve_slope=_NONE)


def _transmit(weights: Floats, limits: Floats, parameters: dict[str, Floats]) -> GeneralTransmitProblem:
    own = dict(parameters)
    noise = float(own.pop("noise")[0])
    return GeneralTransmitProblem(
        weights,
        limits,
        **own,
        noise=noise,
        measured=np.zeros(_devices(own, limits.shape[1]), dtype=np.int64),
        radio_rate=np.empty(0),
        radio_power=np.empty(0),
    )


def _edge(weights: Floats, limits: Floats, parameters: dict[str, Floats]) -> GeneralEdgeProblem:
    lanes = limits.shape[1]
    # the kernels take (1,) or (L,), as a lane is a slot; here the last axis may be any
    spread = {
        name: values if values.size in (1, lanes) else np.repeat(values, lanes // values.size)
        for name, values in parameters.items()
    }
    return GeneralEdgeProblem(weights, limits, **spread)


_NONE = np.empty((0, 0))
LOCAL = Kind(
    "local",
    ("capacity", "tau", "energy_weight", "delta"),
    frozenset({"tau"}),
    _local,
    LocalAllocation,
    LocalGradient,
    general_local_exact,
    general_local_many,
    general_local_certificate,
    local_gradient,
)
TRANSMIT = Kind(
    "transmit",
    ("gain", "bandwidth", "max_power", "tau", "energy_weight", "noise"),
    frozenset({"tau", "bandwidth", "noise"}),
    _transmit,
    TransmitAllocation,
    TransmitGradient,
    general_transmit_exact,
    general_transmit_many,
    general_transmit_certificate,
    transmit_gradient,
)
EDGE = Kind(
    "edge",
    ("capacity", "tau"),
    frozenset({"tau"}),
    _edge,
    EdgeAllocation,
    EdgeGradient,
    general_edge_exact,
    general_edge_many,
    general_edge_certificate,
    edge_gradient,
)
