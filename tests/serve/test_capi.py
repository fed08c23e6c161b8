"""The C library: the example, agreement with Python, bad input, and arrays that must not change."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from lyaopt import __version__, installation, solve_slot, solve_slots
from lyaopt.installation import CAPI, c_flags, c_libs
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import solution_to_dict
from tests.kernels.test_sizes import make_batch
from tests.support.capi import (
    BAD_SIZE,
    BAD_VALUE,
    CERTIFICATE,
    DEVICES,
    DEVICES_OUT,
    LIBRARY,
    NOT_CERTIFIED,
    NULL,
    OK,
    QUEUES,
    SERVICES_OUT,
    SMALL_WORKSPACE,
    Allocation,
    Call,
    State,
    System,
    load_library,
    pointer,
    slot_of,
)

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library():
    return load_library()


def test_the_example_prints_the_answer_of_the_command(tmp_path):
    compiler = shutil.which("cc")
    assert compiler is not None
    program = tmp_path / "slot"
    source = ROOT / "examples" / "c" / "slot.c"
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    command = [compiler, *strict, str(source), c_flags(), *c_libs().split(), "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    *devices, last = done.stdout.splitlines()
    expected = solution_to_dict(
        solve_slot(parse_slot_document((ROOT / "examples" / "slot.json").read_bytes()))
    )
    assert len(devices) == len(expected["devices"])
    for line, device in zip(devices, expected["devices"], strict=True):
        numbers = [float(word) for word in line.split()[1:]]
        allocation = [service[name] for service in device["services"] for name in SERVICES_OUT]
        np.testing.assert_allclose(numbers, [device["cpu_hz"], device["power_w"], *allocation], rtol=1e-15)
    objective, gap = float(last.split()[1]), float(last.split()[3])
    assert objective == pytest.approx(expected["objective"]["total"], rel=1e-15)
    assert gap < 1e-12


def test_header_is_c_plus_plus_too(tmp_path):
    source = tmp_path / "version.cpp"
    source.write_text("#include <lyaopt.h>\n#include <cstdio>\nint main() { std::puts(lyaopt_version()); }\n")
    compiler = shutil.which("c++")
    assert compiler is not None
    program = tmp_path / "version"
    command = [compiler, "-Wall", "-Wextra", "-pedantic", "-Werror", str(source), c_flags()]
    subprocess.run([*command, *c_libs().split(), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == __version__


@pytest.mark.parametrize("services", [1, 2, 3, 4, 5, 8, 9, 17, 130, 300])
def test_batches_are_those_of_python_bit_for_bit(library, services):
    batch = make_batch(services, slots=5)
    call = Call(library, batch)
    assert call() == OK
    call.check_guards()
    few = services * batch.shape[1] <= 256  # beyond, Python selects where C sorts
    solution = solve_slots(batch)
    for name, answer in zip((*SERVICES_OUT, *DEVICES_OUT), call.answers, strict=True):
        expected = getattr(solution, name).T.ravel()
        np.testing.assert_allclose(answer, expected, rtol=0.0 if few else 1e-13, err_msg=name)


@pytest.mark.parametrize("services", [1, 2, 5, 9, 40])
def test_slots_are_those_of_python_with_their_certificates(library, services):
    batch = make_batch(services, slots=3)
    for slot in range(3):
        call = Call(library, batch, slot)
        assert call() == OK
        call.check_guards()
        solution = solve_slot(slot_of(batch, slot))
        for name, answer in zip(SERVICES_OUT, call.answers, strict=False):
            np.testing.assert_array_equal(answer, getattr(solution, name).T.ravel(), err_msg=name)
        np.testing.assert_array_equal(call.answers[3], solution.cpu_hz)
        np.testing.assert_array_equal(call.answers[4], solution.power_w)
        assert call.certificate.relative_gap <= 1e-12
        assert call.certificate.max_violation <= 1e-14
        assert call.certificate.edge_price == pytest.approx(solution.edge_price, rel=1e-14)
        parts = [getattr(call.certificate, name) for name in CERTIFICATE[:3]]
        expected = [getattr(solution.objective, name) for name in CERTIFICATE[:3]]
        np.testing.assert_allclose(parts, expected, rtol=1e-13)


def test_a_workspace_can_be_reused_with_any_content(library):
    batch = make_batch(5, slots=4)
    call = Call(library, batch)
    assert call() == OK
    first = [array.copy() for array in call.answers]
    call.workspace[1:-1] = np.nan
    assert call() == OK
    for before, after in zip(first, call.answers, strict=True):
        np.testing.assert_array_equal(before, after)


def test_no_certificate_is_needed(library):
    batch = make_batch(2, slots=1)
    with_one, without = Call(library, batch, 0), Call(library, batch, 0)
    without.certified = [None]
    assert with_one() == without() == OK
    without.check_guards()
    for ours, theirs in zip(with_one.answers, without.answers, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("slot", [None, 0])
@pytest.mark.parametrize("size", [0, -1, 2**62])
def test_impossible_sizes_are_refused(library, slot, size):
    for place in range(2 if slot is not None else 3):
        call = Call(library, make_batch(2, slots=2), slot)
        call.sizes[place] = size
        assert call() == BAD_SIZE
        call.check_nothing_written()
        kind = "slot" if slot is not None else "batch"
        assert getattr(library, f"lyaopt_{kind}_workspace")(*call.sizes) == 0


@pytest.mark.parametrize("slot", [None, 0])
def test_a_workspace_that_is_too_small(library, slot):
    call = Call(library, make_batch(3, slots=2), slot)
    call.size = call.needed - 1
    assert call() == SMALL_WORKSPACE
    call.check_nothing_written()


@pytest.mark.parametrize("slot", [None, 0])
@pytest.mark.parametrize("part", ["state", "allocation"])
def test_null_is_an_error(library, slot, part):
    names = {"state": (*DEVICES, *QUEUES), "allocation": (*SERVICES_OUT, *DEVICES_OUT)}[part]
    for name in names:
        call = Call(library, make_batch(2, slots=2), slot)
        setattr(getattr(call, part), name, pointer())
        assert call() == NULL, name
        call.check_nothing_written()


@pytest.mark.parametrize("slot", [None, 0])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_bad_values_are_refused_before_anything_is_written(library, slot, bad):
    for index in range(len(DEVICES) + len(QUEUES)):
        call = Call(library, make_batch(3, slots=2), slot)
        call.inputs[index].flat[-1] = bad
        assert call() == BAD_VALUE, index
        call.check_nothing_written()
    for name, _ in System._fields_:
        call = Call(library, make_batch(3, slots=2), slot)
        setattr(call.system, name, bad)
        assert call() == BAD_VALUE, name
        call.check_nothing_written()


@pytest.mark.parametrize("slot", [None, 0])
@pytest.mark.parametrize("services", [3, 9])
def test_a_signed_zero_is_a_zero(library, slot, services):
    """Of every number and array that may be 0, bit for bit."""
    places = [name for name, _ in System._fields_ if name not in ("slot_duration_s", "noise_psd_w_per_hz")]
    places += [index for index in range(len(DEVICES) + len(QUEUES)) if index != DEVICES.index("bandwidth_hz")]
    for place in places:
        answers = []
        for zero in (-0.0, 0.0):
            call = Call(library, make_batch(services, slots=2), slot)
            if isinstance(place, str):
                setattr(call.system, place, zero)
            else:
                call.inputs[place].flat[0] = zero
            assert call() == OK, place
            answers.append([array + 0.0 for array in call.answers])
        for signed, plain in zip(*answers, strict=True):
            np.testing.assert_array_equal(signed, plain, err_msg=str(place))


@pytest.mark.parametrize("name", ["slot_duration_s", "noise_psd_w_per_hz"])
def test_positive_values_are_required(library, name):
    call = Call(library, make_batch(2, slots=2), 0)
    setattr(call.system, name, 0.0)
    assert call() == BAD_VALUE


def test_signals_and_rates_beyond_doubles_are_refused(library):
    call = Call(library, make_batch(2, slots=2))
    call.inputs[DEVICES.index("channel_gain")][:] = 1e308
    assert call() == BAD_VALUE
    call = Call(library, make_batch(2, slots=2))
    call.inputs[len(DEVICES)][:] = 1e307
    assert call() == BAD_VALUE


def test_threads_do_not_share_results(library):
    batches = [make_batch(services, slots=50) for services in (2, 3, 5, 9)]
    expected = []
    for batch in batches:
        call = Call(library, batch)
        assert call() == OK
        expected.append([array.copy() for array in call.answers])
    wrong = []

    def work(index):
        for _ in range(30):
            call = Call(library, batches[index])
            same = call() == OK and all(map(np.array_equal, call.answers, expected[index]))
            if not same:
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index % 4,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_every_status_has_words(library):
    words = [library.lyaopt_message(status) for status in range(7)]
    assert len(set(words)) == 7
    assert library.lyaopt_version() == __version__.encode()
    assert f"#define LYAOPT_API_VERSION {library.lyaopt_api_version()}\n" in (CAPI / "lyaopt.h").read_text()


def test_an_objective_beyond_doubles_is_not_certified(library):
    call = Call(library, make_batch(2, slots=1), 0)
    call.inputs[-1][:] = 1e300
    assert call() == NOT_CERTIFIED


def test_a_library_that_does_not_match_is_not_offered(monkeypatch):
    monkeypatch.setattr(
        installation, "usable", lambda sources: ({}, "the built core needs a processor with x")
    )
    assert installation.c_library() == (None, "the built core needs a processor with x")
    monkeypatch.undo()
    monkeypatch.setattr(installation, "hash_of_builder", lambda: "another")
    assert installation.c_library() == (None, "it was built from other sources in C")


def test_nothing_else_is_exported():
    listed = subprocess.run(["nm", "-D", "--defined-only", str(LIBRARY)], capture_output=True, text=True)
    names = {line.split()[-1] for line in listed.stdout.splitlines()}
    declared = {*re.findall(r"\b(lyaopt_\w+)\(", (CAPI / "lyaopt.h").read_text())}
    assert names == declared


def test_the_header_documents_every_function():
    header = (CAPI / "lyaopt.h").read_text()
    for structure in (System, State, Allocation):
        for name, _ in structure._fields_:
            assert f"{name};" in header
    assert json.loads((CAPI.parent / "_core.json").read_text())["files"][1] == f"capi/{LIBRARY.name}"
