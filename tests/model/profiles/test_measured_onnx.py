"""Halves of ONNX networks are run by ONNX Runtime and timed, every cut that the profile lists."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

onnx = pytest.importorskip("onnx", reason="profiling ONNX files needs the extra lyaopt[profile]")
import numpy as np  # noqa: E402
from onnx import TensorProto, numpy_helper  # noqa: E402

pytest.importorskip("onnxruntime", reason="measuring ONNX files needs the extra lyaopt[measure]")

from lyaopt.errors import MissingExtraError, ProfileError  # noqa: E402
from lyaopt.model.profiles import onnx_measure, parse_profile  # noqa: E402
from lyaopt.model.profiles.onnx_measure import measure_onnx  # noqa: E402
from lyaopt.model.profiles.onnx_profiler import profile_onnx  # noqa: E402
from lyaopt.model.profiles.timing import Timing  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from tests.model.cutting.test_onnx_halves import NETWORKS, network, node  # noqa: E402

QUICK = Timing(threads=1, runs=2, cpu_hz=1e9)


@pytest.fixture(params=NETWORKS)
def path(request, tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(NETWORKS[request.param], path)
    return path


def chain(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(NETWORKS["chain"], path)
    return path


def test_every_cut_is_run_and_timed(path):
    profile = profile_onnx(path, selection="all")
    measured = measure_onnx(path, selection="all", timing=QUICK)
    assert replace(profile, measured=measured).measured == measured
    assert measured.runtime.startswith("onnxruntime ")
    assert min(measured.head_s[1:]) > 0.0
    assert min(measured.tail_s[:-1]) > 0.0
    assert (measured.threads, measured.runs, measured.cpu_hz) == (1, 2, 1e9)


def test_what_is_timed_are_the_halves_of_every_cut(tmp_path, monkeypatch):
    """Each operation runs once on either side of every cut, with the threads that were asked for."""
    opened = []
    open_session = onnx_measure.open_session

    def noted(model, threads):
        opened.append(([each.op_type for each in model.graph.node], threads))
        return open_session(model, threads)

    monkeypatch.setattr(onnx_measure, "open_session", noted)
    path = chain(tmp_path)
    measure_onnx(path, timing=replace(QUICK, threads=2))
    whole = [each.op_type for each in NETWORKS["chain"].graph.node]
    first, *halves, last = [operations for operations, _ in opened]
    assert first == last == whole
    assert [head + tail for head, tail in zip(halves[::2], halves[1::2], strict=True)] == [whole] * 2
    assert {threads for _, threads in opened} == {2}


def test_halves_that_do_not_fit_together_are_timed_in_groups(tmp_path, monkeypatch):
    path, seen = chain(tmp_path), []
    monkeypatch.setattr(onnx_measure, "_MOST_WEIGHTS", 1)
    timing = replace(QUICK, progress=lambda *done: seen.append(done))
    measured = measure_onnx(path, timing=timing)
    cuts = len(measured.head_s)
    assert seen == [(done, cuts * 3) for done in range(1, cuts * 3 + 1)]
    assert min(measured.head_s[1:]) > 0.0
    assert min(measured.tail_s[:-1]) > 0.0


def test_what_cannot_be_run_is_said(tmp_path):
    """ONNX Runtime has no convolutions in double precision."""
    path = tmp_path / "net.onnx"
    kernels = [numpy_helper.from_array(np.ones((3, 3, 3, 3)), "w")]
    nodes = [node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Conv", "b w", "y")]
    model = network(nodes, kernels, inputs={"x": (TensorProto.DOUBLE, [1, 3, 6, 6])})
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    onnx.save(model, path)
    profile_onnx(path)
    with pytest.raises(ProfileError, match=r"the network cannot be run here: NotImplemented: .*Conv"):
        measure_onnx(path, timing=QUICK)


def test_without_the_runtime_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"onnxruntime is not installed: .*lyaopt\[measure\]"):
        measure_onnx(chain(tmp_path), timing=QUICK)


def test_the_command_adds_times_to_the_profile(tmp_path, monkeypatch, capsys):
    path = chain(tmp_path)
    monkeypatch.chdir(tmp_path)
    options = ["--measure", "--runs", "2", "--cpu-hz", "1e9"]
    assert run(["profile", path.name, *options, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["measured"]["head_s"]) == len(document["cuts"])
    assert run(["profile", path.name, *options, "-o", "net.json"]) == 0
    assert "cycles/MAC" in capsys.readouterr().out
    assert parse_profile((tmp_path / "net.json").read_text()).measured.cpu_hz == 1e9


def test_files_of_tensorflow_lite_are_not_run(capsys):
    assert run(["profile", "net.tflite", "--measure"]) == 2
    assert "only PyTorch and ONNX networks can be measured" in capsys.readouterr().err


def test_the_clock_and_the_quantile_are_those_of_the_timing(tmp_path):
    """Each reading of this clock is twice the one before: the first run of a half is the shortest."""
    now = [1.0]

    def clock():
        now[0] *= 2.0
        return now[0]

    path = chain(tmp_path)
    least = measure_onnx(path, timing=replace(QUICK, runs=3, clock=clock, quantile=0.0))
    now[0] = 1.0
    middle = measure_onnx(path, timing=replace(QUICK, runs=3, clock=clock))
    assert all(a < b for a, b in zip(least.head_s[1:], middle.head_s[1:], strict=True))
    # Six halves read it once each to warm up; the first timed half starts at the next reading.
    assert least.head_s[1] == 2.0**8 - 2.0**7
