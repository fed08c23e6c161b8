"""Text without ``--json``, the same on terminals, in files and in pipes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress

import click
import pytest

from lyaopt.slot.schemas import DOCUMENTS
from lyaopt_cli.main import group, run
from lyaopt_cli.tables.layout import interval, name_text, new_console
from tests.support.slot_text import EXAMPLE, command, on_a_terminal

COMMANDS = group.list_commands(click.Context(group))
SWEEP = """
policies = ["middle", "bound"]
[vary]
edge_capacity_hz = [1e9, 2e10]
[evaluation]
slots = 100
warmup = 0
replications = 2
"""
WITH_JSON = {
    "benchmark": ["--quick", "--instances", "balanced", "--policy", "middle", "--without-references"],
    "bound": ["default"],
    "check": ["--instances", "20", "--solver", "none"],
    "cpus": [],
    "cut": ["net.onnx", "--at", "1", "--out", "halves"],
    "evaluate": ["middle", "all-local", "default", "--slots", "50", "--warmup", "0", "--replications", "2"],
    "frontier": ["default"],
    "info": [],
    "profile": ["own_network:Net", "--input-shape", "1,3,5,5"],
    "profiles": [],
    "reproduce": ["fig5", "--quick", "--out", "a"],
    "run": ["default"],
    "scenario": ["default"],
    "simulate": ["default", "--slots", "50", "--policy", "middle", "--policy", "random", "--bound"],
    "solve-slot": ["slot.json"],
    "sweep": ["sweep.toml", "--out", "a", "--jobs", "1"],
    "train": ["default", "--preset", "tuned", "--episodes", "2", "--replications", "2"],
    "tune": ["default", "--policy", "middle", "--out", "a", "--jobs", "1"],
}
"""Arguments of each command with ``--json``."""
WITHOUT_JSON = {"report", "schema", "serve"}
SLOW = {"frontier", "reproduce", "run", "tune"}
"""Tested in test_frontier.py, which has short searches, tests/live, which has a small network, and
tests/experiments, which have finished cells."""
CUT_OR_COLOURED = re.compile("…|\x1b")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slot.json").write_text(json.dumps(EXAMPLE))
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "own_network.py").write_text(
        "from torch.nn import Conv2d\ndef Net(): return Conv2d(3, 4, 3)\n"
    )
    write_network(tmp_path / "net.onnx")
    yield tmp_path
    sys.modules.pop("own_network", None)  # other tests profile a module of the same name


def write_network(path):
    """An ONNX network of two layers."""
    onnx = pytest.importorskip("onnx")
    nodes = [onnx.helper.make_node("MatMul", [before, "w"], [after]) for before, after in ("xa", "ay")]
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3]) for name in "xy")
    weights = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [3, 3], [0.5] * 9)
    opset = [onnx.helper.make_opsetid("", 17)]
    graph = onnx.helper.make_graph(nodes, "net", [x], [y], [weights])
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset), path)


def printed(capsysbinary, name, *options):
    arguments = [*WITH_JSON[name], *options]
    if name == "train":
        arguments += ["--out", f"run-{len(options)}"]
    if name in ("profile", "train"):
        pytest.importorskip("torch")
    assert run([name, *arguments]) == 0
    return capsysbinary.readouterr().out.decode()


def test_every_command_checks_it():
    takes_json = {
        name
        for name in COMMANDS
        for option in group.get_command(click.Context(group), name).params
        if "--json" in option.opts
    }
    assert takes_json == set(WITH_JSON)
    groups = {
        name for name in COMMANDS if isinstance(group.get_command(click.Context(group), name), click.Group)
    }
    assert takes_json | WITHOUT_JSON == set(COMMANDS) - groups


@pytest.mark.parametrize("name", sorted(set(WITH_JSON) - SLOW - {"solve-slot"}))
def test_a_pipe_gets_whole_text_and_json_only_if_asked_for(folder, capsysbinary, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "30")  # does not matter for a pipe
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = printed(capsysbinary, name)
    assert text
    assert not CUT_OR_COLOURED.search(text)
    assert not text.startswith(("{", "[{"))
    lines = printed(capsysbinary, name, "--json").splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_solved_slot_is_a_document_in_a_pipe_and_a_table_if_asked_for(folder, capsysbinary):
    document = printed(capsysbinary, "solve-slot")
    assert json.loads(document)["status"] == "optimal"
    assert printed(capsysbinary, "solve-slot", "--json") == document
    table = printed(capsysbinary, "solve-slot", "--table")
    assert table == on_a_terminal("solve-slot", "slot.json").replace("\r\n", "\n")
    for more in ("--json", "--stream"):
        assert run(["solve-slot", "slot.json", "--table", more]) == 2
        assert "--table excludes" in capsysbinary.readouterr().err.decode()


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_that_is_text_is_printed_as_it_is(capsysbinary, name):
    assert run(["schema", name]) == 0
    assert isinstance(json.loads(capsysbinary.readouterr().out), dict)


def test_bars_are_shown_on_terminals_only(folder):
    words = command("simulate", "default", "--slots", "200000", "--policy", "middle")
    assert subprocess.run(words, capture_output=True, check=True).stderr == b""
    leader, follower = pty.openpty()
    with open("run.txt", "wb") as text:
        process = subprocess.Popen(words, stdout=text, stderr=follower)
    os.close(follower)
    bars = b""
    with suppress(OSError):  # raised on Linux when the other end is closed
        while chunk := os.read(leader, 4096):
            bars += chunk
    os.close(leader)
    assert process.wait() == 0
    assert b"slots" in bars
    assert not CUT_OR_COLOURED.search((folder / "run.txt").read_text())


def test_the_help_fits_on_a_screen(capsys):
    assert run(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert not any(line.endswith("...") for line in lines[1:])
    for name in COMMANDS:
        summary = group.get_command(click.Context(group), name).short_help
        assert any(line.endswith(f" {name:<10}  {summary}") for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_into_80_columns(capsys, name):
    assert run([name, "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_help_is_the_same_whatever_ran_before(capsys):
    """A command that first runs outside the group has `-h` too."""
    for name in COMMANDS:
        with pytest.raises(SystemExit):
            group.get_command(click.Context(group), name).main(["--help"])
        capsys.readouterr()
        assert run([name, "-h"]) == 0
        assert capsys.readouterr().out.startswith(f"Usage: lyaopt {name} ")


def test_names_are_printed_as_they_are(capsys):
    new_console().print("runs/a[bold] :smile: ", name_text("[red]\x1b[2J"))
    assert capsys.readouterr().out == "runs/a[bold] :smile:  [red]\\x1b[2J\n"


@pytest.mark.parametrize("arguments", [["train", "balanced"], ["sweep", "sweep.toml"]])
def test_a_file_in_place_of_the_folder_is_bad_usage(folder, arguments, capsys):
    """A training or a sweep refuses such an `--out` before it computes anything."""
    assert run([*arguments, "--out", "slot.json"]) == 2
    assert capsys.readouterr().err == "slot.json: expected a folder, or a name that does not exist yet\n"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.064e-3, 1.33e-3, "1.06..1.33 mJ"),
        (0.98e-3, 1.1e-3, "0.98..1.1 mJ"),
        (9.3e-4, 9.996e-4, "0.93..1 mJ"),
        (0.0, 0.0, "0..0 J"),
        (float("nan"), float("nan"), "-"),
    ],
)
def test_the_ends_of_an_interval_share_a_prefix(low, high, text):
    assert interval(low, high, "J") == text
