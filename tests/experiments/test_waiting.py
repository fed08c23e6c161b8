"""Policies that weigh waiting in sweeps: definition, runs, and how far they are above the bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import energy_at_latency, energy_bound, waiting_bound
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.evaluation import evaluate
from lyaopt.experiments.cells import Cell, cells_of
from lyaopt.experiments.definition import Measuring, parse_sweep
from lyaopt.experiments.plane import draw_plane
from lyaopt.experiments.results import Results
from lyaopt.experiments.run_cell import compute
from lyaopt.experiments.statistics import Run
from lyaopt.experiments.variations import varied
from lyaopt.experiments.waiting import Waiting
from lyaopt.experiments.watched_points import WatchedPoints
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate

SYSTEM = load_scenario("balanced")
SHORT = Measuring(slots=2_000, warmup=200, replications=3)
DEFINITION = """
scenario = "balanced"
policies = ["price", "patient", "quick", "floor", "middle", "bound"]
[vary]
edge_capacity_hz = [5e9, 2e10]
[waiting.patient]
policy = "price"
waiting_cost_j_per_s = 0.001
[waiting.quick]
policy = "value"
target_latency_s = 0.5
[waiting.floor]
policy = "bound"
target_latency_s = 0.5
"""


def measured(policy, system=SYSTEM, waiting=None, measuring=SHORT):
    (found,) = compute(Cell(policy, (0,), (system,), measuring, waiting=waiting))["evaluations"]
    return found


def results_of(policy, *evaluations):
    made = Results("made", None, [{"x": point} for point in range(len(evaluations))], [policy], {})
    made.runs.update({(policy, point): [Run(None, found)] for point, found in enumerate(evaluations)})
    return made


def test_policies_in_a_sweep_run_by_their_own_rule():
    """Energies are those of a simulation of the policy, which allocates by prices."""
    found = measured("price", varied(SYSTEM, {"waiting_cost_j_per_s": 0.01}))
    policy = make_policy("price", SYSTEM, waiting_cost_j_per_s=0.01, seed=SHORT.search_seed)
    alone = simulate(SYSTEM, policy, slots=2_000, warmup=200, replications=3, seed=SHORT.seed)
    energy = (alone.local_energy_j + alone.transmit_energy_j).sum(axis=0)
    assert found["energy_j"] == pytest.approx(energy.tolist(), rel=1e-12)
    assert alone.rule == "price"
    assert found["own_waiting_cost_j_per_s"] == [0.01]


def test_points_that_a_rule_chooses_are_those_of_its_record():
    """A scarce edge: the rule keeps away from the points of a task alone."""
    system = varied(SYSTEM, {"edge_capacity_hz": 1e9})
    policy = make_policy("price", system, waiting_cost_j_per_s=0.01, slots=2_000, replications=2)
    watched = WatchedPoints(policy, system)
    watched.measure_rule(1_000, seed=3)
    record = simulate(system, policy, slots=1_000, seed=3, record=True).record
    depths = record.partition / (system.cut_counts - 1)
    assert watched.depth == pytest.approx(depths.mean())
    macs = np.array(
        [
            [s.profile.cuts[k].macs for s, k in zip(system.services, row, strict=True)]
            for row in record.partition
        ]
    )
    rates = system.arrival_rate_per_s
    whole = np.array([service.profile.cuts[-1].macs for service in system.services])
    assert watched.local_share == pytest.approx((macs @ rates).mean() / (whole @ rates))
    assert watched.depth != pytest.approx((policy.rule.cuts.usual / (system.cut_counts - 1)).mean())


def test_a_run_is_beside_the_bound_at_its_own_latency():
    """The ratio is the energy over `energy_at_latency` at the mean number of tasks over their rate."""
    found = measured("middle")
    policy = make_policy("middle", SYSTEM)
    run = simulate(SYSTEM, policy, slots=2_000, warmup=200, replications=3, seed=SHORT.seed)
    stay = run.mean_tasks.sum(axis=0).mean() / SYSTEM.arrival_rate_per_s.sum()
    assert np.mean(found["stay_s"]) == pytest.approx(stay)
    least = energy_at_latency(SYSTEM, float(stay)).bound_energy_j
    over = results_of("middle", found).estimate("middle", 0, "over_bound_at_latency")
    assert over.value == pytest.approx(run.mean_energy_j / least, rel=0.01)
    assert np.mean(found["least_energy_j"]) <= least * (1.0 + 1e-9)
    assert over.low <= over.value <= over.high
    (score,) = evaluate(SYSTEM, [policy], replications=3, slots=2_000, warmup=200, seed=SHORT.seed).scores
    assert over.value == pytest.approx(score.over_bound_at_latency.value, rel=0.01)


def test_energy_and_waiting_are_beside_lb3_where_waiting_has_a_cost():
    """All policies are judged by the scenario's waiting cost, also those that have another one."""
    system = varied(SYSTEM, {"waiting_cost_j_per_s": 0.01})
    bound = measured("bound", system)
    assert bound["waiting_and_energy_j"] == [waiting_bound(system).bound_j]
    assert bound["energy_j"] == [energy_bound(system).energy_j]
    for policy, waiting in (("middle", None), ("other", Waiting("price", 1.0, None))):
        found = measured(policy, system, waiting)
        tasks = 0.01 * system.slot_duration_s * float(system.arrival_rate_per_s.sum())
        together = np.array(found["energy_j"]) + tasks * np.array(found["stay_s"])
        assert found["waiting_and_energy_j"] == pytest.approx(together.tolist())
        over = results_of(policy, found).estimate(policy, 0, "over_bound")
        assert over.value == pytest.approx(together.mean() / waiting_bound(system).bound_j)
    assert "waiting_and_energy_j" not in measured("middle")


