"""Outputs that cannot be written: one line, exit status 2."""

from __future__ import annotations

import signal
import subprocess
import sys

import click
import pytest

from lyaopt_cli.main import group, run

EMPTY = [
    [
        name,
        *(["x"] if any(isinstance(p, click.Argument) for p in group.get_command(None, name).params) else []),
        option.opts[0],
        "",
    ]
    for name in group.list_commands(None)
    for option in group.get_command(None, name).params
    if isinstance(option, click.Option) and option.metavar in ("DIR", "FILE") and not option.is_flag
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_no_output_has_an_empty_name(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_options_of_output_were_found():
    assert {"--out", "--plot", "--record"} <= {arguments[-2] for arguments in EMPTY}


@pytest.mark.parametrize("out", ["/dev/full", "/proc/none", "/dev/null/x", "/none/x"])
def test_a_file_that_cannot_be_written_is_bad_input(out, capsys):
    assert run(["simulate", "balanced", "--slots", "2", "--record", out]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert out in error


@pytest.mark.parametrize("command", ["train", "reproduce"])
def test_a_folder_that_cannot_be_made_is_bad_input(command, capsys):
    what = ["balanced"] if command == "train" else ["fig7"]
    assert run([command, *what, "--out", "/proc/none"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "/proc/none" in error


def test_an_interrupt_before_main_prints_nothing():
    """From the first statement of the entry point on; before it Python itself starts."""
    code = "import lyaopt_cli.__main__, os, signal; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
