"""Weights apart from limits in the C library: agreement with Python, NULL, and bad values."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyaopt import SlotProblem, solve_slot, solve_slots
from lyaopt.installation import c_flags, c_libs
from tests.kernels.test_sizes import make_batch
from tests.support.capi import (
    BAD_VALUE,
    CERTIFICATE,
    DEVICES_OUT,
    OK,
    QUEUES,
    SERVICES_OUT,
    WEIGHTS,
    Call,
    load_library,
    slot_of,
)

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library():
    return load_library()


def test_the_example_prints_the_answers_of_python(tmp_path):
    compiler = shutil.which("cc")
    assert compiler is not None
    program, source = tmp_path / "weights", ROOT / "examples" / "c" / "weights.c"
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    command = [compiler, *strict, str(source), c_flags(), *c_libs().split(), "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    one = {"cpu_capacity_hz": [1.5e9], "max_power_w": [0.3], "channel_gain": [2e-11], "bandwidth_hz": [250e3]}
    queues = {QUEUES[0]: [[4e7, 1e7]], QUEUES[1]: [[1e6, 0.0]], QUEUES[2]: [[0.0, 5e7]]}
    plain = SlotProblem(0.01, 1e-28, 1e17, 1e13, 2e10, **one, **queues)
    lines = [line.split() for line in done.stdout.splitlines()]
    for line, problem in zip(lines, (plain, replace(plain, local_weight=[[4e7, 5e7]])), strict=True):
        assert [float(word) for word in line[1:3]] == solve_slot(problem).local_cpu_hz[0].tolist()
        assert float(line[4]) < 1e-12
    assert [line[0] for line in lines] == ["backlogs", "weights"]


GIVEN = [(), *[(name,) for name in WEIGHTS], WEIGHTS]


def with_weights(batch, names, seed=1):
    """The batch with weights in any order against the backlogs, with ties and zeros."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name in names:
        values = 10 ** rng.uniform(3, 7, batch.shape) * (rng.random(batch.shape) < 0.8)
        weights[name] = np.where(rng.random(batch.shape) < 0.3, 54321.0, values)
    return replace(batch, **weights)


@pytest.mark.parametrize("names", GIVEN, ids=len)
@pytest.mark.parametrize("services", [1, 2, 4, 7, 20])
def test_weighted_batches_are_those_of_python_bit_for_bit(library, services, names):
    batch = with_weights(make_batch(services, slots=70), names)
    call = Call(library, batch)
    assert call() == OK
    call.check_guards()
    solution = solve_slots(batch)
    for name, answer in zip((*SERVICES_OUT, *DEVICES_OUT), call.answers, strict=True):
        np.testing.assert_array_equal(answer, getattr(solution, name).T.ravel(), err_msg=name)


@pytest.mark.parametrize("names", GIVEN, ids=len)
@pytest.mark.parametrize("services", [1, 2, 4, 7, 20])
def test_weighted_slots_are_those_of_python_with_their_certificates(library, services, names):
    batch = with_weights(make_batch(services, slots=2), names)
    for slot in range(2):
        call, uncertified = Call(library, batch, slot), Call(library, batch, slot)
        uncertified.certified = [None]
        assert call() == uncertified() == OK
        call.check_guards()
        solution = solve_slot(slot_of(batch, slot))
        for name, answer, other in zip(
            (*SERVICES_OUT, *DEVICES_OUT), call.answers, uncertified.answers, strict=True
        ):
            np.testing.assert_array_equal(answer, getattr(solution, name).T.ravel(), err_msg=name)
            np.testing.assert_array_equal(answer, other, err_msg=name)
        ours, theirs = call.certificate, solution.certificate
        assert ours.relative_gap == theirs.relative_gap <= 1e-12
        assert ours.max_violation == theirs.max_violation <= 1e-14
        assert ours.edge_price == solution.edge_price
        for name in CERTIFICATE[:3]:
            assert getattr(ours, name) == getattr(solution.objective, name)


@pytest.mark.parametrize("slot", [None, 0])
@pytest.mark.parametrize("services", [2, 5])
def test_no_weight_is_the_backlog(library, slot, services):
    batch = make_batch(services, slots=3)
    backlogs = {name: getattr(batch, queue) for name, queue in zip(WEIGHTS, QUEUES, strict=True)}
    plain, given = Call(library, batch, slot), Call(library, replace(batch, **backlogs), slot)
    assert plain() == given() == OK
    for ours, theirs in zip(plain.answers, given.answers, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)


@pytest.mark.parametrize("slot", [None, 0])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_bad_weights_are_refused_before_anything_is_written(library, slot, bad):
    for name in WEIGHTS:
        call = Call(library, with_weights(make_batch(3, slots=2), WEIGHTS), slot)
        call.weights[name].flat[-1] = bad
        assert call() == BAD_VALUE, name
        call.check_nothing_written()
