"""Files that somebody named: regular ones only, and no more than a limit; every reader goes through one."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

import lyaopt
import lyaopt_cli
from lyaopt.errors import LyaoptError
from lyaopt.experiments.store import Store
from lyaopt.io.input_files import read_capped
from lyaopt.model.cpus import load_cpu
from lyaopt.model.profiles import load_profile
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import load_trace
from lyaopt_cli.main import run

KINDS = ["pipe", "socket", "folder", "zero", "full", "link"]


def irregular(kind, folder, name="named"):
    """The path of something that is no regular file."""
    path = folder / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(path))  # such names are at most 107 bytes long
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/full" if kind == "full" else "/dev/zero")
    return path


READERS = {
    "read_capped": read_capped,
    "scenario": load_scenario,
    "profile": load_profile,
    "cpu": load_cpu,
    "trace": lambda path: load_trace(path, load_scenario("balanced")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_what_is_no_regular_file_is_refused_and_not_read(reader, kind, tmp_path):
    with pytest.raises((LyaoptError, OSError)):
        reader(irregular(kind, tmp_path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["experiment.json", "cells/key.json"])
def test_so_it_is_in_the_folder_of_an_experiment(name, kind, tmp_path):
    (tmp_path / "cells").mkdir()
    irregular(kind, tmp_path, name)
    with pytest.raises(LyaoptError):
        Store(tmp_path).load_cell("key") if "key" in name else Store(tmp_path).load_document()


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
@pytest.mark.parametrize("kind", KINDS)
def test_so_are_networks(suffix, kind, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    from lyaopt.model.profiles.onnx_profiler import profile_onnx
    from lyaopt.model.profiles.tflite_profiler import profile_tflite

    profile = profile_onnx if suffix == ".onnx" else profile_tflite
    with pytest.raises(LyaoptError):
        profile(irregular(kind, tmp_path, f"network{suffix}"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "command",
    [
        ["solve-slot"],
        ["simulate"],
        ["bound"],
        ["evaluate"],
        ["scenario"],
        ["benchmark"],
        ["sweep"],
        ["profiles"],
    ],
    ids=" ".join,
)
def test_commands_say_so_in_one_line(command, kind, tmp_path, capsys):
    path = irregular(kind, tmp_path)
    more = ["--out", str(tmp_path / "out")] if command == ["sweep"] else []
    assert run([*command, str(path), *more]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_limit_is_on_what_is_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_capped(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="at most 99 bytes") as failure:
        read_capped(path, 99)
    assert failure.value.filename == str(path)


def test_a_pipe_from_the_shell_is_read():
    """``lyaopt simulate <(command)`` names a descriptor that the process was given."""
    reader, writer = os.pipe()
    os.write(writer, b"content")
    os.close(writer)
    assert read_capped(f"/dev/fd/{reader}") == b"content"
    os.close(reader)


READING = re.compile(
    r"\.read_(bytes|text)\(|\bnp\.load\(|(?<![\w.])open\(|\.open\(|tomllib\.load\(|json\.load\("
)
OWN = {
    "benchmark/drive.py", "benchmark/instances.py", "experiments/report.py", "io/shipped_files.py",
    "model/scenarios/catalog.py",  # files of the package
    "_kernels/toolchain/aot_build.py", "_kernels/toolchain/extension_build.py",
    "_kernels/toolchain/core_place.py", "_kernels/toolchain/cache.py", "_kernels/toolchain/core_choice.py",
    "_kernels/toolchain/source_record.py", "model/profiles/timing.py",  # the processor's files
    "experiments/runner.py",  # markers of running tasks
    "experiments/engines.py", "learning/run_folder.py", "io/atomic_write.py", "io/folder_lock.py",  # written
    "simulation/records.py", "io/input_files.py", "io/array_files.py",  # of an open file
    "model/profiles/rebuild.py", "experiments/prepare_policy.py",
    "lyaopt_cli/main.py",  # /dev/null
    "serve/sockets.py",  # a folder, for its lock
}  # fmt: skip
"""Modules that open files that nobody names, or write."""


def test_no_other_module_reads_files_by_itself():
    found = set()
    for package in (lyaopt, lyaopt_cli):
        root = Path(package.__file__).parent
        for source in root.rglob("[!.]*.py"):
            if READING.search(source.read_text()):
                name = source.relative_to(root).as_posix()
                found.add(name if package is lyaopt else f"lyaopt_cli/{name}")
    assert found <= OWN
