"""`lyaopt simulate --rule`: rules from modules of the current folder, and what cannot be used."""

from __future__ import annotations

import itertools
import json

import pytest

from lyaopt_cli.main import run
from tests.support.slot_text import on_a_terminal

MODULE = '''
import lyaopt


def backlogs(seen):
    return tuple(seen.backlog)


@lyaopt.allocation_rule
def compiled(view, weights):
    weights[:] = view.backlog


class Local:
    """Counts its calls: two runs get two of them."""

    def __init__(self):
        self.calls = 0

    def __call__(self, seen):
        assert seen.slot == self.calls
        self.calls += 1
        local, transmit, edge = seen.backlog
        return 2.0 * local, transmit, edge


class Hard:
    def __init__(self, argument):
        pass


def raising(seen):
    raise KeyError("a\\nb")


def negative(seen):
    return -1.0, 1.0, 1.0


value = 3
'''
NUMBER = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Name of a module in the current folder; each test has another one, as Python imports a name once."""
    name = f"rules_of_a_test_{next(NUMBER)}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    (tmp_path / f"broken_{name}.py").write_text("import json\n1 / 0\n")
    (tmp_path / f"exiting_{name}.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / f"lacking_{name}.py").write_text("import no_such_library\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def printed(capsysbinary, *arguments):
    assert run(["simulate", "default", "--json", "--slots", "200", *arguments]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


@pytest.mark.parametrize("rule", ["backlogs", "compiled"])
def test_a_rule_writes_the_record_of_its_weights(module, tmp_path, capsysbinary, rule):
    (plain,) = printed(capsysbinary, "--record", "a.npz", "--policy", "random")
    (document,) = printed(
        capsysbinary, "--record", "b.npz", "--policy", "random", "--rule", f"{module}:{rule}"
    )
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert plain | {"rule": rule} == document
    assert plain["rule"] is None
    replayed = ["--trace", "a.npz", "--record", "c.npz", "--rule", f"{module}:{rule}"]
    assert printed(capsysbinary, *replayed)[0]["policy"] == "trace"
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "c.npz").read_bytes()


def test_every_policy_has_a_rule_of_its_own(module, capsysbinary):
    documents = printed(
        capsysbinary, "--policy", "middle", "--policy", "all-local", "--rule", f"{module}:Local"
    )
    assert [document["rule"] for document in documents] == ["Local", "Local"]


def test_the_table_names_the_rule(module):
    assert "Rule     Local" in on_a_terminal(
        "simulate", "default", "--slots", "50", "--rule", f"{module}:Local"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("no_such_module:rule", "no module named no_such_module"),
        ("{module}.inner:rule", "no module named {module}.inner"),
        ("{module}:nothing", "module {module} has no nothing"),
        ("{module}:value", "expected a function or an allocation_rule, got 3"),
        ("{module}:Hard", "TypeError"),
        ("{module}", "expected MODULE:NAME"),
        (":rule", "expected MODULE:NAME"),
        ("{module}:", "expected MODULE:NAME"),
        ("exiting_{module}:rule", "cannot import exiting_{module}: SystemExit: 3"),
        ("broken_{module}:rule", "cannot import broken_{module}: ZeroDivisionError: division by zero"),
        ("lacking_{module}:rule", "lacking_{module} imports no_such_library, not found"),
        ("{module}:raising", "rule raising raised KeyError in slot 0"),
        ("{module}:negative", "$.local[0][0]: rule negative, slot 0: expected a finite number >= 0"),
    ],
)
def test_wrong_rules_are_one_line(module, capsysbinary, rule, message):
    assert run(["simulate", "default", "--slots", "20", "--rule", rule.format(module=module)]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert message.format(module=module) in line
