"""Properties of all commands: help, imports, and output that fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest

import lyaopt
import lyaopt.bounds
from lyaopt.errors import MissingExtraError
from lyaopt.slot.schemas import DOCUMENTS
from lyaopt_cli.main import group, run
from tests.support.slot_text import command, interpreted, printed

COMMANDS = group.list_commands(click.Context(group))

# --- help, version, schema, what is imported


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(capsysbinary, name):
    assert run([name, "--help"]) == 0
    out, err = printed(capsysbinary)
    assert err == []
    assert b"Example" in out
    assert f"  lyaopt {name} ".encode() in out
    assert run([name, "-h"]) == 0
    assert printed(capsysbinary)[0] == out


def test_help_lists_every_command_and_completion(capsysbinary):
    assert run(["--help"]) == 0
    out = printed(capsysbinary)[0].decode()
    assert all(f"  {name} " in out for name in group.list_commands(click.Context(group)))
    assert "_LYAOPT_COMPLETE" in out


def test_version(capsysbinary):
    assert run(["--version"]) == 0
    assert printed(capsysbinary)[0].decode() == f"lyaopt {lyaopt.__version__}\n"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_schema_prints_json(capsysbinary, name):
    assert run(["schema", name]) == 0
    assert json.loads(printed(capsysbinary)[0])["additionalProperties"] is False


def loaded_modules(*arguments: str) -> set[str]:
    code = (
        "import sys; from lyaopt_cli.main import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LYAOPT_CORE"}
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return set(process.stderr.split())


def test_a_small_file_is_solved_without_heavy_imports(slot_file):
    loaded = loaded_modules("solve-slot", str(slot_file))
    assert "lyaopt.slot.problem" in loaded
    assert not loaded & {"torch", "cvxpy", "matplotlib", "scipy", "numba", "rich", "pydantic"}


def test_the_choice_of_a_core_stays_out_of_the_environment(slot_file):
    code = (
        "import os, sys; from lyaopt_cli.main import run\n"
        "run(sys.argv[1:]); assert 'LYAOPT_CORE' not in os.environ"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LYAOPT_CORE"}
    arguments = [sys.executable, "-c", code, "solve-slot", str(slot_file)]
    assert json.loads(subprocess.run(arguments, capture_output=True, check=True, env=environment).stdout)


def test_an_interrupt_while_modules_are_imported_is_status_130():
    code = (
        "import sys; from lyaopt_cli.__main__ import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, *names): raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt()); main()"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, env=interpreted())
    assert (process.returncode, process.stderr) == (130, b"")


@pytest.mark.parametrize(
    "interrupted",
    [
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)",
        # An interrupt within text that is executed: `python -m` would end by the signal itself.
        "exec('os.kill(os.getpid(), signal.SIGINT); time.sleep(9)')",
        # C code that turns the KeyboardInterrupt into an error of its own.
        "try: os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\n    except BaseException: raise TypeError",
    ],
)
def test_an_interrupt_anywhere_is_status_130(tmp_path, interrupted):
    (tmp_path / "interrupted.py").write_text(
        "import os, signal, time\n"
        "import lyaopt_cli.main\n"
        "from lyaopt_cli.__main__ import main\n"
        f"def run():\n    {interrupted}\n"
        "lyaopt_cli.main.main = run\n"
        "main()\n"
    )
    arguments = [sys.executable, "-m", "interrupted"]
    process = subprocess.run(arguments, capture_output=True, env=interpreted(), cwd=tmp_path)
    assert (process.returncode, process.stderr) == (130, b"")


def test_help_is_printed_without_numpy():
    assert not loaded_modules("--help") & {"numpy", "numba", "rich", "pydantic", "lyaopt.slot.problem"}


def test_completion_completes(slot_file):
    environment = os.environ | {
        "_LYAOPT_COMPLETE": "bash_complete", "COMP_WORDS": "lyaopt solve-slot --me", "COMP_CWORD": "2"
    }  # fmt: skip
    process = subprocess.run(command(), capture_output=True, text=True, env=environment, check=True)
    assert process.stdout.split() == ["plain,--method"]


# --- output that fails


def test_a_closed_pipe_ends_quietly(slot_file):
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["solve-slot", str(slot_file)], ["--help"]):
        process = subprocess.run(
            command(*arguments), stdout=writer, stderr=subprocess.PIPE, env=interpreted()
        )
        assert process.returncode == 141
        assert process.stderr == b""
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(slot_file):
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            command("solve-slot", str(slot_file)), stdout=full, stderr=subprocess.PIPE, env=interpreted()
        )
    assert process.returncode == 1
    assert process.stderr == b"lyaopt: No space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_error_that_cannot_be_printed_keeps_its_status():
    with open("/dev/full", "wb") as full:
        process = subprocess.run(command("solve-slot", "missing.json"), stderr=full, env=interpreted())
    assert process.returncode == 2


def test_a_bad_core_is_one_line(slot_file):
    environment = interpreted() | {"LYAOPT_CORE": "c"}
    process = subprocess.run(command("solve-slot", str(slot_file)), capture_output=True, env=environment)
    assert process.returncode == 2
    assert process.stderr == b"lyaopt: LYAOPT_CORE: expected 'aot', 'jit' or 'python', got 'c'\n"


def test_a_missing_extra_is_one_line(capsysbinary, monkeypatch):
    def fail(system):
        raise MissingExtraError("SciPy", "bound")

    monkeypatch.setattr(lyaopt.bounds, "energy_bound", fail)
    for arguments in (["bound", "default"], ["simulate", "default", "--bound"]):
        assert run(arguments) == 2
        out, err = printed(capsysbinary)
        assert out == b""
        assert err == ["lyaopt: SciPy is not installed: pip install 'lyaopt[bound]'"]


def test_closed_standard_streams_give_no_traceback(slot_file):
    script = f"exec {' '.join(command('solve-slot'))} "
    for arguments, status in (
        (f"{slot_file} >&-", 1),
        ("--stream >&- </dev/null", 1),
        ("- <&-", 2),
        ("- 2>&- </dev/null", 2),
        ("--stream <&-", 0),
    ):
        process = subprocess.run(script + arguments, shell=True, capture_output=True, env=interpreted())
        assert process.returncode == status
        assert b"Traceback" not in process.stderr
