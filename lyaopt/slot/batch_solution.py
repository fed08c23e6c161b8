"""The solutions of many slots; energies, prices and certificates are computed on first access."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.slot.energies import local_prices
from lyaopt._kernels.slot.general_certificate import general_local_energies
from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
from lyaopt.arrays import Floats
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.batch_fields import device_lanes, slot_lanes
from lyaopt.slot.certificates import edge_report, find_worst, local_report, transmit_report
from lyaopt.slot.formulas import local_energy, objective, price, transmit_energy
from lyaopt.slot.gradient import Allocations, SlotGradient, gradient_of
from lyaopt.slot.inputs import fields_of
from lyaopt.slot.shared_spectrum import SharedSpectrum

ALLOCATIONS = ("_local_allocation", "_transmit_allocation", "_edge_allocation")
"""Cached views of a solution's arrays, in the kernels' layout."""


@dataclass(frozen=True, eq=False)
class BatchCertificate:
    """Proof of optimality of every slot.

    Attributes
    ----------
    relative_gap : (B,) array
        Worst duality gap of the slot's 2 M + 1 problems, each relative to its gross gain tau sum f w, where w
        is the weight, or else the backlog Q (where nothing is served: to the gain of serving everything).
        Problem 4 of devices that share the spectrum is one problem, relative to their gain in all.
    max_violation : (B,) array
        Worst constraint violation of the slot, each relative to its bound.
    """

    relative_gap: Floats
    max_violation: Floats


@dataclass(frozen=True, eq=False)
class BatchSolution:
    """Optimal allocation of every slot of a batch.

    Energies, prices and the certificate are computed on first access. Arrays are in Fortran's order:
    transposed views of the kernels' (N, M, B) and (M, B).

    Attributes
    ----------
    batch : SlotBatch
        The slots.
    local_cpu_hz, rate_bps, edge_cpu_hz : (B, M, N) arrays
        Allocation of every service: f^l (Hz), r (bit/s), f^e (Hz).
    cpu_hz, power_w : (B, M) arrays
        Total CPU speed (Hz) and transmit power (W) of every device.
    local_multiplier, transmit_multiplier : (B, M) arrays
        nu of Problems 3 and 4, in units of the weights (of backlogs: cycles and bits). What weighs less is
        not worth serving.
    edge_multiplier : (B,) array
        nu of Problem 5, in units of the weights.
    spectrum : SharedSpectrum, optional
        Bandwidths and the multiplier of a shared spectrum.
    """

    batch: SlotBatch
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    cpu_hz: Floats
    power_w: Floats
    local_multiplier: Floats
    transmit_multiplier: Floats
    edge_multiplier: Floats
    spectrum: SharedSpectrum | None = None

    _parts = 1  # into which its kernels are cut, for threads

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

    @functools.cached_property
    def local_energy_j(self) -> Floats:
        """Energy of every device's CPU (B, M): tau delta (sum f)^3, equation (5), or by its table."""
        if self.batch._is_general[0]:
            return self._local_energies[0]
        return local_energy(self.batch.slot_duration_s, self.batch.energy_coefficient, self.cpu_hz)

    @functools.cached_property
    def transmit_energy_j(self) -> Floats:
        """Transmit energy of every device (B, M): tau p, equation (6)."""
        return transmit_energy(_column(self.batch.slot_duration_s), self.power_w)

    @functools.cached_property
    def local_price(self) -> Floats:
        """Multiplier of C.4 (B, M), -dV/dF^l: what one more hertz of device CPU is worth."""
        if self.batch._is_general[0]:
            return self._local_energies[1]
        prices = np.zeros(self.cpu_hz.shape, order="F")
        if 0 not in self.batch.shape:
            local_prices(self.batch._local_problem, self._local_allocation, device_lanes(prices))
        return prices

    @functools.cached_property
    def rate_price(self) -> Floats:
        """Multiplier of C.6 (B, M): tau nu, what one more bit/s of rate is worth."""
        return price(_column(self.batch.slot_duration_s), self.transmit_multiplier)

    @functools.cached_property
    def edge_price(self) -> Floats:
        """Multiplier of C.7 (B,), -dV/dF^e: what one more hertz at the edge is worth."""
        return price(self.batch.slot_duration_s, self.edge_multiplier)

    @property
    def bandwidth_hz(self) -> Floats:
        """What every device has of the spectrum (B, M), in Hz; 0 for a measured radio where it is shared."""
        if self.spectrum is not None:
            return self.spectrum.bandwidth_hz
        return np.broadcast_to(self.batch.bandwidth_hz, self.batch.shape[:2])

    @functools.cached_property
    def spectrum_price(self) -> Floats:
        """What one more hertz of shared spectrum is worth (B,), tau mu; 0 where it is split."""
        if self.spectrum is None:
            return np.zeros(self.batch.shape[0])
        return price(self.batch.slot_duration_s, self.spectrum.multiplier)

    @functools.cached_property
    def _local_energies(self) -> Floats:
        """Energy in J and price of the CPU of every device (2, B, M), where Problem 3 is a general one."""
        slots, devices, _ = self.batch.shape
        energies = np.zeros((2, devices * slots))
        if 0 not in self.batch.shape:
            general_local_energies(self.batch._general_local, self._local_allocation, energies)
        return energies.reshape(2, devices, slots).transpose(0, 2, 1)

    @functools.cached_property
    def _reports(self) -> tuple[Floats, Floats, Floats]:
        """Relative gap, gross gain and violation: local and transmit (3, M, B), edge (3, B)."""
        slots, devices, services = self.batch.shape
        per_device = (3, devices, slots)
        if not (services and devices and slots):
            return np.zeros(per_device), np.zeros(per_device), np.zeros((3, slots))
        local, transmit = local_report(self), transmit_report(self)
        return local.reshape(per_device), transmit.reshape(per_device), edge_report(self)

    @functools.cached_property
    def certificate(self) -> BatchCertificate:
        """Duality gap and largest violation of every slot."""
        worst = np.zeros((2, self.batch.shape[0]))
        if 0 not in self.batch.shape:
            find_worst(self, worst)
        return BatchCertificate(*worst)

    def independent_certificate(self) -> BatchCertificate:
        """Certify every slot once more, by code that shares nothing with the solvers.

        It takes one device after the other, with the logarithms of the C library, and ten times as long.
        Gaps and violations differ from those of `certificate` by rounding, 1e-15 of the gain or of a bound.

        Returns
        -------
        BatchCertificate
        """
        local, transmit, edge = self._reports
        reports = np.concatenate([local, transmit, edge[:, None]], axis=1)
        return BatchCertificate(reports[0].max(axis=0, initial=0.0), reports[2].max(axis=0, initial=0.0))

    @functools.cached_property
    def objective(self) -> Floats:
        """Drift-plus-penalty (3, B) of the local, transmit and edge problems, as minimised."""
        batch = self.batch
        local, transmit, edge = self._reports
        return np.stack(
            [
                objective(batch.energy_weight_local, self.local_energy_j, local[1].T).sum(axis=1),
                objective(batch.energy_weight_transmit, self.transmit_energy_j, transmit[1].T).sum(axis=1),
                -edge[1],
            ]
        )

    @functools.cached_property
    def _local_allocation(self) -> LocalAllocation:
        """The arrays that the kernels of Problem 3 write."""
        return LocalAllocation(
            device_lanes(self.local_cpu_hz), device_lanes(self.cpu_hz), device_lanes(self.local_multiplier)
        )

    @functools.cached_property
    def _transmit_allocation(self) -> TransmitAllocation:
        """The arrays that the kernels of Problem 4 write."""
        return TransmitAllocation(
            device_lanes(self.rate_bps), device_lanes(self.power_w), device_lanes(self.transmit_multiplier)
        )

    @functools.cached_property
    def _edge_allocation(self) -> EdgeAllocation:
        """The arrays that the kernels of Problem 5 write."""
        return EdgeAllocation(slot_lanes(self.edge_cpu_hz), self.edge_multiplier)

    def gradient(self) -> SlotGradient:
        """Derivatives of the optimal value of every slot by every input, in closed form.

        They are computed anew at each call, from the batch as it is then.

        Returns
        -------
        SlotGradient
            With an axis of slots first, (B, ...).
        """
        solved = (self._local_allocation, self._transmit_allocation, self._edge_allocation)
        return gradient_of(self.batch, Allocations(*solved, self.spectrum))

    def __repr__(self) -> str:
        slots, devices, services = self.batch.shape
        return f"BatchSolution({slots} slots, {devices} devices, up to {services} services each)"


def _column(duration: Any) -> Any:
    """A slot length, or those of all slots as a column beside what each device has."""
    return duration if np.ndim(duration) == 0 else duration[:, None]
