"""Runs of the benchmarks are kept side by side, and summarised in one table."""

from __future__ import annotations

from benchmarks.results import REQUIRED, RUNS, Row, from_csv, merged, requirements, to_csv, with_ratios
from tests.support.documented import ROOT


def required(run: str, what: str, measured: str, met: str = "yes") -> Row:
    return Row(run, REQUIRED, what, required="<= 3", measured=measured, met=met)


def test_the_last_runs_stay_and_others_are_left_alone() -> None:
    other = Row("0", "group", "lyaopt", "slot", "1e-06")
    rows = [other]
    for run in "12345":
        rows = merged(rows, [required(run, "a", run)])
    assert rows[0] == other
    assert [row.run for row in rows[1:]] == list("12345")[-RUNS:]
    assert [row.run for row in merged(rows, [required("6", "a", "6")], fresh=True)] == ["0", "6"]
    assert from_csv(to_csv(rows)) == rows


def test_the_table_has_median_range_and_alternative() -> None:
    runs = [required(run, "batch, in times of a copy", text) for run, text in zip("123", "294", strict=True)]
    assert requirements(runs)[-1] == "| batch | a copy | <= 3 | 4 | 2 to 9 | yes |"
    runs = [
        required("1", "x: faster than y", "1,200x"),
        required("2", "x: faster than y", "800x, 3 us", "no"),
    ]
    assert requirements(runs)[-1] == "| x | y | <= 3 | 1,000x | 800 to 1,200 | 1 of 2 runs |"
    assert (
        requirements([required("1", "gap", "3.7e-15")])[-1] == "| gap |  | <= 3 | 3.7e-15 | one run | yes |"
    )


def test_ratios_are_to_lyaopt_in_the_same_group() -> None:
    rows = [
        Row("1", "g", "lyaopt, fast", "slot", "2e-06"),
        Row("1", "g", "other", "slot", "3e-06"),
        Row("1", "h", "a", "", "1"),
    ]
    assert [row.ratio for row in with_ratios(rows)] == ["1", "1.5", ""]


def test_the_table_of_the_repository_is_that_of_its_measurements() -> None:
    folder = ROOT / "benchmarks"
    text = (folder / "RESULTS.md").read_text()
    rows = from_csv((folder / "results.csv").read_text())
    assert text.rstrip().endswith("\n".join(requirements(rows)))
