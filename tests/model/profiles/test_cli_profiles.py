"""`lyaopt profiles` and `lyaopt profile`: documents in pipes, tables on terminals, and errors in one line."""

from __future__ import annotations

import json
import sys

import click
import pytest

from lyaopt.io import atomic_write
from lyaopt.model.profiles import format_profile, list_profiles, load_profile, parse_profile
from lyaopt_cli.commands import profile, profiles
from lyaopt_cli.support import output_files as output
from lyaopt_cli.support.input_files import InputError

NETWORK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))

ready = Net()
def pair():
    return Net(), (torch.zeros(1, 3, 5, 5),)
def words():
    return nn.Sequential(nn.Embedding(30_000, 4), nn.Linear(4, 2)), (torch.tensor([[1, 2]]),)
class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 2)
    def forward(self, left, right):
        return self.fc(left + right)
def bag():
    return nn.Sequential(nn.EmbeddingBag(9, 4), nn.Linear(4, 2)), (torch.tensor([[1, 2]]),)
def broken():
    raise RuntimeError("first line\\nsecond line")
"""


def call(command: click.Command, *arguments: str) -> int:
    return command.main(list(arguments), standalone_mode=False)


def refused(command: click.Command, *arguments: str) -> str:
    with pytest.raises(click.ClickException) as caught:
        call(command, *arguments)
    assert caught.value.exit_code == 2
    message = caught.value.format_message()
    assert "\n" not in message
    return message


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    # In the test itself: pytest puts another stdout in place after the fixtures.
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


@pytest.fixture
def network(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="profiling PyTorch modules needs the extra lyaopt[profile]")
    (tmp_path / "own_network.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    yield "own_network"
    sys.modules.pop("own_network", None)


def test_the_list_names_every_profile_once(capsysbinary):
    assert call(profiles.command, "--json") == 0
    lines = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert tuple(line["name"] for line in lines) == list_profiles()
    for line in lines:
        shipped = load_profile(line["name"])
        assert (line["total_macs"], line["cuts"]) == (shipped.total_macs, len(shipped.cuts))


@pytest.mark.parametrize("name", list_profiles())
def test_one_profile_is_printed_as_it_is_read(name, capsysbinary):
    call(profiles.command, name, "--json")
    text = capsysbinary.readouterr().out
    assert parse_profile(text) == load_profile(name)
    assert text.count(b"\n") == 1


def test_terminals_get_tables(monkeypatch, capsys):
    pretend_terminal(monkeypatch)
    call(profiles.command)
    listed = capsys.readouterr().out
    assert all(name in listed for name in list_profiles())
    call(profiles.command, "alexnet")
    shown = capsys.readouterr().out
    assert all(cut.after in shown for cut in load_profile("alexnet").cuts)
    assert "714 MMAC" in shown


def test_control_characters_in_names_are_escaped(monkeypatch, capsys, tmp_path):
    pretend_terminal(monkeypatch)
    path = tmp_path / "odd.json"
    path.write_text(format_profile(load_profile("alexnet")).replace('"output.fc3"', '"\\u001b[2J[bold]"'))
    call(profiles.command, str(path))
    shown = capsys.readouterr().out
    assert "\x1b[2J" not in shown
    assert "x1b[2J[bold]" in shown


def test_bad_profiles_are_refused_with_file_line_and_path(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(format_profile(load_profile("alexnet")).replace('"macs": 0', '"macs": -1'))
    assert refused(profiles.command, str(path)).startswith(
        f"{path}:13: $.cuts[0].macs: expected at least 0, got -1"
    )
    assert "resnet18" in refused(profiles.command, "nosuch")
    assert "NAME" in refused(profiles.command, "--plot", "x.png")


@pytest.mark.parametrize(("name", "start"), [("figure.png", b"\x89PNG"), ("figure.SVG", b"<?xml")])
def test_figures_are_drawn(name, start, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="figures need the extra lyaopt[plot]")
    call(profiles.command, "alexnet", "--plot", str(tmp_path / name))
    content = (tmp_path / name).read_bytes()
    assert content.startswith(start)
    assert "features.stage1.pool1" in content.decode("latin-1") or name.endswith("png")


def test_figures_of_other_kinds_are_refused(tmp_path):
    assert ".png or .svg" in refused(profiles.command, "alexnet", "--plot", str(tmp_path / "x.pdf"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("callable_name", ["Net", "ready"])
def test_a_network_is_profiled_and_verified(network, callable_name, capsysbinary, tmp_path):
    target = f"{network}:{callable_name}"
    call(
        profile.command,
        target,
        "--input-shape",
        "1,3,5,5",
        "--verify",
        "--bits",
        "4",
        "--name",
        "own",
        "--json",
    )
    printed = parse_profile(capsysbinary.readouterr().out)
    assert (printed.name, printed.source) == ("own", target)
    assert (printed.total_macs, printed.input_bits) == (9 * 4 * 27 + 8, 75 * 4)


def test_a_callable_may_return_its_inputs_and_the_file_is_the_document(network, capsysbinary):
    call(profile.command, f"{network}:pair", "-o", "own.json")
    assert b"own_network:pair" in capsysbinary.readouterr().out
    call(profile.command, f"{network}:pair", "--json")
    assert parse_profile(capsysbinary.readouterr().out) == load_profile("own.json")
    assert load_profile("own.json").input_bits == 75 * 8


@pytest.mark.parametrize(
    "shapes", [["1,12", "5,12"], ["left=1,12", "right=5,12"], ["right=5,12", "left=1,12"]]
)
def test_every_input_has_its_shape(network, shapes, capsysbinary):
    options = [part for shape in shapes for part in ("--input-shape", shape)]
    call(profile.command, f"{network}:Pair", *options, "--verify", "--json")
    printed = parse_profile(capsysbinary.readouterr().out)
    assert (printed.total_macs, printed.input_bits) == (5 * 12 * 2, 6 * 12 * 8)


@pytest.mark.parametrize(
    ("shapes", "part"),
    [
        (["left=1,12", "1,12"], "with every shape, or with none"),
        (["left=1,12", "left=1,12"], "different name"),
        (["=1,12", "left=1,12"], "different name"),
        (["left=1,x"], "got '1,x'"),
        (["absent=1,12"], "cannot export Pair"),
    ],
)
def test_shapes_of_inputs_that_do_not_fit_are_refused(network, shapes, part):
    options = [part for shape in shapes for part in ("--input-shape", shape)]
    assert part in refused(profile.command, f"{network}:Pair", *options)


def test_bits_of_token_ids_are_told_and_can_be_given(network, capsysbinary):
    call(profile.command, f"{network}:words", "--json")
    printed, told = capsysbinary.readouterr()
    assert parse_profile(printed).input_bits == 2 * 15
    assert b"counts 15 bits (indices of 30000 rows)" in told
    call(profile.command, f"{network}:words", "--json", "--input-bits", "input=16")
    printed, told = capsysbinary.readouterr()
    assert (parse_profile(printed).input_bits, told) == (2 * 16, b"")
    for bits in ("16", "input=", "=16", "input=x", "input=0", "absent=3"):
        assert "bits" in refused(profile.command, f"{network}:words", "--input-bits", bits)


@pytest.mark.filterwarnings("ignore::lyaopt.model.profiles.graph.ProfileWarning")
def test_totals_that_would_be_too_low_are_written_only_on_demand(network, tmp_path, capsysbinary):
    arguments = [f"{network}:bag", "-o", "bag.json"]
    assert "--allow-uncounted" in refused(profile.command, *arguments)
    assert not (tmp_path / "bag.json").exists()
    call(profile.command, *arguments, "--allow-uncounted")
    assert load_profile("bag.json").total_macs == 8
    assert b"is not counted" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["own_network:Net"], "input shape"),
        (["own_network:Net", "--input-shape", "1,x"], "1,3,224,224"),
        (["own_network:Net", "--input-shape", "1,0,5,5"], "1,3,224,224"),
        (["own_network:Net", "--input-shape", "1,7,5,5"], "cannot export Net"),
        (["own_network:broken"], "first line second line"),
        (["own_network:absent"], "absent"),
        (["absent_module:Net"], "absent_module"),
        (["own_network:torch.zeros"], "cannot load"),
        (["own_network:dict"], "dict"),
        (["own_network:pair", "--bits", "0"], "--bits"),
        (["own_network:pair", "-o", "absent/own.json"], "absent/own.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_networks_that_cannot_be_profiled_are_refused(network, arguments, part):
    assert part in refused(profile.command, *arguments)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["absent.onnx"], "no such file"),
        (["absent.tflite", "--verify"], "only PyTorch"),
        (["__file__.tflite", "--input-shape", "1,3"], "no such file"),
    ],
)
def test_files_that_cannot_be_profiled_are_refused(arguments, part):
    assert part in refused(profile.command, *arguments)


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    path.write_bytes(b"old")

    def fails(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(atomic_write.os, "fsync", fails)
        with pytest.raises(InputError, match="No space left"):
            output.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    output.write_whole(path, b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("result.json", b"new")]


@pytest.mark.parametrize("command", [profile.command, profiles.command])
def test_help_has_examples(command, capsys):
    call(command, "--help")
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert f"lyaopt {command.name}" in text
