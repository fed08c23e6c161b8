"""The core built ahead of time: the same results as at run time, and used only if it matches."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lyaopt
from lyaopt._kernels.toolchain import argument_check
from lyaopt._kernels.toolchain.core_choice import CHOICE, hash_of_sources, machine, processor_flags, usable
from lyaopt._kernels.toolchain.jit import KERNELS
from lyaopt.kernels import EdgeAllocation, EdgeProblem, edge_exact

PACKAGE = Path(lyaopt.__file__).parent
EXAMPLE = PACKAGE.parent / "examples" / "slot.json"
# Skipped only without a compiler: a broken or outdated build fails these tests.
built = pytest.mark.skipif(
    shutil.which("cc") is None or "LYAOPT_CORE" in os.environ,
    reason="no C compiler, or another core is asked for",
)

ANSWERS = """
import json, sys
import numpy as np
from lyaopt import solve_slots
from lyaopt.policies.fixed import middle
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import simulate
from tests.kernels.test_sizes import make_batch

arrays = {}
for services in (1, 2, 3, 5, 9):
    solution = solve_slots(make_batch(services))
    for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w", "local_multiplier"):
        arrays[f"{services} {name}"] = getattr(solution, name)
system = load_scenario("bursty")
result = simulate(system, middle(system), slots=2000, replications=5, seed=3)
arrays |= {"energy": result.local_energy_j, "power": result.transmit_energy_j, "queues": result.queues}
np.savez(sys.argv[1], **arrays)
from lyaopt._kernels.toolchain.core_choice import CHOICE
print(CHOICE.core, "numba" in sys.modules)
"""


def python(*words, cwd=PACKAGE.parent, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LYAOPT")}
    paths = [str(cwd), str(cwd / "cli")]
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=kept | {"PYTHONPATH": os.pathsep.join(paths)} | env,
        capture_output=True,
        text=True,
    )


@built
def test_both_cores_give_the_same_bits(tmp_path):
    """Both are compiled for the same instructions; a build for another target may differ by 1e-15."""
    found = {}
    for core in ("aot", "jit"):
        path = tmp_path / f"{core}.npz"
        done = python("-c", ANSWERS, path, LYAOPT_CORE=core)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [core, str(core == "jit")]
        found[core] = dict(np.load(path))
    same = CHOICE.about["target"] == "host" and CHOICE.about["numba"] == version("numba")
    assert len(found["aot"]) == len(found["jit"]) > 20
    for name, expected in found["jit"].items():
        np.testing.assert_allclose(
            found["aot"][name], expected, rtol=0.0 if same else 1e-15, atol=0.0, err_msg=name
        )


@built
def test_every_kernel_is_built():
    assert {*CHOICE.about["kernels"]} >= {*KERNELS}
    assert all(hasattr(CHOICE.extension, name) for name in KERNELS)


@built
@pytest.mark.parametrize(
    "wrong",
    [
        np.ones((2, 3), np.float32),
        np.ones(6),
        np.ones((3, 2)).T,
        np.ones((2, 6))[:, ::2],
        np.broadcast_to(np.ones(3), (2, 3)),
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
        np.ma.masked_array(np.ones((2, 3))),
    ],
    ids=["single", "flat", "columns first", "strided", "read only", "list", "masked"],
)
def test_arrays_that_would_be_misread_are_refused(wrong):
    good = EdgeProblem(np.ones((2, 3)), 1.0, 1.0)
    allocation = EdgeAllocation(np.empty((2, 3)), np.empty(3))
    edge_exact(good, allocation)
    with pytest.raises(TypeError, match="expected a contiguous writeable array of float64 in 2 dimensions"):
        edge_exact(good._replace(queue=wrong), allocation)
    with pytest.raises(TypeError):
        edge_exact(good)
    with pytest.raises(TypeError):
        edge_exact(good, allocation[:1])
    with pytest.raises(TypeError):
        edge_exact(good._replace(capacity=None), allocation)


def test_members_of_tuples_are_checked_too():
    checked = argument_check.guarded(lambda *args: len(args), ["i8", ["f8:1", "u4:2"]])
    assert checked(1, (np.empty(2), np.empty((1, 2), np.uint32))) == 2
    for bad in (
        (1, (np.empty(2), np.empty((1, 2)))),
        (1, (np.empty(2),)),
        (1, np.empty(2)),
        (1, (np.empty((2, 2)), np.empty((1, 2), np.uint32))),
    ):
        with pytest.raises(TypeError):
            checked(*bad)


def copied(tmp_path, about=None, edit=False):
    """A copy of the package, imported by a `python` that runs in its folder."""
    root = tmp_path / "src"
    shutil.copytree(PACKAGE, root / "lyaopt", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE.parent / "cli", root / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    place = root / "lyaopt" / "_core.json"
    if callable(about):
        place.write_text(json.dumps(about(json.loads(place.read_text()))))
    elif about is not None:
        place.write_text(about)
    if edit:
        source = root / "lyaopt" / "_kernels" / "slot" / "marginal_costs.py"
        source.write_text(source.read_text() + "\n# edited\n")
    return root


CHOSEN = """
from lyaopt._kernels.toolchain.core_choice import CHOICE
print(CHOICE.core, CHOICE.why_not_built, sep=": ")
"""


@built
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"about": lambda about: about | {"sources": "0"}}, "the built core is of other kernel sources"),
        ({"edit": True}, "the built core is of other kernel sources"),
        (
            {"about": lambda about: about | {"processor_flags": ["avx2048"]}},
            "the built core needs a processor with avx2048",
        ),
        ({"about": lambda about: about | {"machine": "vax"}}, "the built core is for another machine, vax"),
        ({"about": "{"}, "_core.json is damaged"),
        ({"about": "[]"}, "_core.json is damaged"),
        ({"about": "{}"}, "_core.json is damaged"),
    ],
    ids=["sources", "edited", "processor", "machine", "torn", "list", "empty"],
)
def test_without_a_matching_build_kernels_are_compiled_at_run_time(tmp_path, change, reason):
    root = copied(tmp_path, **change)
    done = python("-c", CHOSEN, cwd=root)
    assert done.stdout.strip() == f"jit: {reason}"
    forced = python("-c", "import lyaopt.kernels", cwd=root, LYAOPT_CORE="aot")
    assert forced.returncode != 0
    assert f"ImportError: LYAOPT_CORE: {reason}" in forced.stderr


@built
def test_without_a_built_core_a_note_is_printed_once_and_slots_are_solved(tmp_path):
    root = copied(tmp_path)
    for file in (root / "lyaopt").glob("_core.*"):
        file.unlink()
    done = python("-c", CHOSEN, cwd=root)
    assert done.stdout.strip() == "jit: no core was built at installation"
    with_it = python("-m", "lyaopt_cli", "solve-slot", EXAMPLE)
    without = python("-m", "lyaopt_cli", "solve-slot", EXAMPLE, cwd=root)
    assert without.returncode == 0, without.stderr
    ours, theirs = (json.loads(run.stdout)["objective"]["total"] for run in (without, with_it))
    assert ours == pytest.approx(theirs, rel=1e-13)
    script = (
        "import numpy as np\n"
        "from lyaopt.kernels import *\n"
        "report = np.empty((3, 1))\n"
        "queue, cpu, one = np.array([[4.0]]), np.array([[2.0]]), np.array([1.0])\n"
        "edge_certificate(EdgeProblem(queue, 8.0, 0.5), EdgeAllocation(cpu, one), report)\n"
        "local = LocalProblem(queue, np.array([8.0]), 0.5, 1.0, 1.0)\n"
        "local_certificate(local, LocalAllocation(cpu, np.array([2.0]), one), report)\n"
    )
    done = python("-c", script, cwd=root, LYAOPT_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert "compiling kernels" in line
    assert line.endswith("as no core was built at installation")


@built
def test_a_damaged_extension_is_not_used(tmp_path):
    root = copied(tmp_path)
    (extension,) = (root / "lyaopt").glob("_core.*.so")
    extension.write_bytes(b"\x7fELF" + b"\0" * 100)
    done = python("-c", CHOSEN, cwd=root)
    assert done.stdout.startswith("jit: the file of the built core is damaged")


@built
def test_the_build_is_only_for_this_machine():
    about = CHOICE.about
    assert about["sources"] == hash_of_sources()
    assert about["machine"] == machine()
    assert {*about["processor_flags"]} <= processor_flags() or not processor_flags()
    assert usable(hash_of_sources()) == (about, "")


def test_only_the_core_compiled_at_run_time_checks_bounds():
    done = python("-c", CHOSEN, LYAOPT_BOUNDSCHECK="1")
    assert done.stdout.strip() == "jit: the built core has no bounds checks"


STUB = """
import json, os, sys
from pathlib import Path
if os.environ.get("LYAOPT_TARGET") == "bad":
    sys.exit("no such target")