def test_a_target_latency_is_reached_with_a_cost_of_each_point():
    """On the traffic of the trials; other traffic is within some percent."""
    waiting = Waiting("price", None, 0.5)
    long = Measuring(slots=20_000, warmup=2_000, replications=8)
    costs = []
    for speed in (3e9, 2e10):
        found = measured("x", varied(SYSTEM, {"edge_capacity_hz": speed}), waiting, long)
        assert np.mean(found["stay_s"]) == pytest.approx(0.5, rel=0.1)
        costs += found["own_waiting_cost_j_per_s"]
    assert costs[0] > costs[1]  # a slow edge takes time, which must be bought elsewhere


def test_the_bound_at_a_latency_is_the_least_energy_there():
    found = measured("floor", waiting=Waiting("bound", None, 0.5))
    assert found == {"energy_j": [energy_at_latency(SYSTEM, 0.5).bound_energy_j]}
    assert measured("floor", waiting=Waiting("bound", None, 1e-3)) == {"energy_j": None}


def test_cells_depend_on_what_is_said_of_waiting():
    def keys(text):
        return {(cell.policy, cell.points): cell.key for cell in cells_of(parse_sweep(text), SYSTEM)}

    before = keys(DEFINITION)
    assert len(set(before.values())) == len(before) == 12
    for old, new, changed in (
        ("0.001", "0.002", {"patient"}),
        ("search_seed = 0", "search_seed = 1", {"price", "patient", "quick"}),
    ):
        text = DEFINITION + "[evaluation]\nsearch_seed = 0\n"
        after = keys(text.replace(old, new))
        assert {name for name, points in before if after[name, points] != before[name, points]} == changed
    renamed = keys(DEFINITION.replace("patient", "thrifty"))
    assert renamed["thrifty", (0,)] == before["patient", (0,)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'policy = "price"',
            'policy = "middle"',
            r'^\$\.waiting\.patient\.policy: expected "price", "value" or',
        ),
        ('policy = "price"\n', "", r"^\$\.waiting\.patient\.policy: missing required key"),
        ("= 0.001", "= -1.0", r"^\$\.waiting\.patient\.waiting_cost_j_per_s: expected a finite number > 0"),
        ("waiting_cost_j_per_s = 0.001\n", "", r"^\$\.waiting\.patient: expected either waiting_cost"),
        (
            "target_latency_s = 0.5",
            "target_latency = 0.5",
            r"^\$\.waiting\.quick\.target_latency: expected one of",
        ),
        (
            '"bound"\ntarget_latency_s',
            '"bound"\nwaiting_cost_j_per_s',
            r"^\$\.waiting\.floor\.target_latency_s: ",
        ),
    ],
)
def test_errors_are_reported_with_their_place(old, new, message):
    assert old in DEFINITION
    with pytest.raises(DocumentError, match=message):
        parse_sweep(DEFINITION.replace(old, new, 1))


def test_waiting_costs_are_scaled_together():
    devices = SYSTEM.devices
    with pytest.raises(ProblemError, match=r"\$\.waiting_costs: expected a scenario with a waiting cost"):
        varied(SYSTEM, {"waiting_costs": 2.0})
    with pytest.raises(ProblemError, match=r"\$\.waiting_costs: expected a number from 0"):
        varied(varied(SYSTEM, {"waiting_cost_j_per_s": 1.0}), {"waiting_costs": True})
    first = devices[0].services[0]
    own = replace(devices[0], services=(replace(first, waiting_cost_j_per_s=0.5), *devices[0].services[1:]))
    system = replace(SYSTEM, devices=(own, *devices[1:]), waiting_cost_j_per_s=0.1)
    scaled = varied(system, {"waiting_costs": 3.0})
    assert scaled.waiting_costs_j_per_s == pytest.approx(3.0 * system.waiting_costs_j_per_s)


def test_a_sweep_is_drawn_beside_the_bound():
    one, other = measured("middle"), measured("middle", varied(SYSTEM, {"edge_capacity_hz": 5e9}))
    results = results_of("middle", one, other)
    without = draw_plane(results)
    for point, system in enumerate((SYSTEM, varied(SYSTEM, {"edge_capacity_hz": 5e9}))):
        results.runs["bound", point] = [Run(None, measured("bound", system))]
    results.policies.append("bound")
    assert without.startswith(b"<?xml")
    assert draw_plane(results) != without
    old = {name: values for name, values in one.items() if name != "stay_s"}
    assert draw_plane(results_of("middle", old)) is None
