"""docs/policies.md names every policy and option, and its snippets run."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import pytest

from lyaopt.policies import best_fixed, planning, policy_names, table

TEXT = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("name", policy_names())
def test_every_policy_is_documented(name):
    assert f"\n| `{name}` |" in TEXT


OPTIONS = {
    "best-fixed": list(signature(best_fixed).parameters)[1:],
    "table": list(signature(table).parameters)[1:],
    "planning": list(signature(planning).parameters)[1:],
}


@pytest.mark.parametrize(
    ("name", "before"), [("best-fixed", None), ("table", "best-fixed"), ("planning", "table")]
)
def test_every_option_of_the_searches_is_documented(name, before):
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    known = OPTIONS[before] if before else []
    said = re.findall(r"`([\w-]+)`", row.rsplit(" | ", 1)[1])
    assert known + said[1 if before else 0 :] == OPTIONS[name]
    assert said[0] == (before or said[0])


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippets_run_and_print(snippet, capsys):
    exec(compile(snippet, "docs/policies.md", "exec"), {"__name__": "snippet"})
    assert "nan" not in capsys.readouterr().out.split()


def test_there_are_snippets():
    assert len(SNIPPETS) == 3
