"""The rules of examples/rules do what docs/howto/change-the-model.md says of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt.policies.fixed import middle
from lyaopt.simulation import simulate
from tests.simulation.test_record_invariants import assert_bitwise_equal
from tests.support.documented import ROOT

SYSTEM = load_scenario("default")
RULES = sorted((ROOT / "examples/rules").glob("*.py"))


def example(name: str):
    """Load examples/rules/NAME.py afresh."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / f"examples/rules/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(rule=None, slots=3000, **options):
    return simulate(SYSTEM, middle(SYSTEM), slots=slots, seed=1, rule=rule, **options)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_examples_are_short(path: Path):
    assert len(path.read_text().splitlines()) <= 30


def test_mean_power_falls_to_the_limit():
    """The virtual queue bounds it exactly: mean p <= limit (1 + z(T) / (step T))."""
    limit, step, slots = 0.003, 0.05, 3000
    rule = example("average_power").AveragePower(limit, step)
    plain, limited = run(record=True).record, run(rule, record=True).record
    assert plain.power_w.mean(axis=0).max() > 3.0 * limit
    last = np.maximum(rule.z[:, 0] + step * (limited.power_w[-1] / limit - 1.0), 0.0)
    mean = limited.power_w.mean(axis=0)
    assert (mean <= limit * (1.0 + last / (step * slots)) * (1.0 + 1e-9)).all()
    assert mean.max() < 1.5 * limit
    assert mean.max() > 0.5 * limit


def test_the_compiled_limit_is_that_in_python():
    compiled = example("average_power_compiled")
    in_python = example("average_power").AveragePower(compiled.LIMIT_W, compiled.STEP)
    records = [run(rule, slots=600, record=True).record for rule in (in_python, compiled.average_power)]
    assert_bitwise_equal(*records)


def mean_latency(result, service: int) -> float:
    latencies = result.record.latency_slots[result.record.latency_service == service]
    return float(latencies.mean())


def test_a_priority_shortens_the_latency_of_its_service():
    for first in (3, 5):
        factors = np.ones(len(SYSTEM.services))
        factors[first] = 20.0
        plain, ahead = run(record=True), run(example("priorities").Priorities(factors), record=True)
        assert mean_latency(ahead, first) < 0.9 * mean_latency(plain, first)


def test_a_deadline_cuts_the_tail():
    plain, early = (run(rule, replications=8) for rule in (None, example("deadline").deadline))
    assert early.latency_percentiles_s((99.0,)) < 0.8 * plain.latency_percentiles_s((99.0,))
    assert early.mean_energy_j > plain.mean_energy_j


def test_persistent_queues_bound_the_worst_delay():
    plain, steady = (run(rule, replications=2) for rule in (None, example("worst_delay").WorstDelay()))
    assert steady.latency_percentiles_s((100.0,)) < 0.8 * plain.latency_percentiles_s((100.0,))
