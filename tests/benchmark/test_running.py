"""Runs of the benchmark with few slots."""

from __future__ import annotations

import json
import math
from copy import deepcopy

import numpy as np
import pytest

pytest.importorskip("scipy")

from lyaopt.benchmark import (
    REFERENCES,
    benchmark_schema,
    load_suite,
    own_entry,
    parse_benchmark,
    run_benchmark,
    shipped_entry,
    total_slots,
)
from lyaopt.benchmark.traces import frozen_traces
from lyaopt.bounds import waiting_bound
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.simulation import simulate
from tests.benchmark.small import FAILING, TINY, Cut

SYSTEMS = {instance.name: instance.system for instance in load_suite().instances}
TWO = ["balanced", "throughput-trace"]


def without_times(document):
    figures = deepcopy(document.to_dict())
    for instance in figures["instances"]:
        for policy in instance["policies"]:
            del policy["seconds"]
    return figures


@pytest.fixture(scope="module")
def document():
    return run_benchmark([own_entry("own", Cut), shipped_entry("middle")], TWO, budget=TINY)


def test_equal_versions_give_equal_bits(document):
    again = run_benchmark([own_entry("own", Cut), shipped_entry("middle")], TWO, budget=TINY)
    assert without_times(again) == without_times(document)
    other = run_benchmark([shipped_entry("middle"), own_entry("own", Cut)], TWO[:1], budget=TINY)
    assert other.instances[0].policies[1].objective_j == document.instances[0].policies[0].objective_j


def test_figures_are_those_of_a_simulation(document):
    system = SYSTEMS["balanced"]
    own = document.instances[0].policies[0]
    run = simulate(
        system, Cut(system), slots=TINY.slots, warmup=TINY.warmup, replications=TINY.replications, seed=7
    )
    objective = run.mean_energy_j + run.waiting_cost_j(system.waiting_costs_j_per_s)
    assert own.objective_j.value == pytest.approx(objective, rel=1e-12)
    assert own.energy_j.value == pytest.approx(run.mean_energy_j, rel=1e-12)
    assert (own.born, own.completed) == (run.born, run.completed)
    assert own.done_share == run.completed / run.born
    bound = waiting_bound(system, 0.01).bound_j
    assert document.instances[0].bound_j == bound
    assert own.over_bound.value == pytest.approx(objective / bound, rel=1e-12)
    assert own.over_bound.low == pytest.approx(own.objective_j.low / bound, rel=1e-12)


def test_each_replication_of_a_traced_instance_is_a_trace_of_its_own(document):
    system = SYSTEMS["throughput-trace"]
    found = document.instances[1].policies[0].objective_j_by_replication
    for value, trace in zip(found, frozen_traces(system, TINY), strict=True):
        run = simulate(system, Cut(system), slots=TINY.slots, warmup=TINY.warmup, trace=trace)
        assert value == pytest.approx(run.mean_energy_j + run.waiting_cost_j(np.full(8, 0.01)), rel=1e-12)
    assert len(set(found)) == TINY.replications


def test_a_policy_brings_its_rule():
    def nothing(seen):
        return tuple(np.zeros_like(backlog) for backlog in seen.backlog)

    class Lazy(Cut):
        rule = staticmethod(nothing)

    found = run_benchmark([own_entry("lazy", Lazy)], ["balanced"], budget=TINY).instances[0].policies[0]
    assert found.energy_j.value == 0.0
    assert found.completed == 0
    assert found.latency_s.value is None


@pytest.mark.parametrize("factory", FAILING, ids=lambda factory: factory.__name__)
def test_a_policy_that_fails_is_named_with_its_place(factory):
    place, reason = FAILING[factory]
    entries = [shipped_entry("middle"), own_entry("mine:It", factory)]
    with pytest.raises(ProblemError) as failed:
        run_benchmark(entries, ["balanced"], budget=TINY)
    assert failed.value.path == place
    assert failed.value.reason.startswith("mine:It on balanced: ")
    assert reason in failed.value.reason
    assert "\n" not in str(failed.value)


def test_entries_have_different_labels():
    for entries in ([], [own_entry("a", Cut), own_entry("a", Cut)]):
        with pytest.raises(ProblemError, match=r"\$\.policies: expected policies with different names"):
            run_benchmark(entries, budget=TINY)


