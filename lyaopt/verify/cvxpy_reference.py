"""The three slot problems in CVXPY: an independent reference for the exact solvers.

Needs the extra `check`. Every problem is stated in scaled units, because generic solvers fail on SI
magnitudes (Clarabel calls Problem 3 unbounded at the defaults): rates relative to the largest total that
capacity, backlog and energy could allow, power relative to the power of that total, objectives relative to
the largest backlog. Problems are parametrised, so that CVXPY compiles each shape once and a further slot
costs little more than the solver itself. The compiled problems are cached and not thread-safe.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError, SolverError
from lyaopt.io.extras import needs_extra
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.solution import Objective

# Below this signal-to-noise ratio the exponential cone loses the digits of log1p (it holds 1 + x to about
# 1e-9); a Pade approximant with a relative error of x^3 / 36 replaces it.
WEAK_SIGNAL = 3e-3
# Bounds are reduced to this multiple of what can be optimal: they are never active, and scaling stays good.
SLACK = 2.0
PRIMAL_STATUSES = ("optimal", "optimal_inaccurate")


@dataclass(frozen=True, eq=False)
class ReferenceSolution:
    """Solution of a slot by a convex solver, neither clipped nor polished.

    Attributes
    ----------
    objective : Objective
        Value of Problems 3, 4 and 5, summed over devices, in the units of `SlotSolution.objective`.
    solver : str
        Name of the solver.
    status : str
        ``optimal``, or ``optimal_inaccurate`` where any of the problems reached reduced accuracy only.
    local_cpu_hz, rate_bps, edge_cpu_hz : (M, N) arrays
        Allocation in cycles/s, bit/s and cycles/s.
    power_w : (M,) array
        Transmit power in W.
    """

    objective: Objective
    solver: str
    status: str
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    power_w: Floats


@dataclass(frozen=True)
class _Solved:
    """Solution of one problem: its value in scaled units, the shares z, the scaled power."""

    value: float
    shares: Floats
    power: float
    status: str


def solve_reference(problem: SlotProblem, solver: str = "CLARABEL") -> ReferenceSolution:
    """Solve Problems 3, 4 and 5 of one slot with CVXPY: 2 M + 1 convex programs.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    solver : str
        Name of an installed CVXPY solver, such as CLARABEL, ECOS or SCS, in either case.

    Returns
    -------
    ReferenceSolution
        The solver's point and value.

    Raises
    ------
    MissingExtraError
        If cvxpy is not installed.
    ValueError
        If the solver is unknown; the message lists the installed ones.
    SolverError
        If the solver fails, or calls a problem infeasible or unbounded.
    """
    name = check_solver(solver)
    devices = range(len(problem.cpu_capacity_hz))
    local = [_solve_local(problem, m, name) for m in devices]
    transmit = [_solve_transmit(problem, m, name) for m in devices]
    edge, edge_cpu_hz, edge_status = _solve_edge(problem, name)
    statuses = [s for *_, s in local] + [s for *_, s in transmit] + [edge_status]
    shape = problem.local_queue_cycles.shape
    return ReferenceSolution(
        objective=Objective(math.fsum(v for v, *_ in local), math.fsum(v for v, *_ in transmit), edge),
        solver=name,
        status=max(statuses, key=PRIMAL_STATUSES.index),
        local_cpu_hz=np.array([f for _, f, _ in local]).reshape(shape),
        rate_bps=np.array([r for _, r, _, _ in transmit]).reshape(shape),
        edge_cpu_hz=edge_cpu_hz.reshape(shape),
        power_w=np.array([p for _, _, p, _ in transmit]),
    )


def check_solver(solver: str) -> str:
    """Return the solver's name as CVXPY spells it; a `ProblemError` lists the installed ones."""
    installed = sorted(_cvxpy().installed_solvers())
    if solver.upper() not in installed:
        raise ProblemError("$.solver", f"expected one of {', '.join(installed)}, got {solver!r}")
    return solver.upper()


def _solve_local(problem: SlotProblem, device: int, solver: str) -> tuple[float, Floats, str]:
    """Value, rates and status of Problem 3."""
    queues, tau = problem.local_queue_cycles[device], problem.slot_duration_s
    caps, capacity = queues / tau, float(problem.cpu_capacity_hz[device])
    k = problem.energy_weight_local * problem.energy_coefficient
    longest = float(queues.max(initial=0.0))
    # Above S = sqrt(Q / 3 k) another cycle costs more energy than serving the largest backlog gains.
    worthwhile = math.sqrt(longest / (3 * k)) if k else math.inf
    scale = min(capacity, float(caps.sum()), worthwhile)
    if scale <= 0:
        return 0.0, np.zeros_like(caps), "optimal"
    solved = _program("local", len(queues), solver).solve(
        f"local problem of device {device}",
        worth=queues / longest,
        caps=np.minimum(caps / scale, SLACK),
        capacity=min(capacity / scale, SLACK),
        energy=k * scale**2 / longest,
    )
    return solved.value * tau * longest * scale, solved.shares * scale, solved.status


