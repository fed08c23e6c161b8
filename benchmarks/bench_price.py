"""What the rule by prices and the bounds cost: a slot beside the paper's rule, and a bound of a scenario."""

from __future__ import annotations

import time

import pytest

from lyaopt.bounds import queueing_bound, waiting_bound
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate

MOST_OF_BACKLOG_RULE = 1.5
REPLICATIONS = {1: 20_000, 8: 5_000, 64: 2_000, 256: 800}


def alternating(*runs, rounds: int = 15) -> list[float]:
    """Return the least time of each run; they take turns."""
    least = [float("inf")] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            begin = time.perf_counter()
            run()
            least[i] = min(least[i], time.perf_counter() - begin)
    return least


@pytest.mark.parametrize("replications", REPLICATIONS)
def test_a_slot_under_prices(record, replications):
    system, slots = load_scenario("balanced"), REPLICATIONS[replications]
    price = make_policy("price", system, waiting_cost_j_per_s=0.01)
    points = make_policy("middle", system)
    runs = [
        lambda policy=policy: simulate(system, policy, slots=slots, replications=replications, seed=1)
        for policy in (price, points)
    ]
    seconds = alternating(*runs)
    group = f"A slot of {replications} default systems"
    for name, value in zip(
        ("price rule with its cuts", "backlog rule at middle points"), seconds, strict=True
    ):
        record.time(group, name, value / slots / replications, "slot")
    ratio = seconds[0] / seconds[1]
    what = f"price rule with its cuts, of the backlog rule, {replications} systems"
    record.require(what, f"<= {MOST_OF_BACKLOG_RULE}", f"{ratio:.2f}", ratio <= MOST_OF_BACKLOG_RULE)


def test_bounds(record):
    system = load_scenario("balanced")
    waiting_bound(system, 0.01)  # SciPy is imported
    runs = [
        lambda: waiting_bound(system, 0.01, whole_slots=False),
        lambda: waiting_bound(system, 0.01),
    ]
    closed, whole = alternating(*runs, rounds=5)
    (queueing,) = alternating(lambda: queueing_bound(system, 0.01), rounds=1)
    record.require("LB3 in closed form", "< 50 ms", f"{1e3 * closed:.1f} ms", closed < 0.05)
    record.require("LB3 of whole slots", "< 2 s", f"{whole:.2f} s", whole < 2.0)
    record.require("LB4 of a scenario", "<= 300 s", f"{queueing:.1f} s", queueing <= 300.0)