def test_what_is_finished_is_kept_when_progress_ends_it():
    kept, one = [], TINY.replications * (TINY.slots + TINY.warmup)
    entries = [shipped_entry("middle"), shipped_entry("all-local")]
    document = run_benchmark(
        entries,
        TWO,
        budget=TINY,
        progress=lambda done: done <= 2 * one,
        keep=lambda now: kept.append([len(item.policies) for item in now.instances]),
    )
    assert not document.complete
    assert kept == [[1], [2], [2]]
    assert [policy.policy for policy in document.instances[0].policies] == ["middle", "all-local"]
    assert len(document.instances) == 1


def test_a_search_that_is_ended_is_no_error():
    stopped = []

    def search(system):
        stopped.append(True)
        raise ProblemError("$", "stopped before the first candidate")

    entries = [shipped_entry("middle"), own_entry("searched", search)]
    document = run_benchmark(entries, TWO, budget=TINY, progress=lambda done: not stopped)
    assert not document.complete
    assert [[item.policy for item in found.policies] for found in document.instances] == [["middle"]]


def test_progress_counts_every_slot_once():
    seen = []
    entries = [shipped_entry("middle"), shipped_entry("all-local")]
    document = run_benchmark(entries, TWO, budget=TINY, progress=seen.append)
    assert document.complete
    assert seen == sorted(seen)
    assert seen[-1] == total_slots(2, 2, TINY) == 2 * 2 * 3 * 80


@pytest.mark.parametrize("name", sorted({*REFERENCES} - {"best-fixed", "price"}))
def test_references_run(name):
    found = run_benchmark([shipped_entry(name)], ["frame-rate"], budget=TINY).instances[0].policies[0]
    assert found.policy == name
    assert math.isfinite(found.objective_j.value)


# --- the document


def test_the_document_is_read_back(document):
    assert parse_benchmark(json.dumps(document.to_dict())) == document


def test_the_schema_has_the_keys_of_the_document(document):
    schema = benchmark_schema()
    assert_keys(json.loads(json.dumps(document.to_dict())), schema, schema["$defs"])


def assert_keys(value, schema, parts):
    """Walk document and schema side by side: all keys are required and known, and types agree."""
    schema = parts[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if isinstance(value, dict):
        assert schema["additionalProperties"] is False
        assert set(value) == set(schema["properties"])
        for key, item in value.items():
            assert_keys(item, schema["properties"][key], parts)
    elif isinstance(value, list):
        assert schema["type"] == "array"
        for item in value:
            assert_keys(item, schema["items"], parts)
    else:
        names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
        known = {option.get("type") for option in schema.get("anyOf", [schema])}
        assert names[type(value)] in known or (isinstance(value, int) and "number" in known)


def changed(document, change):
    figures = document.to_dict()
    change(figures)
    return json.dumps(figures, indent=1)


def change_policy(key, value):
    def change(figures):
        figures["instances"][1]["policies"][0][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda figures: figures.pop("suite"), "$.suite: missing required key"),
        (lambda figures: figures.update(schema_version=2), "$.schema_version: expected 1, got 2"),
        (lambda figures: figures.update(more=1), "$.more: expected one of the keys schema_version, "),
        (lambda figures: figures["versions"].update(numpy=2), "$.versions.numpy: expected a string, got 2"),
        (lambda figures: figures["instances"][0].update(sha256="x"), "$.instances[0].sha256: expected a SHA"),
        (change_policy("done_share", 1.5), "$.instances[1].policies[0].done_share: expected a number from 0"),
        (change_policy("over_bound", None), "$.instances[1].policies[0].over_bound: expected an object"),
        (
            change_policy("objective_j", {"value": "1", "low": None, "high": None}),
            "$.instances[1].policies[0].objective_j.value: expected a finite number",
        ),
        (
            change_policy("objective_j_by_replication", [1.0, 2.0]),
            "$.instances[1].policies[0].objective_j_by_replication: expected one number for each of 3 rep",
        ),
        (
            change_policy("objective_j_by_replication", [1.0, "2"]),
            "$.instances[1].policies[0].objective_j_by_replication[1]: expected a finite number",
        ),
    ],
)
def test_another_document_is_refused_with_its_place(document, change, message):
    with pytest.raises(DocumentError) as refused:
        parse_benchmark(changed(document, change))
    assert str(refused.value).startswith(message)


def test_text_that_is_no_document_is_refused():
    with pytest.raises(DocumentError):
        parse_benchmark(b'{"suite":')
