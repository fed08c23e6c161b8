"""For every missing library of an extra, the same error names the library and the extra."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lyaopt.errors import LyaoptError, MissingExtraError
from lyaopt.io.extras import needs_extra

OPTIONAL = (
    "cvxpy scipy torch safetensors gymnasium tensorboard stable_baselines3 onnx tflite matplotlib joblib dask"
    " distributed ray onnxruntime"
)
# Code, the library that is missing first, and the extra that installs it.
ENTRIES = [
    ("solve_reference(problem)", "cvxpy", "check"),
    ("run_accuracy(10, 1)", "cvxpy", "check"),
    ("lyaopt.energy_bound(system)", "scipy", "bound"),
    ("lyaopt.energy_bound(still)", "scipy", "bound"),
    ("interquartile_mean(np.arange(5.0))", "scipy", "bound"),
    ("lyaopt.load_policy('run')", "torch", "train"),
    ("lyaopt.learning.PPO", "torch", "train"),
    ("lyaopt.torch.solve_slots", "torch", "torch"),
    ("import lyaopt.learning.gym", "gymnasium", "train"),
    ("import lyaopt.learning.gym_vector", "gymnasium", "train"),
    ("Scalars('log')", "torch", "tensorboard"),
    ("import lyaopt.learning.sb3", "gymnasium", "sb3"),
    ("profile_onnx('net.onnx')", "onnx", "profile"),
    ("measure_onnx('net.onnx')", "onnxruntime", "measure"),
    ("profile_tflite('net.tflite')", "tflite", "profile"),
    ("profile_torch(None, ())", "torch", "profile"),
    ("verify_torch(None, ())", "torch", "profile"),
    ("picture_format('picture.svg')", "matplotlib", "plot"),
    ("need_matplotlib()", "matplotlib", "plot"),
    ("cores()", "joblib", "experiments"),
    ("engine('local', 1).__enter__()", "joblib", "experiments"),
    ("engine('dask', 1).__enter__()", "dask", "dask"),
    ("engine('ray', 1).__enter__()", "ray", "ray"),
]
COMMANDS = [
    (["solve-slot", "examples/slot.json", "--check"], "check"),
    (["check", "--instances", "10"], "check"),
    (["bound", "default"], "bound"),
    (["simulate", "default", "--slots", "10", "--bound"], "bound"),
    (["simulate", "default", "--slots", "10", "--plot", "{out}/a.svg"], "plot"),
    (["evaluate", "middle", "default", "--slots", "10", "--replications", "2"], "bound"),
    (
        ["benchmark", "--quick", "--policy", "middle", "--without-references", "--instances", "balanced"],
        "bound",
    ),
    (["profiles", "alexnet", "--plot", "{out}/a.svg"], "plot"),
    (["profile", "torch.nn:Identity"], "profile"),
    (["train", "default", "--out", "{out}/run"], "train"),
    (["tune", "default", "--out", "{out}/tune"], "experiments"),
]
SCRIPT = """
import contextlib, io, json, sys, tempfile
for name in OPTIONAL.split():
    sys.modules[name] = None
import numpy as np
import lyaopt, lyaopt.learning
from dataclasses import replace
from lyaopt.errors import MissingExtraError
from lyaopt.evaluation import interquartile_mean
from lyaopt.experiments.engines import cores, engine
from lyaopt.io.figures import need_matplotlib, picture_format
from lyaopt.learning.tensorboard import Scalars
from lyaopt.model.profiles.onnx_measure import measure_onnx
from lyaopt.model.profiles.onnx_profiler import profile_onnx
from lyaopt.model.profiles.tflite_profiler import profile_tflite
from lyaopt.model.profiles.torch_profiler import profile_torch
from lyaopt.model.profiles.torch_verify import verify_torch
from lyaopt.verify.campaign import run_accuracy
from lyaopt.verify.cvxpy_reference import solve_reference
from lyaopt_cli.main import run

problem = lyaopt.parse_slot_document(open("examples/slot.json").read())
system = lyaopt.load_scenario("default")
still = replace(system, channel=replace(system.channel, fading="none"))
raised, printed = {}, {}
for code in ENTRIES:
    try:
        exec(code)
        raised[code] = None
    except MissingExtraError as error:
        raised[code] = [error.library, error.extra, str(error)]
with tempfile.TemporaryDirectory() as out:
    for words in COMMANDS:
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(io.StringIO()):
            status = run([word.format(out=out) for word in words])
        printed[" ".join(words)] = [status, stderr.getvalue()]
print(json.dumps([raised, printed]))
"""


@pytest.fixture(scope="module")
def answers():
    names = {
        "OPTIONAL": OPTIONAL,
        "ENTRIES": [code for code, *_ in ENTRIES],
        "COMMANDS": [words for words, _ in COMMANDS],
    }
    script = "".join(f"{name} = {value!r}\n" for name, value in names.items()) + SCRIPT
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("code", "library", "extra"), ENTRIES)
def test_a_missing_library_names_its_extra(answers, code, library, extra):
    words = f"{library} is not installed: pip install 'lyaopt[{extra}]'"
    assert answers[0][code] == [library, extra, words]


@pytest.mark.parametrize(("words", "extra"), COMMANDS)
def test_a_command_prints_the_error_in_one_line(answers, words, extra):
    status, stderr = answers[1][" ".join(words)]
    assert status == 2, stderr
    assert len(stderr.splitlines()) == 1
    assert f"is not installed: pip install 'lyaopt[{extra}]'" in stderr


def test_every_extra_of_the_project_is_covered():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    tools = {"test", "bench", "docs", "dev", "all"}
    assert {extra for *_, extra in ENTRIES} == set(project["optional-dependencies"]) - tools


def test_a_module_of_lyaopt_itself_is_no_extra():
    with pytest.raises(ModuleNotFoundError) as raised, needs_extra("train"):
        import lyaopt.no_such_module  # noqa: F401
    assert not isinstance(raised.value, LyaoptError)


def test_the_error_is_an_import_error_too():
    assert issubclass(MissingExtraError, ImportError)
