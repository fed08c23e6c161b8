"""Commands in the documents: names and options exist, and cheap commands run."""

from __future__ import annotations

import io
import json
import re
import shutil
import tomllib
from dataclasses import replace
from functools import wraps
from importlib.util import find_spec
from inspect import signature

import click
import pytest

from lyaopt.model.profiles import format_profile, load_profile
from lyaopt.model.scenarios import list_scenarios
from lyaopt.policies import policy_names, registry
from lyaopt_cli.main import group, run
from tests.support.documented import PAGES, ROOT, Command, commands, fences, inline_commands

CONTEXT = click.Context(group)
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TRAINED = {command.value("--out") for page in PAGES for command in commands(page)} - {None}


def line_of(command: Command) -> str:
    return " ".join(command.words)


def documented(*programs: str) -> list[Command]:
    """Commands of some programs on all pages, each once."""
    found = [command for page in PAGES for command in commands(page) if command.words[0] in programs]
    return list({line_of(command): command for command in found}.values())


def all_commands() -> list[click.Command]:
    """Every command, those of groups too."""
    found = [group.get_command(CONTEXT, name) for name in group.list_commands(CONTEXT)]
    return found + [each for command in found for each in getattr(command, "commands", {}).values()]


EXAMPLE = re.compile(r"^ *(lyaopt .*?)(?: > \S+)?$", re.MULTILINE)
HELP = [
    Command(line, line.split(), None, None)
    for command in all_commands()
    for line in EXAMPLE.findall(command.help)
    if not re.search(r"[|<]| [A-Z]", line)  # arguments in capitals belong to a sentence
]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, of a group of its own or not, and the words behind its name."""
    command, rest = group.get_command(CONTEXT, words[1]), words[2:]
    assert command is not None, words[1]
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        command = command.get_command(CONTEXT, name)
        assert command is not None, words
    return command, rest


def parsed(words: list[str]) -> dict[str, object]:
    """The parameters of a command; what click refuses fails the test."""
    command, rest = command_of(words)
    return command.make_context(words[1], rest, parent=CONTEXT).params


@pytest.mark.parametrize("command", [*documented("lyaopt"), *HELP], ids=line_of)
def test_commands_parse_and_name_existing_things(command):
    given = parsed(list(command.words))
    scenario, policies = given.get("scenario"), list(given.get("policies") or ())
    if command.words[1] == "evaluate" and scenario is None:
        *policies, scenario = policies
    if command.words[1] == "scenario":
        scenario = given["name"]
    if scenario is not None:
        assert scenario in list_scenarios() or scenario.endswith(".toml")
    for policy in policies:
        as_points = policy.removeprefix("fixed:").replace(",", "").isdigit()
        as_points |= "@" in policy  # cuts at servers, by name
        as_folder = policy in TRAINED or "/" in policy
        assert policy in {*policy_names(), "trace"} or as_points or as_folder, policy


def test_commands_are_found():
    assert len(documented("lyaopt")) > 40
    assert len(HELP) > 20
    assert {command.words[1] for command in documented("lyaopt")} == set(group.list_commands(CONTEXT))


@pytest.mark.parametrize("page", PAGES)
def test_commands_within_sentences_have_the_options_that_they_name(page):
    for words in inline_commands(page):
        if words[0] == "make":
            assert words[1] in TARGETS
        elif words[0] == "python":
            assert find_spec(words[2]) is not None, words
        elif words[1] not in ("--help", "--version", "COMMAND"):
            command, _ = command_of(words)
            known = {spelling for option in command.params for spelling in option.opts}
            assert {word for word in words[2:] if word.startswith("--")} <= known, words


@pytest.mark.parametrize("command", documented("make", "python"), ids=line_of)
def test_targets_and_modules_exist(command):
    if command.words[0] == "make":
        assert command.words[1] in TARGETS
    elif command.words[1] == "-m":
        assert find_spec(command.words[2]) is not None
    else:
        assert (ROOT / command.words[1]).is_file()


@pytest.mark.parametrize("command", documented("pip"), ids=line_of)
def test_extras_exist(command):
    assert command.words[1] in ("install", "download")
    for extras in re.findall(r"(?:lyaopt|\.)\[(.*)\]", line_of(command)):
        assert set(extras.split(",")) <= set(EXTRAS)


# --- commands that run

# Further options that make commands fast: the last of repeated options counts.
RUNS: dict[str, list[str]] = {
    **{
        name: []
        for name in ("solve-slot", "scenario", "bound", "schema", "profiles", "profile", "cpus", "trace")
    },
    "check": ["--instances", "20"],
    "simulate": ["--slots", "60", "--warmup", "0"],
    "evaluate": ["--slots", "60", "--warmup", "0", "--replications", "2"],
    "frontier": ["--slots", "60", "--warmup", "0", "--replications", "2", "--waiting-costs", "0.01,0.1"],
    "train": ["--episodes", "2", "--replications", "2"],
}
FILES_OF_OTHERS = (".onnx", ".tflite")


def runs(command: Command) -> bool:
    words = command.words
    others = any(word.endswith(FILES_OF_OTHERS) for word in words)
    return words[0] == "lyaopt" and words[1] in RUNS and not others


def shortened(words: list[str]) -> list[str]:
    more = list(RUNS[words[1]])
    if words[1] == "train" and "--algorithm" not in words and "--preset" not in words:
        shared = {"--vary", "--allocation"} & set(words)
        more += ["--preset", "shared" if shared else "tuned"]  # the default searches for a start
    if "--search-slots" in words:
        more += ["--search-slots", "20", "--slots", "40"]
    return words[1:] + more


def shortly(make):
    """A searched policy with a very short search and short roll-outs."""

    @wraps(make)
    def made(system, options, **own):
        plans = {key: 2 for key in ("horizon", "futures") if key in signature(make).parameters}
        return make(system, replace(options, slots=50, replications=2, budget=20_000), **own, **plans)

    return made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the examples and files of a reader, and very short searches."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (mynets,) = (text for text in fences("howto/profile-a-network.md", "python") if "def build" in text)
    (tmp_path / "mynets.py").write_text(mynets)
    (tmp_path / "camera.toml").write_text(fences("howto/profile-a-network.md", "toml")[0])
    own = "howto/arrivals-of-your-own.md"
    (tmp_path / "cameras.toml").write_text(fences(own, "toml")[0])
    (tmp_path / "gate.txt").write_text(fences(own, "text")[0])
    (tmp_path / "site.toml").write_text(fences("howto/several-edges.md", "toml")[0])
    for name in ("walk", "a", "b", "c", "d"):
        lines = [f"{second},{9 + second % 7}" for second in range(5)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["t,Mbps", *lines]))
    (tmp_path / "walk.csv").write_text((tmp_path / "walk.csv").read_text().replace("t,", "seconds,"))
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.log").write_text(
            "".join(f"0 {ms} 51 3 90000 200\n" for ms in range(0, 3000, 200))
        )
    (tmp_path / "up.mahi").write_text("".join(f"{ms}\n" for ms in range(1, 1000, 3)))
    (tmp_path / "mynet.json").write_text(format_profile(load_profile("alexnet")))
    for name in filter(registry.is_searched, policy_names()):
        monkeypatch.setitem(registry._POLICIES, name, shortly(registry._POLICIES[name]))
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if any(map(runs, commands(page)))])
def test_commands_run(page, folder, capsysbinary, monkeypatch):
    slot = json.dumps(json.loads((folder / "examples/slot.json").read_text())).encode()

    # Trainings first, but for those on a trace that the page records: other commands name their folders.
    def late(found):
        return found.words[1] != "train" or "--trace" in found.words

    for command in sorted(filter(runs, commands(page)), key=late):
        given = (folder / command.reads).read_bytes() if command.reads else slot
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        if command.words[1] == "train" and "--resume" not in command.words:
            shutil.rmtree(folder / command.value("--out"), ignore_errors=True)
        status = run(shortened(command.words))
        printed = capsysbinary.readouterr()
        assert status == 0, (command.line, printed.err)
        if command.writes:
            (folder / command.writes).write_bytes(printed.out)
