"""`lyaopt benchmark`: entries from modules, files, what is kept, and errors of one line."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

pytest.importorskip("scipy")

import lyaopt.benchmark
from lyaopt.benchmark import load_suite, parse_benchmark, running
from lyaopt_cli.main import run
from tests.benchmark.small import TINY

MODULE = '''
import os, signal
from tests.benchmark.small import Cut, RaisesLater, TooFar


class Interrupting(Cut):
    """Sends Ctrl-C in the second instance that it sees."""

    made = 0

    def __init__(self, system):
        super().__init__(system)
        Interrupting.made += 1

    def decide(self, observation):
        if Interrupting.made == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return super().decide(observation)


def last(system):
    return Cut(system, 1)


value = 3
'''
NUMBER = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Name of a module in the current folder; each test has another one, as Python imports a name once."""
    name = f"policies_of_a_test_{next(NUMBER)}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / f"broken_{name}.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Both budgets of the suite with few slots."""
    suite = replace(load_suite(), full=replace(TINY, seed=8), quick=TINY)
    for place in (lyaopt.benchmark, running):
        monkeypatch.setattr(place, "load_suite", lambda: suite)


def benchmark(*arguments):
    return run(["benchmark", "--without-references", "--instances", "balanced,paper", *arguments])


def test_a_class_and_a_function_enter(module, tmp_path, capsysbinary):
    words = ["--policy", f"{module}:Cut", "--policy", f"{module}:last", "--policy", "middle"]
    assert benchmark(*words, "--out", "a.json", "--json") == 0
    (line,) = capsysbinary.readouterr().out.splitlines()
    document = parse_benchmark((tmp_path / "a.json").read_bytes())
    assert json.loads(line) == document.to_dict()
    assert document.complete
    assert document.budget.seed == 8
    for found in document.instances:
        assert [item.policy for item in found.policies] == [f"{module}:Cut", f"{module}:last", "middle"]
        assert len({item.objective_j.value for item in found.policies}) == 3


def test_references_stand_beside_an_entry(module, capsysbinary, monkeypatch):
    monkeypatch.setattr(lyaopt.benchmark, "REFERENCES", ("middle", "all-local"))
    assert run(["benchmark", "--quick", "--instances", "bursty", "--policy", "middle", "--json"]) == 0
    document = parse_benchmark(capsysbinary.readouterr().out)
    assert document.budget_name == "quick"
    assert [item.policy for item in document.instances[0].policies] == ["middle", "all-local"]


def test_the_table_ranks_by_the_ratio(module, capsysbinary):
    assert benchmark("--policy", f"{module}:Cut", "--policy", "middle", "--policy", "all-local") == 0
    text = capsysbinary.readouterr().out.decode()
    assert f"Suite {load_suite().version}, full: 3 replications of 60 slots, seed 8\n" in text
    block = text.split("balanced")[1].split("bound")[0]
    ratios = [float(line.split(" ± ")[0].split()[-1]) for line in block.splitlines() if " ± " in line]
    assert len(ratios) == 3
    assert ratios == sorted(ratios)


def test_files_are_shown_side_by_side(module, tmp_path, capsysbinary):
    assert benchmark("--policy", "middle", "--out", "a.json") == 0
    assert benchmark("--policy", f"{module}:Cut", "--out", "b.json") == 0
    capsysbinary.readouterr()
    assert run(["benchmark", "--show", "a.json", "b.json"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "  middle " in text
    assert f"  {module}:Cut " in text
    assert benchmark("--policy", "middle", "--quick", "--out", "c.json") == 0
    capsysbinary.readouterr()
    assert run(["benchmark", "--show", "a.json", "c.json"]) == 2
    message = capsysbinary.readouterr().err.decode()
    assert message == "lyaopt benchmark: $.budget_name: c.json: expected that of a.json\n"
    (tmp_path / "c.json").write_text('{\n"suite": 1}')
    assert run(["benchmark", "--show", "c.json"]) == 2
    assert capsysbinary.readouterr().err.decode().startswith("c.json:2: $.suite: expected a string")


def test_ctrl_c_keeps_what_is_finished(module, tmp_path, capsysbinary):
    words = ["--policy", "middle", "--policy", f"{module}:Interrupting"]
    assert benchmark(*words, "--out", "a.json") == 130
    document = parse_benchmark((tmp_path / "a.json").read_bytes())
    assert not document.complete
    assert [len(found.policies) for found in document.instances] == [2, 1]
    assert "not complete" in capsysbinary.readouterr().out.decode()
    assert {path.name for path in tmp_path.glob("*.json")} == {"a.json"}


def test_an_error_keeps_what_is_finished(module, tmp_path, capsysbinary):
    words = ["--policy", "middle", "--policy", f"{module}:RaisesLater"]
    assert benchmark(*words, "--out", "a.json") == 2
    assert len(parse_benchmark((tmp_path / "a.json").read_bytes()).instances) == 1
    message = capsysbinary.readouterr().err.decode()
    assert message.startswith(
        f"lyaopt benchmark: $.policies[1].decide: {module}:RaisesLater on balanced: Key"
    )
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("no_such_module:It", "--policy: no module named no_such_module"),
        ("{module}:It", "--policy: module {module} has no It"),
        ("{module}:value", "--policy: {module}:value: expected a class or a function, got 3"),
        ("broken_{module}:It", "--policy: cannot import broken_{module}: ZeroDivisionError: "),
        (":It", "--policy: expected MODULE:NAME, got ':It'"),
        (
            "{module}:TooFar",
            "$.policies[0]: {module}:TooFar on balanced: $.points[0][0][0]: expected at most",
        ),
        ("midle", "$.policies[0]: midle on balanced: $.policy: expected "),
    ],
)
def test_a_policy_that_cannot_run_is_one_line(module, capsysbinary, policy, message):
    assert benchmark("--policy", policy.format(module=module)) == 2
    printed = capsysbinary.readouterr().err.decode()
    assert printed.startswith(f"lyaopt benchmark: {message.format(module=module)}")
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--show"],
        ["a.json"],
        ["--show", "a.json", "--quick"],
        ["--show", "a.json", "--policy", "middle"],
        ["--without-references"],
        ["--instances", "no-such"],
        ["--show", "missing.json"],
        ["--policy", "middle", "--out", "no-such-folder/a.json"],
    ],
    ids=" ".join,
)
def test_bad_usage(module, capsysbinary, words):
    assert run(["benchmark", *words]) == 2
    printed = capsysbinary.readouterr()
    assert printed.err.count(b"\n") == 1
    assert not printed.out
