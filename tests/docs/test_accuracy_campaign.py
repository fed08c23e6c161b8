"""The page of the accuracy campaign: all regimes, within the limits, and the sum is that of its rows."""

from __future__ import annotations

import re

import pytest

from benchmarks.accuracy_table import BEGIN, END, table
from lyaopt.verify.campaign import CAMPAIGN, GAP_LIMIT, VIOLATION_LIMIT
from tests.support.documented import ROOT


def rows(markdown):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in markdown.strip().splitlines()[2:]
    ]


def test_the_page_has_all_regimes_within_their_limits():
    page = (ROOT / "docs/results/accuracy.md").read_text()
    *regimes, total = rows(page.split(BEGIN)[1].split(END)[0])
    assert [row[0] for row in regimes] == list(CAMPAIGN)
    for _, instances, judged, gap, violation in [*regimes, total]:
        assert float(gap) <= GAP_LIMIT
        assert float(violation) <= VIOLATION_LIMIT
        assert 0 < int(judged.replace(",", "")) <= int(instances.replace(",", ""))
    for column in (1, 2):
        counts = [int(row[column].replace(",", "")) for row in (*regimes, total)]
        assert sum(counts[:-1]) == counts[-1]
    assert re.search(rf"\b{re.escape(total[1])} instances", page)
    assert float(total[3]) == max(float(row[3]) for row in regimes)


def report(seed, gap, instances=10):
    line = {"regime": "ties", "instances": instances, "judged_instances": 2}
    return {"seed": seed, "regimes": [line | {"worst_gap": gap, "worst_violation": 2 * gap}]}


def test_reports_are_merged():
    assert rows(table([report(1, 3e-15), report(2, 4e-15, 30), report(3, 0.0)])) == [
        ["ties", "50", "6", "4.0e-15", "8.0e-15"],
        ["**all**", "50", "6", "4.0e-15", "8.0e-15"],
    ]
    with pytest.raises(ValueError, match="seed 1: expected it once"):
        table([report(1, 0.0), report(1, 0.0)])
