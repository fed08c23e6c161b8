"""Order of policies, and documents that are joined."""

from __future__ import annotations

import math
import statistics

import pytest

pytest.importorskip("scipy")

from lyaopt.benchmark import BenchmarkDocument, behind, merged, overall, ranked
from lyaopt.errors import ProblemError

NONE = {"value": None, "low": None, "high": None}


def policy(name, objective, bound, replications=(1.0,), done=1.0):
    mean = {"value": objective, "low": None, "high": None}
    ratio = NONE if bound is None else {"value": objective / bound, "low": None, "high": None}
    return {
        "policy": name,
        "name": name,
        "objective_j": mean,
        "over_bound": ratio,
        **dict.fromkeys(("energy_j", "cost", "latency_s", "latency_p99_s"), NONE),
        "born": 1,
        "completed": 1,
        "done_share": done,
        "seconds": {"prepare": 0.0, "decide_per_slot": 0.0, "run_per_slot": 0.0},
        "objective_j_by_replication": list(replications),
    }


def document(instances, *, suite="1", slots=10, complete=True):
    return BenchmarkDocument.model_validate(
        {
            "suite": suite,
            "budget_name": "other",
            "complete": complete,
            "confidence": 0.95,
            "budget": {"replications": 1, "slots": slots, "warmup": 0, "seed": 0, "search_slots": 1},
            "instances": [
                {
                    "instance": name,
                    "sha256": mark * 64,
                    "waiting_cost_j_per_s": [0.01],
                    "bound_j": bound,
                    "policies": policies,
                }
                for name, mark, bound, policies in instances
            ],
            "versions": {"lyaopt": "0", "python": "3", "numpy": "2", "core": "python"},
        }
    )


TWO = document(
    [
        ("one", "a", 1.0, [policy("p", 3.0, 1.0), policy("q", 2.0, 1.0, done=0.5), policy("r", 1.5, 1.0)]),
        ("two", "b", 2.0, [policy("p", 2.0, 2.0), policy("q", 4.0, 2.0)]),
        ("free", "c", None, [policy("p", 2.0, None)]),
    ]
)


def test_the_least_ratio_is_first():
    assert [item.policy for item in ranked(TWO.instances[0])] == ["r", "q", "p"]
    ratios = [item.over_bound.value for item in ranked(TWO.instances[0])]
    assert ratios == sorted(ratios)
    assert [item.policy for item in ranked(TWO.instances[1])] == ["p", "q"]


def test_the_order_over_all_instances_is_by_the_geometric_mean():
    first, second = overall(TWO)  # r did not run on all that have a bound
    assert (first.policy, second.policy) == ("p", "q")
    assert first.mean_over_bound == pytest.approx(math.sqrt(3.0 * 1.0))
    assert (first.worst_over_bound, second.worst_over_bound) == (3.0, 2.0)
    assert (first.worst_done_share, second.worst_done_share) == (1.0, 0.5)


def test_differences_are_paired():
    both = [policy("p", 0.0, 1.0, [1.0, 5.0, 9.0]), policy("q", 0.0, 1.0, [2.0, 6.5, 10.5])]
    (found,) = document([("one", "a", 2.0, both)]).instances
    worse = behind(found.policies[1], found.policies[0], 2.0)
    half = 4.302653 * statistics.stdev([0.5, 0.75, 0.75]) / math.sqrt(3)  # Student's quantile of two degrees
    assert worse.value == pytest.approx(2.0 / 3.0)
    assert (worse.low, worse.high) == pytest.approx((worse.value - half, worse.value + half), rel=1e-6)


def test_an_objective_of_nothing_is_ranked():
    (rank,) = overall(document([("one", "a", 1.0, [policy("p", 0.0, 1.0)])]))
    assert rank.mean_over_bound == 0.0


def test_documents_are_joined():
    other = document(
        [
            ("one", "a", 1.0, [policy("p", 3.0, 1.0), policy("q", 1.0, 1.0, [9.0]), policy("s", 5.0, 1.0)]),
            ("new", "d", 1.0, [policy("s", 5.0, 1.0)]),
        ],
        complete=False,
    )
    joined = merged([("a.json", TWO), ("b.json", other)])
    names = [item.policy for item in joined.instances[0].policies]
    assert names == ["p", "q", "r", "q (b.json)", "s"]  # p agrees in every replication
    assert [found.instance for found in joined.instances] == ["one", "two", "free", "new"]
    assert not joined.complete
    assert [item.policy for item in TWO.instances[0].policies] == ["p", "q", "r"]
    assert merged([("a.json", TWO)]) == TWO


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (document([], suite="2"), "$.suite: b.json: expected that of a.json"),
        (document([], slots=11), "$.budget: b.json: expected that of a.json"),
        (document([("one", "e", 1.0, [])]), f"$.instances[0].sha256: b.json: expected {'a' * 64}, got "),
    ],
)
def test_documents_that_do_not_fit_are_not_joined(other, message):
    with pytest.raises(ProblemError) as refused:
        merged([("a.json", TWO), ("b.json", other)])
    assert str(refused.value).startswith(message)
