"""docs/explanation/policies.md names every policy, and every option of the searches."""

from __future__ import annotations

import re
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest

from lyaopt.policies import SearchOptions, best_fixed, planning, policy_names, price, table, value

TEXT = (Path(__file__).parents[2] / "docs" / "explanation" / "policies.md").read_text()


@pytest.mark.parametrize("name", policy_names())
def test_every_policy_is_documented(name):
    assert f"\n| `{name}` |" in TEXT


SEARCH = [item.name for item in fields(SearchOptions)]
OPTIONS = {
    "best-fixed": SEARCH + list(signature(best_fixed).parameters)[2:],
    "table": SEARCH + list(signature(table).parameters)[2:],
    "planning": SEARCH + list(signature(planning).parameters)[2:],
    "price": SEARCH + list(signature(price).parameters)[2:],
    "value": SEARCH + list(signature(value).parameters)[2:],
}


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("best-fixed", None),
        ("table", "best-fixed"),
        ("planning", "table"),
        ("price", "best-fixed"),
        ("value", "price"),
    ],
)
def test_every_option_of_the_searches_is_documented(name, before):
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    known = OPTIONS[before] if before else []
    listed = re.findall(r"`([\w-]+)`", row.rsplit(" | ", 1)[1])
    assert known + listed[1 if before else 0 :] == OPTIONS[name]
    assert listed[0] == (before or listed[0])
