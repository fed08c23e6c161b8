"""Problem 5 of several edge servers, slot by slot, beside one convex program over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lyaopt import load_scenario, make_policy, simulate
from tests.simulation.test_edges import with_edges

cp = pytest.importorskip("cvxpy", reason="the convex program needs the extra lyaopt[check]")


def best_value(weights: Any, backlog: Any, capacity: Any) -> float:
    """The most of the sum of work times weight (E, S)."""
    work = cp.Variable(backlog.shape, nonneg=True)
    limits = [work <= backlog, cp.sum(work, axis=1) <= capacity]
    problem = cp.Problem(cp.Maximize(cp.sum(cp.multiply(weights, work))), limits)
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    return float(problem.value)


def test_servers_divide_their_capacities_as_one_convex_program_does() -> None:
    capacities = np.array([4e8, 1e8])
    system = with_edges(load_scenario("scarce-edge"), *capacities)
    record: Any = simulate(system, make_policy("random", system), slots=3000, seed=2, record=True).record
    waiting = (record.link_queue_cycles[:-1] > 0.0).sum(axis=2)  # (T, E)
    crowded = np.flatnonzero((waiting >= 2).all(axis=1))
    assert len(crowded) >= 20
    for slot in crowded[:: len(crowded) // 20][:20]:
        backlog, given = record.link_queue_cycles[slot], record.link_cpu_hz[slot]
        work, most = given * system.slot_duration_s, capacities * system.slot_duration_s
        weights, unit = backlog / backlog.max(), most.max()
        assert (work <= backlog * (1.0 + 1e-14)).all()
        assert (work.sum(axis=1) <= most * (1.0 + 1e-14)).all()
        found = float((work / unit * weights).sum())
        assert found == pytest.approx(best_value(weights, backlog / unit, most / unit), rel=1e-6)
