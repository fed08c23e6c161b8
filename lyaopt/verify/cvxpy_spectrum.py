"""Shared spectrum in CVXPY, with the perspective of the rate as a relative entropy.

Needs the extra `check`. With beta = b / B_w and the signal x = p h / (N_0 B_w), a device carries
B_w / ln 2 times beta ln(1 + x / beta) = -rel_entr(beta, beta + x), which is jointly concave. As in
cvxpy_reference.py every quantity is stated in units of the largest that can be optimal.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import SolverError
from lyaopt.verify.cvxpy_programs import PRIMAL_STATUSES, check_solver, load_cvxpy
from lyaopt.verify.cvxpy_scaling import SLACK, WEAK_SIGNAL
from lyaopt.verify.spectrum_slot import SpectrumSlot

# Signal-to-noise ratio beyond which the approximant of a weak signal is left
_NOT_WEAK = 1e-2


@dataclass(frozen=True, eq=False)
class SpectrumReference:
    """Solution of shared spectrum by a convex solver, neither clipped nor polished.

    Attributes
    ----------
    objective : float
        Value, in the units of `SlotSolution.objective`.
    solver, status : str
        Name of the solver; ``optimal`` or ``optimal_inaccurate``.
    rate_bps : (M, N) array
        Rates in bit/s.
    power_w, bandwidth_hz : (M,) arrays
        Powers and bands.
    """

    objective: float
    solver: str
    status: str
    rate_bps: Floats
    power_w: Floats
    bandwidth_hz: Floats


@dataclass(frozen=True)
class _Scaled:
    """Units of one device: rate in bit/s, power in W, the signal of that power on all of the pool, a band.

    The band is a part of the pool: the one on which the signal is as strong as the noise, or all. A signal
    that is weak on all of it is first taken for weak on any band, unless it is not on the one that is found.
    """

    rate: float
    power: float
    signal: float
    weak: bool
    band: float


def solve_spectrum_reference(slot: SpectrumSlot, solver: str = "CLARABEL") -> SpectrumReference:
    """Solve Problem 4 of a slot with shared spectrum: one convex program.

    Parameters
    ----------
    slot : SpectrumSlot
        The slot.
    solver : str
        Name of an installed CVXPY solver with exponential cones, in either case.

    Returns
    -------
    SpectrumReference
        The solver's point and value.

    Raises
    ------
    MissingExtraError
        If cvxpy is not installed.
    ProblemError
        If the solver is unknown; the message lists the installed ones.
    SolverError
        If the solver fails, or calls the problem infeasible or unbounded.
    """
    name, count = check_solver(solver), len(slot.gain)
    units = {m: unit for m in range(count) if (unit := _units(slot, m))}
    rates = np.zeros(slot.weights.shape)
    power, band = np.zeros(count), np.zeros(count)
    worth = max((u.rate * slot.weights[m].max() for m, u in units.items()), default=0.0)
    if not worth:
        return SpectrumReference(0.0, name, "optimal", rates, power, band)
    while True:
        program, variables = _solved(slot, units, worth, name)
        narrow = {m: u for m, u in units.items() if u.weak and _signal(u, variables[m]) > _NOT_WEAK}
        if not narrow:
            break
        units |= {m: replace(unit, weak=False, band=unit.signal) for m, unit in narrow.items()}
    for m, (z, pi, beta) in variables.items():
        rates[m], power[m] = z.value * units[m].rate, pi.value * units[m].power
        band[m] = beta.value * units[m].band
    value = float(program.value) * worth * slot.slot_duration_s
    return SpectrumReference(value, name, program.status, rates, power, band * slot.pool_hz)


def _solved(slot: SpectrumSlot, units: dict[int, _Scaled], worth: float, solver: str) -> tuple[Any, Any]:
    """Return the program, solved, and its variables of each device: rates, power and band."""
    cp = load_cvxpy()
    terms, constraints, variables = [], [], {}
    for m, unit in units.items():
        z, pi, _ = variables[m] = cp.Variable(slot.weights.shape[1]), cp.Variable(), cp.Variable()
        constraints += _constraints(slot, m, unit, variables[m])
        gain = slot.weights[m] * (unit.rate / worth)
        terms.append(slot.energy_weight[m] * (unit.power / worth) * pi - gain @ z)
    constraints.append(sum(units[m].band * beta for m, (_, _, beta) in variables.items()) <= 1)
    program = cp.Problem(cp.Minimize(sum(terms)), constraints)
    _solve(program, solver)
    return program, variables


def _signal(unit: _Scaled, variables: Any) -> float:
    """Signal-to-noise ratio on the band that was found."""
    _, pi, beta = variables
    band = unit.band * float(beta.value)
    return unit.signal * float(pi.value) / band if band > 0 else math.inf


def _units(slot: SpectrumSlot, m: int) -> _Scaled | None:
    """What device m could do with the whole pool; None where it never sends."""
    per_watt = float(slot.gain[m]) / (slot.noise_w_per_hz * slot.pool_hz)
    most, weight = float(slot.max_power[m]), float(slot.energy_weight[m])
    largest, nats = float(slot.weights[m].max()), slot.pool_hz / math.log(2)
    load = min(math.log1p(most * per_watt), float(slot.limits[m].sum()) / slot.slot_duration_s / nats)
    floor = weight / (nats * per_watt) if per_watt else math.inf
    if load <= 0 or largest <= floor:
        return None
    if floor:
        load = min(load, math.log1p((largest - floor) / floor))
    signal = math.expm1(load)
    weak = signal < WEAK_SIGNAL
    return _Scaled(load * nats, signal / per_watt, signal, weak, 1.0 if weak else min(signal, 1.0))


def _constraints(slot: SpectrumSlot, m: int, unit: _Scaled, variables: Any) -> list[Any]:
    cp = load_cvxpy()
    z, pi, beta = variables
    load, x = math.log1p(unit.signal), unit.signal
    caps = np.minimum(slot.limits[m] / slot.slot_duration_s / unit.rate, SLACK)
    # A narrow band takes more power than the whole pool would.
    most_power = float(slot.max_power[m]) / unit.power
    if unit.weak:
        # beta ln(1 + x pi / beta) / x = pi - (x pi^2 / 2) / (beta + 2 x pi / 3) + O(x^3)
        carried = pi - cp.quad_over_lin(math.sqrt(x / 2) * pi, beta + 2 * x / 3 * pi)
        carried = carried * (x / load)
    else:
        ratio = x / unit.band
        unit_signal = max(ratio, 1.0)
        entropy = cp.rel_entr(beta, beta / unit_signal + ratio / unit_signal * pi)
        carried = (beta * math.log(unit_signal) - entropy) * (unit.band / load)
    return [z >= 0, z <= caps, pi >= 0, pi <= most_power, beta >= 0, cp.sum(z) <= carried]


def _solve(program: Any, solver: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            program.solve(solver=solver)
    except load_cvxpy().error.SolverError as error:
        raise SolverError("shared spectrum", solver, str(error).splitlines()[0]) from error
    if program.status not in PRIMAL_STATUSES:
        raise SolverError("shared spectrum", solver, program.status)
