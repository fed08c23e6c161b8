"""docs/paper-to-code.md names existing functions, and every equation of the paper."""

from __future__ import annotations

import re

import pytest

from tests.support.documented import ROOT, defined_in, text_of

LAST_EQUATION, LAST_PROBLEM, LAST_ERRATUM = 43, 5, 11
PAGE = text_of("paper-to-code.md")
PLACES = sorted(set(re.findall(r"`([\w/]+\.py)::([\w.]+)`", PAGE)))
FIRST_COLUMN = [row.split(" | ")[0] for row in PAGE.splitlines() if row.startswith("| ")]


@pytest.mark.parametrize(("path", "name"), PLACES, ids="::".join)
def test_named_things_are_defined_there(path, name):
    assert (ROOT / path).is_file()
    assert name in defined_in(path)


def test_every_equation_is_in_one_row():
    numbers = [int(number) for cell in FIRST_COLUMN for number in re.findall(r"\((\d+)\)", cell)]
    assert sorted(numbers) == list(range(1, LAST_EQUATION + 1))


def test_every_problem_the_theorem_and_the_algorithm_have_a_row():
    names = [f"Problem {number}" for number in range(1, LAST_PROBLEM + 1)] + ["Theorem 1", "Algorithm 1"]
    for name in names:
        assert any(name in cell for cell in FIRST_COLUMN), name


def test_every_row_of_an_equation_names_code():
    rows = [row for row in PAGE.splitlines() if re.match(r"\| \(\d+\)", row)]
    assert all("::" in row or "the same test" in row for row in rows)


def test_every_erratum_but_those_of_text_and_tables_has_a_row():
    named = {
        int(n) for words in re.findall(r"errat(?:um|a) ([\d, ]+)", PAGE) for n in re.findall(r"\d+", words)
    }
    assert named == set(range(1, LAST_ERRATUM + 1))