root, files = Path(sys.argv[1]), ["_core.so", "capi/liblyaopt.so"]
levels = ["x86-64-v2", "x86-64-v3"] if os.environ.get("LYAOPT_TARGET") == "portable" else []
for folder in [root / "_cores" / level for level in levels] or [root]:
    (folder / "capi").mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).write_text("made")
    (folder / "_core.json").write_text(json.dumps({"files": files}))
"""


@pytest.fixture
def hook(tmp_path, monkeypatch):
    """The build hook on a package whose kernels are replaced by fast ones."""
    pytest.importorskip("hatchling")
    monkeypatch.delenv("LYAOPT_TARGET", raising=False)
    spec = importlib.util.spec_from_file_location("hatch_build", PACKAGE.parent / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    toolchain = tmp_path / "lyaopt" / "_kernels" / "toolchain"
    toolchain.mkdir(parents=True)
    for folder in (toolchain, *toolchain.parents[:2]):
        (folder / "__init__.py").write_text("")
    (toolchain / "aot_build.py").write_text(STUB)
    warnings = []
    found = module.KernelsHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel", app=None)
    monkeypatch.setattr(module.KernelsHook, "app", SimpleNamespace(display_warning=warnings.append))

    def initialize(version):
        build_data = {"force_include": {}, "pure_python": True, "infer_tag": False}
        found.initialize(version, build_data)
        return build_data, warnings

    return initialize


def test_a_wheel_includes_what_was_built_outside_the_source_tree(hook, tmp_path):
    data, warnings = hook("standard")
    assert not warnings
    assert {*data["force_include"].values()} == {
        f"lyaopt/{name}" for name in ("_core.json", "_core.so", "capi/liblyaopt.so")
    }
    assert all(Path(path).exists() for path in data["force_include"])
    assert not (tmp_path / "lyaopt" / "_core.so").exists()
    assert (data["pure_python"], data["infer_tag"]) == (False, True)


def test_a_wheel_for_several_processors_includes_a_core_for_each(hook, monkeypatch):
    monkeypatch.setenv("LYAOPT_TARGET", "portable")
    data, warnings = hook("standard")
    assert not warnings
    assert {*data["force_include"].values()} == {
        f"lyaopt/_cores/{level}/{name}"
        for level in ("x86-64-v2", "x86-64-v3")
        for name in ("_core.json", "_core.so", "capi/liblyaopt.so")
    }


def test_an_editable_install_builds_into_the_source_tree(hook, tmp_path):
    data, _ = hook("editable")
    assert (tmp_path / "lyaopt" / "_core.so").exists()
    assert data["force_include"] == {}


def test_a_failed_build_leaves_a_pure_wheel_and_a_message(hook, tmp_path):
    build = tmp_path / "lyaopt" / "_kernels" / "toolchain" / "aot_build.py"
    build.write_text("raise OSError('no compiler')")
    data, (warning,) = hook("standard")
    assert (data["pure_python"], data["force_include"]) == (True, {})
    assert warning.endswith("OSError: no compiler")


def test_a_target_that_cannot_be_built_is_an_error(hook, monkeypatch):
    monkeypatch.setenv("LYAOPT_TARGET", "bad")
    with pytest.raises(RuntimeError, match="LYAOPT_TARGET=bad: no such target"):
        hook("standard")


def test_the_core_can_be_left_out(hook, monkeypatch):
    monkeypatch.setenv("LYAOPT_BUILD_CORE", "0")
    data, warnings = hook("standard")
    assert (data["force_include"], warnings) == ({}, [])


def test_targets_have_names():
    done = python("-m", "lyaopt._kernels.toolchain.aot_build", "/nowhere", LYAOPT_TARGET="x86-64-v9")
    assert done.returncode != 0
    assert "LYAOPT_TARGET: expected one of host, portable, generic, x86-64, x86-64-v2" in done.stderr


@built
def test_existing_outputs_are_not_built_again(tmp_path):
    before = {path: path.stat().st_mtime_ns for path in PACKAGE.glob("_core*")}
    done = python("-m", "lyaopt._kernels.toolchain.aot_build", PACKAGE)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in PACKAGE.glob("_core*")} == before


def test_hidden_files_of_editors_are_no_sources(tmp_path):
    root = copied(tmp_path)
    (root / "lyaopt" / "_kernels" / "slot" / ".#marginal_costs.py").symlink_to("nowhere")
    before, after = (python("-c", CHOSEN, cwd=place).stdout for place in (PACKAGE.parent, root))
    assert before == after


def test_another_core_may_be_the_second_choice():
    for asked, runs in (("python", "python"), ("jit", "jit"), ("python,jit", "python"), ("aot,python", None)):
        done = python("-c", CHOSEN, LYAOPT_CORE=asked)
        assert done.stdout.startswith(f"{runs or CHOICE.core}: ")
    done = python("-c", CHOSEN, NUMBA_DISABLE_JIT="1")
    assert done.stdout.startswith("python: ")