def _solve_transmit(problem: SlotProblem, device: int, solver: str) -> tuple[float, Floats, float, str]:
    """Value, rates, power and status of Problem 4."""
    queues, tau = problem.transmit_queue_bits[device], problem.slot_duration_s
    weight, most = problem.energy_weight_transmit, float(problem.max_power_w[device])
    bandwidth, longest = float(problem.bandwidth_hz[device]), float(queues.max(initial=0.0))
    noise = bandwidth * noise_w_per_hz(problem.noise_psd_dbm_per_hz)
    b, eta = bandwidth / math.log(2), float(problem.channel_gain[device]) / noise
    caps = queues / tau
    load = min(math.log1p(most * eta), float(caps.sum()) / b)
    if load <= 0:
        return 0.0, np.zeros_like(caps), 0.0, "optimal"
    floor = weight / (b * eta)
    if 0 < floor < longest:
        load = min(load, math.log1p((longest - floor) / floor))
    elif floor:
        # The optimum is zero: the smaller the unit, the smaller the solver's error in energy.
        load *= longest / floor
    # In units of the largest load that can be optimal, and of the power that it needs.
    signal = math.expm1(load)
    price = weight * signal / (eta * longest * b * load)
    solved = _program("weak" if signal < WEAK_SIGNAL else "transmit", len(queues), solver).solve(
        f"transmit problem of device {device}",
        worth=queues / longest / max(price, 1.0),
        caps=np.minimum(caps / (b * load), SLACK),
        energy=min(price, 1.0),
        most_power=min(most * eta / signal, SLACK),
        **_signal_parameters(signal, load),
    )
    value = solved.value * max(price, 1.0) * tau * longest * b * load
    return value, solved.shares * b * load, solved.power * signal / eta, solved.status


def _signal_parameters(signal: float, load: float) -> dict[str, float]:
    if signal < WEAK_SIGNAL:
        return {"ratio": load / signal, "root": math.sqrt(signal / 2), "slope": 2 * signal / 3}
    # log(1 + x P) = log x + log(1/x + P): the form whose terms are at most of order one.
    unit = max(signal, 1.0)
    return {"ratio": load, "offset": math.log(unit), "one": 1 / unit, "slope": signal / unit}


def _solve_edge(problem: SlotProblem, solver: str) -> tuple[float, Floats, str]:
    """Value, rates and status of Problem 5."""
    queues, tau = problem.edge_queue_cycles.ravel(), problem.slot_duration_s
    caps, longest = queues / tau, float(queues.max(initial=0.0))
    scale = min(problem.edge_capacity_hz, float(caps.sum()))
    if scale <= 0:
        return 0.0, np.zeros_like(caps), "optimal"
    solved = _program("edge", len(queues), solver).solve(
        "edge problem",
        worth=queues / longest,
        caps=np.minimum(caps / scale, SLACK),
        capacity=min(problem.edge_capacity_hz / scale, SLACK),
    )
    return solved.value * tau * longest * scale, solved.shares * scale, solved.status


@dataclass
class _Program:
    """A parametrised CVXPY problem: minimise in shares z (and power P), compiled at its first solve."""

    problem: Any
    solver: str
    shares: Any
    power: Any = None
    parameters: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = self.problem.param_dict

    def solve(self, label: str, **values: Any) -> _Solved:
        """Set every parameter by name and solve; `SolverError` without an optimum."""
        for name, value in values.items():
            self.parameters[name].value = value
        try:
            with warnings.catch_warnings():
                # The returned status says the same.
                warnings.filterwarnings("ignore", "Solution may be inaccurate")
                value = self.problem.solve(solver=self.solver)
        except _cvxpy().error.SolverError as error:
            raise SolverError(label, self.solver, str(error).splitlines()[0]) from error
        if self.problem.status not in PRIMAL_STATUSES:
            raise SolverError(label, self.solver, self.problem.status)
        power = 0.0 if self.power is None else float(self.power.value)
        return _Solved(float(value), np.asarray(self.shares.value), power, self.problem.status)


@cache
def _program(kind: str, services: int, solver: str) -> _Program:
    cp = _cvxpy()
    shares = cp.Variable(services, name="shares")
    worth = cp.Parameter(services, nonneg=True, name="worth")
    gain, total = worth @ shares, cp.sum(shares)
    constraints = [shares >= 0, shares <= cp.Parameter(services, nonneg=True, name="caps")]
    if kind == "edge":
        constraints.append(total <= cp.Parameter(nonneg=True, name="capacity"))
        return _Program(cp.Problem(cp.Minimize(-gain), constraints), solver, shares)
    energy = cp.Parameter(nonneg=True, name="energy")
    if kind == "local":
        constraints.append(total <= cp.Parameter(nonneg=True, name="capacity"))
        # A separate variable: the cube is convex for a non-negative total only.
        speed = cp.Variable(nonneg=True)
        constraints.append(total <= speed)
        return _Program(
            cp.Problem(cp.Minimize(energy * cp.power(speed, 3) - gain), constraints), solver, shares
        )
    power, ratio = cp.Variable(nonneg=True), cp.Parameter(nonneg=True, name="ratio")
    constraints.append(power <= cp.Parameter(nonneg=True, name="most_power"))
    # A separate variable: CVXPY compiles a quotient once only if it contains no parameters.
    argument, rate = cp.Variable(), cp.Parameter(nonneg=True, name="slope") * power
    if kind == "weak":
        # ln(1 + x P) / x = P - (x P^2 / 2) / (1 + 2 x P / 3) + O(x^3)
        constraints.append(argument <= 1 + rate)
        rate = power - cp.quad_over_lin(cp.Parameter(nonneg=True, name="root") * power, argument)
    else:
        constraints.append(argument <= cp.Parameter(nonneg=True, name="one") + rate)
        rate = cp.Parameter(nonneg=True, name="offset") + cp.log(argument)
    constraints.append(ratio * total <= rate)
    return _Program(cp.Problem(cp.Minimize(energy * power - gain), constraints), solver, shares, power)


def _cvxpy() -> Any:
    with needs_extra("check"):
        import cvxpy
    return cvxpy
