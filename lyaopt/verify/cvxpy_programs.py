"""Parametrised convex programs in CVXPY, in scaled units; each shape is compiled once and cached."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError, SolverError
from lyaopt.io.extras import needs_extra

PRIMAL_STATUSES = ("optimal", "optimal_inaccurate")


def load_cvxpy() -> Any:
    """Import cvxpy; `MissingExtraError` if it is not installed."""
    with needs_extra("check"):
        import cvxpy
    return cvxpy


def check_solver(solver: str) -> str:
    """Return the solver's name as CVXPY spells it; a `ProblemError` lists the installed ones."""
    installed = sorted(load_cvxpy().installed_solvers())
    if solver.upper() not in installed:
        raise ProblemError("$.solver", f"expected one of {', '.join(installed)}, got {solver!r}")
    return solver.upper()


@dataclass(frozen=True)
class Solved:
    """Solution of one program.

    Attributes
    ----------
    value : float
        In scaled units.
    shares : (N,) array
        The scaled rates z.
    power : float
        The scaled power; 0 where the program has none.
    status : str
        One of `PRIMAL_STATUSES`.
    """

    value: float
    shares: Floats
    power: float
    status: str


@dataclass
class Program:
    """A parametrised CVXPY problem: minimise in shares z (and power P), compiled at its first solve.

    Attributes
    ----------
    problem : cvxpy.Problem
    solver : str
        Name of the solver.
    shares, power : cvxpy.Variable
        z, and P if the program has one.
    parameters : dict
        CVXPY's parameters by name.
    """

    problem: Any
    solver: str
    shares: Any
    power: Any = None
    parameters: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = self.problem.param_dict

    def solve(self, label: str, **values: Any) -> Solved:
        """Set every parameter by name and solve; `SolverError` without an optimum.

        Parameters
        ----------
        label : str
            What is solved, for the error.
        **values : float or array
            The parameters.
        """
        for name, value in values.items():
            self.parameters[name].value = value
        try:
            with warnings.catch_warnings():
                # The returned status says the same.
                warnings.filterwarnings("ignore", "Solution may be inaccurate")
                # A warm start would make figures depend on what was solved before.
                value = self.problem.solve(solver=self.solver, warm_start=False)
        except load_cvxpy().error.SolverError as error:
            raise SolverError(label, self.solver, str(error).splitlines()[0]) from error
        if self.problem.status not in PRIMAL_STATUSES:
            raise SolverError(label, self.solver, self.problem.status)
        power = 0.0 if self.power is None else float(self.power.value)
        return Solved(float(value), np.asarray(self.shares.value), power, self.problem.status)


@cache
def rate_program(kind: str, services: int, solver: str, points: int = 0) -> Program:
    """Return the program of a kind of resource; a further call of the same arguments returns the same.

    Parameters
    ----------
    kind : {"linear", "cubic", "table", "transmit", "weak"}
        Energy in proportion to the total, to its cube, or by a table; Shannon's rate, or a Pade approximant
        of it for weak signals.
    services : int
        N.
    solver : str
        As `check_solver` returns.
    points : int
        Number of operating points of a table.
    """
    cp = load_cvxpy()
    shares = cp.Variable(services, name="shares")
    worth = cp.Parameter(services, nonneg=True, name="worth")
    gain, total = worth @ shares, cp.sum(shares)
    constraints = [shares >= 0, shares <= cp.Parameter(services, nonneg=True, name="caps")]
    if kind in ("transmit", "weak"):
        power = cp.Variable(nonneg=True)
        cost = cp.Parameter(nonneg=True, name="energy") * power
        constraints += _rate(cp, kind, total, power)
    else:
        power = None
        constraints.append(total <= cp.Parameter(nonneg=True, name="capacity"))
        cost, more = _cpu_energy(cp, kind, total, points)
        constraints += more
    return Program(cp.Problem(cp.Minimize(cost - gain), constraints), solver, shares, power)


def _cpu_energy(cp: Any, kind: str, total: Any, points: int) -> tuple[Any, list[Any]]:
    """Energy of a total, and constraints."""
    if kind == "table":
        # Without a hull: the slot is shared between the points, of which each does a part of the work.
        parts = cp.Variable(points, nonneg=True)
        times = cp.Parameter(points, nonneg=True, name="times")
        energy = cp.Parameter(points, nonneg=True, name="energy") @ parts
        return energy, [total <= cp.sum(parts), times @ parts <= 1]
    energy = cp.Parameter(nonneg=True, name="energy")
    if kind == "linear":
        return energy * total, []
    # A separate variable: the cube is convex for a non-negative total only.
    speed = cp.Variable(nonneg=True)
    return energy * cp.power(speed, 3), [total <= speed]


def _rate(cp: Any, kind: str, total: Any, power: Any) -> list[Any]:
    """Constraints of a total rate within Shannon's rate of a power."""
    ratio = cp.Parameter(nonneg=True, name="ratio")
    # A separate variable: CVXPY compiles a quotient once only if it contains no parameters.
    argument, rate = cp.Variable(), cp.Parameter(nonneg=True, name="slope") * power
    if kind == "weak":
        # ln(1 + x P) / x = P - (x P^2 / 2) / (1 + 2 x P / 3) + O(x^3)
        signal = argument <= 1 + rate
        rate = power - cp.quad_over_lin(cp.Parameter(nonneg=True, name="root") * power, argument)
    else:
        signal = argument <= cp.Parameter(nonneg=True, name="one") + rate
        rate = cp.Parameter(nonneg=True, name="offset") + cp.log(argument)
    most = power <= cp.Parameter(nonneg=True, name="most_power")
    return [most, signal, ratio * total <= rate]
