"""The core that was built ahead of time: the same answers as at run time, and used only where it fits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import lyaopt
from lyaopt._kernels import _built
from lyaopt._kernels._choice import CHOICE, _usable, hash_of_sources, machine, processor_flags
from lyaopt._kernels._jit import KERNELS
from lyaopt.kernels import edge_exact

PACKAGE = Path(lyaopt.__file__).parent
EXAMPLE = PACKAGE.parent / "examples" / "slot.json"
built = pytest.mark.skipif(CHOICE.core != "aot", reason="no C compiler was there when lyaopt was installed")

ANSWERS = """
import json, sys
import numpy as np
from lyaopt import solve_slots
from lyaopt.policies.fixed import middle
from lyaopt.scenarios import load_scenario
from lyaopt.simulate import simulate
from tests.kernels.test_sizes import make_batch

arrays = {}
for services in (1, 2, 3, 5, 9):
    solution = solve_slots(make_batch(services))
    for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w", "local_multiplier"):
        arrays[f"{services} {name}"] = getattr(solution, name)
system = load_scenario("bursty")
result = simulate(system, middle(system), slots=2000, systems=5, seed=3)
arrays |= {"energy": result.local_energy_j, "power": result.transmit_energy_j, "queues": result.queues}
np.savez(sys.argv[1], **arrays)
from lyaopt._kernels._choice import CHOICE
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
    """They were compiled for the same instructions; a build for another target may differ by 1e-15."""
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
    good = np.ones((2, 3))
    edge_exact(good, 1.0, 1.0, np.empty((2, 3)), np.empty(3))
    with pytest.raises(TypeError, match="expected a contiguous writeable array of float64 in 2 dimensions"):
        edge_exact(wrong, 1.0, 1.0, np.empty((2, 3)), np.empty(3))
    with pytest.raises(TypeError):
        edge_exact(good, 1.0, 1.0)
    with pytest.raises(TypeError):
        edge_exact(good, None, 1.0, np.empty((2, 3)), np.empty(3))


def test_members_of_tuples_are_looked_at_too():
    checked = _built.guarded(lambda *args: len(args), ["i8", ["f8:1", "u4:2"]])
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
    """A copy of the package beside which `python` runs."""
    root = tmp_path / "src"
    shutil.copytree(PACKAGE, root / "lyaopt", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE.parent / "cli", root / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    place = root / "lyaopt" / "_core.json"
    if callable(about):
        place.write_text(json.dumps(about(json.loads(place.read_text()))))
    elif about is not None:
        place.write_text(about)
    if edit:
        source = root / "lyaopt" / "_kernels" / "costs.py"
        source.write_text(source.read_text() + "\n# edited\n")
    return root


CHOSEN = "from lyaopt._kernels._choice import CHOICE; print(CHOICE.core, CHOICE.why_not_built, sep=': ')"


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
def test_where_it_does_not_fit_kernels_are_compiled_at_run_time(tmp_path, change, reason):
    root = copied(tmp_path, **change)
    done = python("-c", CHOSEN, cwd=root)
    assert done.stdout.strip() == f"jit: {reason}"
    forced = python("-c", "import lyaopt", cwd=root, LYAOPT_CORE="aot")
    assert forced.returncode != 0
    assert f"ImportError: LYAOPT_CORE: {reason}" in forced.stderr


@built
def test_without_a_built_core_it_is_said_once_and_solved_all_the_same(tmp_path):
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
        "from lyaopt.kernels import edge_certificate, local_certificate\n"
        "report = np.empty((3, 1))\n"
        "edge_certificate(np.array([[4.0]]), 8.0, 0.5, np.array([[2.0]]), np.array([1.0]), report)\n"
        "local_certificate(np.array([[4.0]]), np.array([8.0]), 0.5, 1.0, 1.0, np.array([[2.0]]),"
        " np.array([1.0]), report)\n"
    )
    done = python("-c", script, cwd=root, LYAOPT_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    (said,) = done.stderr.splitlines()
    assert "compiling kernels" in said
    assert said.endswith("as no core was built at installation")


@built
def test_a_damaged_extension_is_not_used(tmp_path):
    root = copied(tmp_path)
    (extension,) = (root / "lyaopt").glob("_core.*.so")
    extension.write_bytes(b"\x7fELF" + b"\0" * 100)
    done = python("-c", CHOSEN, cwd=root)
    assert done.stdout.startswith("jit: the built core cannot be loaded: ")


@built
def test_what_was_built_is_for_this_machine_and_no_more():
    about = CHOICE.about
    assert about["sources"] == hash_of_sources()
    assert about["machine"] == machine()
    assert {*about["processor_flags"]} <= processor_flags() or not processor_flags()
    assert _usable(hash_of_sources()) == (about, "")


def test_bounds_checks_are_of_the_core_compiled_at_run_time():
    done = python("-c", CHOSEN, LYAOPT_BOUNDSCHECK="1")
    assert done.stdout.strip() == "jit: the built core has no bounds checks"


def answers_of_cold_starts(tmp_path, count, **env):
    """Totals that so many processes print which start at the same time, none of which ever ran before."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LYAOPT", "XDG"))}
    command = [sys.executable, "-B", "-m", "lyaopt_cli", "solve-slot", str(EXAMPLE)]
    paths = [str(PACKAGE.parent), str(PACKAGE.parent / "cli")]
    started = [
        subprocess.Popen(
            command,
            env=kept | {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(tmp_path)} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        )
        for _ in range(count)
    ]
    found = []
    for process in started:
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert err == b""
        found.append(json.loads(out)["objective"]["total"])
    return found


def homes(tmp_path):
    """What may be wrong with a home: missing, not writeable, a file, a full disk, a cache of rubbish."""
    missing, closed, file, rubbish = (tmp_path / name for name in ("missing", "closed", "file", "rubbish"))
    closed.mkdir(mode=0o500)
    file.write_text("")
    cache = rubbish / ".cache" / "lyaopt" / "0-0"
    cache.mkdir(parents=True)
    (cache / "slot_exact.kernel").write_bytes(b"rubbish")
    full = {"LYAOPT_CACHE_DIR": "/dev/full"} if Path("/dev/full").exists() else {}
    return [*({"HOME": str(home)} for home in (missing, closed, file, rubbish)), full]


def cold_starts(tmp_path, rounds):
    expected = None
    broken = homes(tmp_path)
    for number in range(rounds):
        found = answers_of_cold_starts(tmp_path, 4, **broken[number % len(broken)])
        expected = expected or found[0]
        assert found == [expected] * 4
    assert not list(tmp_path.rglob("*.tmp"))


@built
def test_cold_starts_of_four_processes(tmp_path):
    cold_starts(tmp_path, 20)


@built
@pytest.mark.slow
def test_a_thousand_cold_starts_of_four_processes(tmp_path):
    cold_starts(tmp_path, 1000)
