"""Commands of the Makefile are commands, and the demonstration shows tables."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from lyaopt.model.scenarios import list_scenarios
from lyaopt_cli.main import group
from tests.support.documented import ROOT

TEXT = (ROOT / "Makefile").read_text()
LINES = re.findall(r"^\t\$\(BIN\)/lyaopt (.*)$", TEXT.replace("\\\n", " "), re.MULTILINE)


def test_commands_are_found():
    assert len(LINES) >= 6


@pytest.mark.parametrize("line", LINES)
def test_commands_parse_and_name_existing_things(line):
    name, *words = shlex.split(line)
    context = click.Context(group)
    command = group.get_command(context, name)
    parameters = command.make_context(name, words, parent=context).params
    assert parameters.get("scenario") in (None, *list_scenarios())
    assert not parameters.get("as_json")


def test_the_demonstration_solves_a_slot_before_it_compiles_or_installs_more():
    targets = re.search(r"^demo: (.*?) *##", TEXT, re.MULTILINE)[1].split()
    assert targets[0] == "demo-slot"
    assert re.search(r"^demo-slot: (.*)$", TEXT, re.MULTILINE)[1] == "$(VENV)/core.stamp"
    core = TEXT.split("\n$(VENV)/core.stamp:")[1].split("\n\n")[0]
    assert "aot_build" not in core
    assert "[" not in core.partition("\n")[2]
