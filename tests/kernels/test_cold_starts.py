"""First starts of several processes at once, with a missing, read-only, full or damaged home."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import solution_to_dict
from lyaopt.slot.solve import solve_slot
from tests.kernels.test_aot_build import EXAMPLE, PACKAGE, built

SMALL = """
import numpy as np
from lyaopt.kernels import EdgeAllocation, EdgeProblem, edge_certificate
report = np.empty((3, 1))
edge = EdgeProblem(np.array([[4.0]]), 8.0, 0.5)
edge_certificate(edge, EdgeAllocation(np.array([[2.0]]), np.array([1.0])), report)
print(report[:, 0].tolist())
"""
SMALL_ANSWER = "[3.0, 4.0, 0.0]"  # see test_cache.py


def outputs_of_cold_starts(tmp_path, words, count=4, **env):
    """Output of several processes that start at the same time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LYAOPT", "XDG"))}
    paths = [str(PACKAGE.parent), str(PACKAGE.parent / "cli")]
    started = [
        subprocess.Popen(
            [sys.executable, "-B", *words],
            env=kept | {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(tmp_path)} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            text=True,
        )
        for _ in range(count)
    ]
    found = []
    for process in started:
        out, err = process.communicate()
        assert process.returncode == 0, err
        found.append((out.strip(), err))
    return found


def homes(tmp_path):
    """Faults of a home: missing, not writeable, a file, a full disk, a damaged cache."""
    missing, closed, file, rubbish = (tmp_path / name for name in ("missing", "closed", "file", "rubbish"))
    closed.mkdir(mode=0o500, exist_ok=True)
    file.write_text("")
    cache = rubbish / ".cache" / "lyaopt"
    cache.mkdir(parents=True, exist_ok=True)
    for known in cache.glob("*/*.kernel"):
        known.write_bytes(b"rubbish")
    full = {"LYAOPT_CACHE_DIR": "/dev/full", "TMPDIR": "/dev/full"}
    return [*({"HOME": str(home)} for home in (missing, closed, file, rubbish)), full]


def cold_starts(tmp_path, rounds):
    """With the built core, which needs no home, in each broken home in turn."""
    expected = solution_to_dict(solve_slot(parse_slot_document(EXAMPLE.read_bytes())))
    words = ["-m", "lyaopt_cli", "solve-slot", str(EXAMPLE)]
    for number in range(rounds):
        broken = homes(tmp_path)
        for out, err in outputs_of_cold_starts(tmp_path, words, **broken[number % len(broken)]):
            assert json.loads(out) == expected
            assert err == ""
    assert not list(tmp_path.rglob("*.tmp"))


def cold_starts_at_run_time(tmp_path, rounds, processes):
    """With a core compiled at run time, in each broken home in turn."""
    for number in range(rounds):
        broken = homes(tmp_path)
        home = broken[number % len(broken)]
        found = outputs_of_cold_starts(tmp_path, ["-c", SMALL], processes, **home, LYAOPT_CORE="jit")
        assert [out for out, _ in found] == [SMALL_ANSWER] * processes
    assert not list(tmp_path.rglob("*.tmp"))


@built
def test_cold_starts_of_four_processes(tmp_path):
    cold_starts(tmp_path, 5)


@built
def test_cold_starts_of_two_processes_that_compile(tmp_path):
    cold_starts_at_run_time(tmp_path, rounds=5, processes=2)


@built
@pytest.mark.slow
def test_a_thousand_cold_starts_of_four_processes(tmp_path):
    cold_starts(tmp_path, 750)
    cold_starts_at_run_time(tmp_path, rounds=250, processes=4)
