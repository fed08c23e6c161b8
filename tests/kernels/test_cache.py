"""Kernels compiled at run time, on disk: cold starts, several at once, damage, and edits of the sources."""

import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lyaopt

PACKAGE = Path(lyaopt.__file__).parent
# edge_certificate compiles in a second; its relative gap here is 1 (nothing of a ready queue is served)
SCRIPT = """
import numpy as np
from lyaopt._kernels.slot.certificate import edge_certificate
from lyaopt._kernels.slot.problems import EdgeAllocation, EdgeProblem
report = np.empty((3, 1))
edge = EdgeProblem(np.array([[4.0]]), 8.0, 0.5)
edge_certificate(edge, EdgeAllocation(np.array([[2.0]]), np.array([1.0])), report)
print(report[:, 0].tolist())
"""
# gap tau (u - f)(Q - nu) + tau nu (F - S) = 0.5 (6 * 3 + 6), gross gain 0.5 * 2 * 4
EXPECTED = "[3.0, 4.0, 0.0]"


def start(cache, root=None, **env):
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("LYAOPT", "NUMBA"))}
    variables |= {"LYAOPT_CACHE_DIR": str(cache), "PYTHONPATH": str(root or PACKAGE.parent)}
    variables |= {"LYAOPT_CORE": "jit"} | env
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=variables,
        cwd=root or PACKAGE.parent,  # first on the path of `python -c`
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.strip()


def kernel_files(cache):
    return sorted(Path(cache).rglob("*.kernel"))


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """A cache with the compiled kernel, to be copied, not changed."""
    cache = tmp_path_factory.mktemp("cache")
    assert answer(start(cache)) == EXPECTED
    return cache


@pytest.fixture
def warm(compiled_once, tmp_path):
    """A cache of the test with the compiled kernel."""
    return shutil.copytree(compiled_once, tmp_path / "cache")


def test_several_cold_starts_at_once(tmp_path):
    processes = [start(tmp_path) for _ in range(4)]
    assert [answer(p) for p in processes] == [EXPECTED] * 4
    assert len(kernel_files(tmp_path)) == 1
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_warm_start_does_not_write(warm):
    (kernel,) = kernel_files(warm)
    before = kernel.stat().st_mtime_ns
    assert answer(start(warm)) == EXPECTED
    assert kernel.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_file_is_compiled_again(warm, damage):
    (kernel,) = kernel_files(warm)
    content = bytearray(kernel.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    kernel.write_bytes({"truncated": content[:-100], "flipped": content, "empty": b""}[damage])
    assert answer(start(warm)) == EXPECTED
    assert len(kernel.read_bytes()) == len(content)


@pytest.mark.parametrize("payload", [b"", b"not a pickle", pickle.dumps(("no", "kernel"))])
def test_a_file_that_cannot_be_rebuilt_is_compiled_again(warm, payload):
    """Its checksum is right: another version of Numba or a faulty writer may have written it."""
    (kernel,) = kernel_files(warm)
    whole = len(kernel.read_bytes())
    kernel.write_bytes(hashlib.sha256(payload).digest() + payload)
    assert answer(start(warm)) == EXPECTED
    assert len(kernel.read_bytes()) == whole


def test_compiling_is_announced_once_and_loading_is_not(tmp_path):
    outputs = [start(tmp_path).communicate() for _ in range(2)]
    assert [out.strip() for out, _ in outputs] == [EXPECTED] * 2
    assert len(outputs[0][1].splitlines()) == 1
    assert "compiling kernels" in outputs[0][1]
    assert outputs[1][1] == ""


def test_folders_that_were_not_used_for_a_month_are_removed(warm):
    (kernel,) = kernel_files(warm)
    others = [warm / name for name in ("versions-unused", "versions-used", "of somebody else")]
    for days, folder in zip((31, 29, 31), others, strict=True):
        folder.mkdir()
        then = time.time() - 86400.0 * days
        os.utime(folder, (then, then))
    kernel.unlink()
    os.utime(kernel.parent, (1e9, 1e9))
    assert answer(start(warm)) == EXPECTED
    folders = [path for path in warm.iterdir() if path.is_dir()]  # beside the record of the sources
    assert sorted(folders) == sorted([kernel.parent, *others[1:]])
    assert time.time() - kernel.parent.stat().st_mtime < 3600.0


def test_empty_variables_do_not_mean_the_present_folder(tmp_path):
    empty = {"LYAOPT_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(tmp_path)}
    before = set(PACKAGE.parent.rglob("*.kernel"))
    assert answer(start(tmp_path, **empty)) == EXPECTED
    assert set(PACKAGE.parent.rglob("*.kernel")) == before
    assert len(kernel_files(tmp_path / ".cache" / "lyaopt")) == 1


def test_no_folder_to_write_to(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way of a folder")
    process = start(blocked / "cache", TMPDIR=str(blocked), HOME=str(blocked))
    assert answer(process) == EXPECTED


@pytest.mark.parametrize("which", ["folder", "its parent"])
def test_a_folder_others_can_write_to_is_not_trusted(warm, tmp_path, which):
    (kernel,) = kernel_files(warm)
    kernel.unlink()
    (kernel.parent if which == "folder" else warm).chmod(0o777)
    fallback = tmp_path / "fallback"
    fallback.mkdir()
    assert answer(start(warm, TMPDIR=str(fallback))) == EXPECTED
    assert not kernel.exists()
    assert len(kernel_files(fallback)) == 1


def test_an_edit_in_another_file_recompiles_its_callers(warm, tmp_path):
    """Numba's own cache would return the old kernel here."""
    root = tmp_path / "src"
    shutil.copytree(PACKAGE, root / "lyaopt", ignore=shutil.ignore_patterns("__pycache__"))
    assert answer(start(warm, root)) == EXPECTED
    source = root / "lyaopt" / "_kernels" / "slot" / "certificate.py"
    text = source.read_text()
    assert "share = gap / scale if" in text
    source.write_text(text.replace("share = gap / scale if", "share = 2.0 * gap / scale if"))
    assert answer(start(warm, root)) == "[6.0, 4.0, 0.0]"
    assert len(kernel_files(warm)) == 2
