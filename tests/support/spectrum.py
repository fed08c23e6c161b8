"""Shared spectrum from plain numbers: problems, solutions and their objectives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lyaopt import SlotBatch
from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, SpectrumAllocation
from lyaopt._kernels.slot.shared_spectrum import spectrum_exact
from lyaopt._kernels.slot.spectrum_certificate import spectrum_certificate
from lyaopt.verify.spectrum_slot import SpectrumSlot


class Solved(NamedTuple):
    """A problem of M devices in B slots, its solution and the report of its certificate."""

    problem: GeneralTransmitProblem
    allocation: SpectrumAllocation
    report: np.ndarray

    @property
    def gap(self) -> float:
        return float(self.report[0].max())

    @property
    def violation(self) -> float:
        return float(self.report[2].max())

    def by_slot(self, lanes: np.ndarray) -> np.ndarray:
        """(..., L) as (..., M, B)."""
        return lanes.reshape(*lanes.shape[:-1], self.problem.measured.size, -1)

    @property
    def objective(self) -> np.ndarray:
        """(B,), as minimised."""
        p, a = self.problem, self.allocation
        lanes = np.arange(p.gain.size)
        tau, weight = (v[lanes * v.size // lanes.size] for v in (p.tau, p.energy_weight))
        return self.by_slot(tau * (weight * a.power - (p.weights * a.rate).sum(axis=0))).sum(axis=0)

    @property
    def gross_gain(self) -> np.ndarray:
        return self.by_slot(self.report[1]).sum(axis=0)

    def slot(self, index: int) -> SpectrumSlot:
        """One slot as the references take it."""
        p, m = self.problem, np.arange(self.problem.measured.size)
        lanes = m * (p.gain.size // m.size) + index
        each = {name: getattr(p, name) for name in ("bandwidth", "max_power", "tau", "energy_weight")}
        own = {name: v[lanes * v.size // p.gain.size] for name, v in each.items()}
        return SpectrumSlot(
            p.weights[:, lanes].T,
            p.limits[:, lanes].T,
            p.gain[lanes],
            own["max_power"],
            own["energy_weight"],
            float(own["bandwidth"].sum()),
            float(own["tau"][0]),
            p.noise,
        )


def general(batch: SlotBatch) -> GeneralTransmitProblem:
    """Problem 4 of a batch, with all radios by Shannon's formula: others take no part in the spectrum."""
    return replace(batch, radio=None)._general_transmit


def problem(
    weights: Any, limits: Any, gain: Any, devices: int | None = None, noise: float = 1.0, **parameters: Any
) -> GeneralTransmitProblem:
    """(N, L) weights and limits, (L,) gains; one slot unless `devices` says otherwise."""
    gain = np.ascontiguousarray(gain, dtype=float)
    values = {"bandwidth": 1.0, "max_power": 1.0, "tau": 1.0, "energy_weight": 1.0} | parameters
    arrays = {name: np.array(value, dtype=float, ndmin=1) for name, value in values.items()}
    return GeneralTransmitProblem(
        weights=np.ascontiguousarray(weights, dtype=float),
        limits=np.ascontiguousarray(limits, dtype=float),
        gain=gain,
        noise=float(noise),
        measured=np.zeros(devices or gain.size, dtype=np.int64),
        radio_rate=np.zeros(0),
        radio_power=np.zeros(0),
        **arrays,
    )


def solve(problem: GeneralTransmitProblem) -> Solved:
    """Solve and certify; arrays begin as NaN, so that what is not written shows."""
    items, lanes = problem.weights.shape
    slots = lanes // problem.measured.size
    shapes = ((items, lanes), lanes, lanes, lanes, slots)
    allocation = SpectrumAllocation(*(np.full(shape, np.nan) for shape in shapes))
    spectrum_exact(problem, allocation)
    return certified(problem, allocation)


def certified(problem: GeneralTransmitProblem, allocation: SpectrumAllocation) -> Solved:
    """Certify an allocation."""
    report = np.full((3, problem.gain.size), np.nan)
    spectrum_certificate(problem, allocation, report)
    return Solved(problem, allocation, report)
