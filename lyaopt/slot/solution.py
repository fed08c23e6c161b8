"""The solution of one slot, with its certificate and prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.inputs import fields_of
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_block import SlotBlock

if TYPE_CHECKING:
    from lyaopt.slot.gradient import SlotGradient


@dataclass(frozen=True)
class Objective:
    """Drift-plus-penalty value of each problem at the solution, as minimised (lower is better).

    Attributes
    ----------
    local, transmit : float
        Problems 3 and 4, summed over the devices.
    edge : float
        Problem 5.
    """

    local: float
    transmit: float
    edge: float

    @property
    def total(self) -> float:
        """Sum of the three."""
        return self.local + self.transmit + self.edge


@dataclass(frozen=True)
class Certificate:
    """Proof of optimality: no feasible point is better by more than the gap.

    Attributes
    ----------
    relative_gap : float
        Worst duality gap of the 2 M + 1 problems, each relative to its gross gain tau sum f w, where w is the
        weight, or else the backlog Q (where nothing is served: to the gain of serving everything). Problem 4
        of devices that share the spectrum is one problem, relative to their gain in all.
    max_violation : float
        Worst constraint violation, each relative to its bound.
    """

    relative_gap: float
    max_violation: float


@dataclass(frozen=True, eq=False)
class SlotSolution:
    """Optimal allocation of one slot, with its certificate and prices.

    Attributes
    ----------
    problem : SlotProblem
    objective : Objective
    certificate : Certificate
    local_cpu_hz, rate_bps, edge_cpu_hz : (M, N) arrays
        Allocation of every service: f^l (Hz), r (bit/s), f^e (Hz).
    cpu_hz, power_w : (M,) arrays
        Total CPU speed and transmit power of every device.
    local_multiplier, transmit_multiplier : (M,) arrays
        nu of Problems 3 and 4, in units of the weights (of backlogs: cycles and bits). What weighs less is
        not worth serving.
    edge_multiplier : float
        nu of Problem 5, in units of the weights.
    local_energy_j, transmit_energy_j : (M,) arrays
        Energy of every device's CPU, tau delta (sum f)^3 (or tau times the power that its operating points
        take), and transmit energy, tau p; equations (5) and (6).
    local_price, rate_price : (M,) arrays
        Multipliers of C.4 and C.6: what one more hertz of device CPU is worth, -dV/dF^l, and one more bit/s
        of rate, tau nu.
    bandwidth_hz : (M,) array
        What every device has of the spectrum; 0 for a measured radio where it is shared.
    spectrum_price : float
        What one more hertz of a shared spectrum is worth, -dV/dB_w; 0 where it is split.
    status : str
        Always "optimal": every valid problem has a solution.
    """

    problem: SlotProblem
    objective: Objective
    certificate: Certificate
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    cpu_hz: Floats
    power_w: Floats
    local_multiplier: Floats
    transmit_multiplier: Floats
    edge_multiplier: float
    local_energy_j: Floats
    transmit_energy_j: Floats
    local_price: Floats
    rate_price: Floats
    bandwidth_hz: Floats
    spectrum_price: float
    status: str = "optimal"

    @classmethod
    def _from_block(cls, block: SlotBlock, problem: Callable[[SlotBlock], SlotProblem]) -> SlotSolution:
        """Build a solution whose fields are made of a block when they are read; the block must not change."""
        solution = object.__new__(cls)
        vars(solution).update(_block=block, _problem=problem)
        return solution

    if not TYPE_CHECKING:  # for which all other names stay errors

        def __getattr__(self, name: str) -> Any:
            """Make a field of the block, or all that are arrays; called for what is not there yet."""
            fields = vars(self)
            block = fields.get("_block")
            if block is None or name not in self.__dataclass_fields__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if name == "problem":
                fields[name] = fields["_problem"](block)
            elif name in _NUMBERS:
                fields[name] = _NUMBERS[name](block)
            else:
                fields.update(zip(_ARRAYS, block.arrays, strict=True))
            return fields[name]

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

    @property
    def edge_price(self) -> float:
        """Multiplier of C.7, -dV/dF^e: what one more hertz at the edge is worth."""
        # As `lyaopt.slot.formulas.price`, which imports kernels.
        return self.problem.slot_duration_s * self.edge_multiplier

    def gradient(self) -> SlotGradient:
        """Derivatives of the optimal value by every input, in closed form.

        Returns
        -------
        SlotGradient
        """
        # Late: batches and derivatives import all kernels, which takes longer than solving a slot.
        from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
        from lyaopt.slot.batch import as_batch
        from lyaopt.slot.batch_fields import device_lanes, slot_lanes
        from lyaopt.slot.gradient import Allocations, gradient_of
        from lyaopt.slot.shared_spectrum import SharedSpectrum

        local, transmit = (
            [device_lanes(values[np.newaxis]) for values in of_device]
            for of_device in (
                (self.local_cpu_hz, self.cpu_hz, self.local_multiplier),
                (self.rate_bps, self.power_w, self.transmit_multiplier),
            )
        )
        edge = EdgeAllocation(slot_lanes(self.edge_cpu_hz[np.newaxis]), np.array([self.edge_multiplier]))
        spectrum = None
        if self.problem.spectrum == "shared":
            multiplier = np.array([self.spectrum_price / self.problem.slot_duration_s])
            spectrum = SharedSpectrum(self.bandwidth_hz[np.newaxis], multiplier)
        solved = Allocations(LocalAllocation(*local), TransmitAllocation(*transmit), edge, spectrum)
        return gradient_of(as_batch(self.problem), solved).first_slot()

    def __repr__(self) -> str:
        return (
            f"SlotSolution({self.status}, objective={self.objective.total:.6g}, "
            f"relative_gap={self.certificate.relative_gap:.1e}, "
            f"energy={float((self.local_energy_j + self.transmit_energy_j).sum()):.3g} J)"
        )


_ARRAYS = (
    "local_cpu_hz",
    "rate_bps",
    "edge_cpu_hz",
    "bandwidth_hz",
    "cpu_hz",
    "power_w",
    "local_multiplier",
    "transmit_multiplier",
    "local_energy_j",
    "transmit_energy_j",
    "local_price",
    "rate_price",
)
"""Fields in the order of `SlotBlock.arrays`."""
_NUMBERS: dict[str, Callable[[SlotBlock], Any]] = {
    "objective": lambda block: Objective(*block.summary[1:4]),
    "certificate": lambda block: Certificate(*block.summary[4:]),
    "edge_multiplier": lambda block: block.summary[0],
    "spectrum_price": lambda block: 0.0,
}
"""How fields that are no arrays are made of a block."""
