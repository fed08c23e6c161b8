"""Policies of one's own, as ``MODULE:CLASS``, in every command that names policies."""

from __future__ import annotations

import json

import pytest

from lyaopt.experiments.cells import cells_of
from lyaopt.experiments.definition import parse_sweep
from lyaopt.experiments.tradeoff import tradeoff_parts
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.policies.own_policy import is_own
from lyaopt_cli.main import run

SYSTEM = load_scenario("default")
SOURCE = """
import numpy as np
from lyaopt.simulation import Decision

class Offloads:
    name = "mine"
    def __init__(self, system):
        self.points = np.zeros(len(system.services), int)
    def decide(self, observation):
        return Decision(self.points, for_good=True)

class RaisesLater(Offloads):
    def decide(self, observation):
        raise KeyError("no\\nsuch")

class Raises(Offloads):
    def __init__(self, system):
        raise OSError("at once")

class TooFar(Offloads):
    def __init__(self, system):
        self.points = np.full(len(system.services), 99)

def nothing(system):
    return 3

value = 3
"""
NUMBERS = iter(range(1000))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the current folder, under a name that no other test imports."""
    name = f"own_policies_{next(NUMBERS)}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def sweep_of(tmp_path, *policies):
    measuring = "[evaluation]\nslots = 100\nwarmup = 0\nreplications = 2\n"
    (tmp_path / "s.toml").write_text(f"policies = {json.dumps(policies)}\n{measuring}")
    return ["sweep", "s.toml", "--out", "out", "--jobs", "1"]


def words_of(command, policy, tmp_path):
    short = ["--slots", "100", "--warmup", "0", "--replications", "2"]
    return {
        "simulate": ["simulate", "default", "--policy", policy, *short],
        "evaluate": ["evaluate", policy, "default", *short],
        "frontier": ["frontier", "default", "--policy", policy, "--waiting-costs", "0.1", *short],
        "sweep": sweep_of(tmp_path, policy),
        "tune": ["tune", "default", "--policy", policy],
        "benchmark": ["benchmark", "--policy", policy, "--quick"],
    }[command]


COMMANDS = ["simulate", "evaluate", "frontier", "sweep", "tune", "benchmark"]
BAD = {
    "{module}:Nobody": "module {module} has no Nobody",
    "no_such_module:It": "no module named no_such_module",
    "{module}:value": "{module}:value: expected a class or a function, got 3",
}
MADE_BADLY = {
    "{module}:Raises": "{module}:Raises",
    "{module}:nothing": "{module}:nothing",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("policy", "message"), [*BAD.items(), *MADE_BADLY.items()])
def test_what_is_no_policy_is_one_line_that_names_it(module, tmp_path, capfd, command, policy, message):
    assert run(words_of(command, policy.format(module=module), tmp_path)) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith((f"lyaopt {command}: ", "s.toml:1: "))
    assert message.format(module=module) in line


@pytest.mark.parametrize("command", ["simulate", "evaluate", "frontier"])
@pytest.mark.parametrize("policy", ["RaisesLater", "TooFar"])
def test_what_fails_in_a_run_is_one_line(module, tmp_path, capfd, command, policy):
    assert run(words_of(command, f"{module}:{policy}", tmp_path)) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"lyaopt {command}: $.po")
    assert policy == "TooFar" or f"$.policy.decide: {module}:RaisesLater: KeyError: 'no" in line


def test_it_runs_as_any_other(module, capsysbinary):
    short = ["--slots", "1000", "--json"]
    found = []
    for policy in (f"{module}:Offloads", "all-offload"):
        assert run(["simulate", "default", "--policy", policy, *short]) == 0
        found.append(json.loads(capsysbinary.readouterr().out))
    assert found[0].pop("policy") == "mine"
    assert found[1].pop("policy") == "all-offload"
    assert found[0] == found[1]


def test_a_sweep_runs_it_in_its_workers(module, tmp_path, capfd):
    words = sweep_of(tmp_path, f"{module}:Offloads", "all-offload", f"{module}:RaisesLater")
    assert run([*words, "--json"]) == 1
    printed = capfd.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    energy = {row["policy"]: row["energy_j"] for row in rows if row.get("energy_j") is not None}
    assert energy[f"{module}:Offloads"] == energy["all-offload"]
    assert f"{module}:RaisesLater at point 0: " in printed.err


def test_cells_change_with_the_module(module, tmp_path):
    def key():
        sweep = parse_sweep(f'policies = ["{module}:Offloads"]')
        return cells_of(sweep, SYSTEM)[0].key

    before = key()
    assert key() == before
    with (tmp_path / f"{module}.py").open("a") as file:
        file.write("# changed\n")
    assert key() != before


def test_tune_takes_it(module):
    (part,) = tradeoff_parts(SYSTEM, "default", [f"{module}:Offloads"])
    assert {cell.policy for cell in part.cells} == {f"{module}:Offloads"}


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("a:B", True),
        ("a.b:C.d", True),
        ("Identity:0", False),
        ("phone/detect=a:b", False),
        ("a:b,c", False),
        (":B", False),
        ("a:", False),
        ("middle", False),
    ],
)
def test_names_are_told_from_points(text, own):
    assert is_own(text) == own


def test_in_python(module):
    policy = make_policy(f"{module}:Offloads", SYSTEM)
    assert policy.name == "mine"
