"""Sweeps and `lyaopt tune` on a trace: one part is searched, the other judged, and results say so."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.experiments.cells import cells_of
from lyaopt.experiments.definition import parse_sweep
from lyaopt.experiments.definition_text import definition_text
from lyaopt.experiments.report import page
from lyaopt.experiments.store import CELLS, Store
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import RecordedTrace, Trace, complete_trace, divide, simulate
from lyaopt_cli.main import run

SYSTEM = load_scenario("default")
SLOTS = 800
DEFINITION = """
policies = ["middle", "best-fixed"]
trace = "t.npz"
[vary]
edge_capacity_hz = [1e9, 2e10]
[evaluation]
slots = 200
warmup = 20
replications = 3
"""
LEARNER = """
policies = ["short"]
trace = "t.npz"
training_seeds = 1
[evaluation]
slots = 60
warmup = 0
replications = 2
[learners.short]
algorithm = "ddpg"
decisions = 800
"""


def recorded(second=1.0):
    """A trace; the gains of its second half are multiplied."""
    rng = np.random.default_rng(5)
    arrivals, gain = rng.poisson(0.02, (SLOTS, 8)), 3e-11 * rng.exponential(size=(SLOTS, 4))
    gain[SLOTS // 2 :] *= second
    return {"arrivals": arrivals, "channel_gain": gain}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("t.npz", **recorded())
    (tmp_path / "sweep.toml").write_text(DEFINITION)


def swept(capsysbinary, *more, definition=None, out="out"):
    """Rows of a sweep."""
    name = "sweep.toml"
    if definition is not None:
        name = "other.toml"
        with open(name, "w") as file:
            file.write(definition)
    assert run(["sweep", name, "--out", out, "--jobs", "1", "--json", *more]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def cells(out="out"):
    """Results of finished cells, by key, without their times."""
    found = [json.loads(file.read_text())["cell"] for file in Store(out).path.glob(f"{CELLS}/*.json")]
    return {cell["key"]: {name: cell[name] for name in cell if name != "seconds"} for cell in found}


def test_both_parts_are_measured_and_rows_say_which_is_judged(capsysbinary):
    rows = swept(capsysbinary)
    parts = divide(Trace(**recorded()), SYSTEM)
    used = {"trace_file": "t.npz", "trace_sha256": parts.sha256}
    used |= {"trace_searched_slots": 400, "trace_judged_slots": 400}
    assert [{name: row[name] for name in used} for row in rows] == 4 * [used]
    for row in rows:
        system = replace(SYSTEM, edge_capacity_hz=row["edge_capacity_hz"])
        searches = {} if row["policy"] == "middle" else {"seed": 0, "traces": [parts.searched]}
        policy = make_policy(row["policy"], system, **searches)
        options = {"slots": 200, "warmup": 20, "replications": 3}
        for name, part in (("energy_j", parts.judged), ("searched_part_energy_j", parts.searched)):
            result = simulate(system, policy, trace=part.spread_over(3), **options)
            assert row[name] == pytest.approx(result.mean_energy_j, rel=1e-12)
        assert row["over_bound_at_latency"] is None  # bounds are of the scenario's law
    with open("out/tables.csv", newline="") as file:
        assert [line["trace_sha256"] for line in csv.DictReader(file)] == 4 * [parts.sha256]
    words = f"On the trace t.npz (SHA-256 {parts.sha256}): policies are searched and trained on its first 400"
    with open("out/tables.md") as file:
        assert words in file.read()
    assert run(["sweep", "sweep.toml", "--out", "out"]) == 0
    assert "Trace    judged on the 400 slots after the first 400\n" in capsysbinary.readouterr().out.decode()


def test_cells_are_those_of_the_contents_of_the_trace(capsysbinary):
    """Finished cells of other contents are not taken for these; other types and names are the same."""
    swept(capsysbinary)
    first = cells()
    assert len(first) == 4
    same = recorded()
    np.savez_compressed(
        "same.npz", arrivals=same["arrivals"].astype(np.uint8), channel_gain=same["channel_gain"]
    )
    swept(capsysbinary, "--trace", "same.npz")
    assert cells() == first
    np.savez("t.npz", **recorded(0.5))
    swept(capsysbinary)
    both = cells()
    assert len(both) == 8
    assert {key: both[key] for key in first} == first
    swept(capsysbinary, "--search-slots", "300")
    assert len(cells()) == 12


def test_without_a_trace_cells_are_what_they_were():
    sweep = parse_sweep(DEFINITION.replace('trace = "t.npz"', ""))
    plain = cells_of(sweep, SYSTEM)
    traced = cells_of(sweep, SYSTEM, RecordedTrace.load("t.npz"))
    assert all("trace" not in cell.inputs for cell in plain)
    assert not {cell.key for cell in plain} & {cell.key for cell in traced}


@pytest.mark.parametrize("definition", [DEFINITION, LEARNER], ids=["search", "training"])
def test_the_judged_part_has_no_part_in_searches_and_trainings(capsysbinary, definition):
    swept(capsysbinary, definition=definition)
    first = cells()
    shutil.rmtree("out")
    np.savez("t.npz", **recorded(0.1))
    swept(capsysbinary, definition=definition)

    def by_inputs(found, name):
        return {
            json.dumps({**cell["inputs"], "trace": None}, sort_keys=True): cell[name]
            for cell in found.values()
        }

    for name in ("searched", "training", "prepared_slots"):
        assert by_inputs(first, name) == by_inputs(cells(), name)
    assert by_inputs(first, "evaluations") != by_inputs(cells(), "evaluations")


@pytest.mark.parametrize(("given", "drawn"), [("arrivals", "channel_gain"), ("channel_gain", "arrivals")])
def test_half_a_trace_is_completed_with_the_seed_of_the_evaluation(capsysbinary, given, drawn):
    np.savez("half.npz", **{given: recorded()[given]})
    rows = swept(capsysbinary, "--trace", "half.npz")
    whole = complete_trace(SYSTEM, **{given: recorded()[given]}, seed=77)
    np.savez("whole.npz", arrivals=whole.arrivals, channel_gain=whole.channel_gain)
    same = swept(capsysbinary, "--trace", "whole.npz", out="whole")
    assert {row["trace_drawn"] for row in rows} == {drawn}
    assert [row["energy_j"] for row in rows] == [row["energy_j"] for row in same]


def test_the_report_and_its_definition_name_the_trace(capsysbinary):
    swept(capsysbinary, "--search-slots", "300")
    text = page(Store("out"))
    assert "On the trace t.npz (SHA-256 " in text
    assert "trained on its first 300 slots" in text
    definition = Store("out").load_document()["sweeps"][0]["definition"]
    again = parse_sweep(definition_text(definition))
    assert (again.trace, again.search_slots) == ("t.npz", 300)


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (("", ""), ["--trace", "none.npz"], "none.npz: No such file"),
        (("t.npz", "none.npz"), [], "none.npz: No such file"),
        (("", ""), ["--trace", "wrong.npz"], "--trace: wrong.npz: $.arrivals: expected shape (800, 8)"),
        (("t.npz", "wrong.npz"), [], "other.toml:3: $.trace: wrong.npz: $.arrivals: expected shape"),
        (("t.npz", "short.npz"), [], "other.toml:3: $.trace: expected at least 8 slots"),
        (('"t.npz"', '"t.npz"\nsearch_slots = 3'), [], "other.toml:4: $.search_slots: expected at least 4"),
        (('trace = "t.npz"', "search_slots = 9"), [], "$.search_slots: expected a trace too"),
        (('trace = "t.npz"', ""), ["--search-slots", "9"], "--search-slots is for --trace"),
        (("", ""), ["--search-slots", "800"], "$.trace: expected more slots than the 800"),
        (
            ("", ""),
            ["--trace", "t.npz", "--search-slots", "800"],
            "--trace: expected more slots than the 800",
        ),
        (('"middle"', '"bound"'), [], "$.policies[0]: expected no bound beside a trace"),
        (
            ("edge_capacity_hz", "arrival_rate_per_s"),
            [],
            "$.vary.arrival_rate_per_s: expected none: the trace has",
        ),
        (
            ("edge_capacity_hz", "distance_m"),
            [],
            "$.vary.distance_m: expected none: the trace has channel_gain",
        ),
        (
            ("edge_capacity_hz = [1e9, 2e10]", "services_per_device = [2, 1]"),
            [],
            "other.toml:3: $.trace: t.npz: $.arrivals: expected shape (800, 4), got (800, 8)",
        ),
        (
            (
                "[evaluation]",
                '[learners.middle]\nalgorithm = "lyappo"\nranges.distance_m = [1.0, 2.0]\n[evaluation]',
            ),
            [],
            "$.learners.middle.ranges: expected none: the trace is that of one system",
        ),
    ],
)
def test_what_does_not_go_with_a_trace_is_refused(capsysbinary, change, options, reason):
    np.savez("short.npz", **{name: values[:7] for name, values in recorded().items()})
    np.savez("wrong.npz", **recorded() | {"arrivals": recorded()["arrivals"][:, :7]})
    with open("other.toml", "w") as file:
        file.write(DEFINITION.replace(*change, 1) if change[0] else DEFINITION)
    assert run(["sweep", "other.toml", "--out", "out", *options]) == 2
    (line,) = capsysbinary.readouterr().err.decode().splitlines()
    assert reason in line


# --- lyaopt tune


TUNE = [
    "tune",
    "default",
    "--policy",
    "all-offload",
    "--policy",
    "price",
    "--latency-p95",
    "3",
    "--jobs",
    "1",
]


def tuned(capsysbinary, *more):
    assert run([*TUNE, *more, "--json"]) == 0
    return json.loads(capsysbinary.readouterr().out)


def searched_side(point):
    return {name: value for name, value in point.items() if not name.startswith("judged")}


def test_weights_are_found_on_one_part_and_judged_on_the_other(capsysbinary):
    found = tuned(capsysbinary, "--trace", "t.npz", "--out", "a", "--plot", "a.svg")
    assert found["trace"]["searched_slots"] == found["trace"]["judged_slots"] == SLOTS // 2
    np.savez("other.npz", **recorded(0.02))
    other = tuned(capsysbinary, "--trace", "other.npz", "--out", "b")
    assert searched_side(found["pick"]) == searched_side(other["pick"])
    assert list(map(searched_side, found["points"])) == list(map(searched_side, other["points"]))
    chosen, changed = found["pick"], other["pick"]
    assert chosen["judged_energy_j"] != changed["judged_energy_j"]
    # The least energy that meets the target, both in the searched part.
    within = [one for one in found["points"] if one["latency_s"]["high"] <= 3.0]
    assert chosen["energy_j"]["value"] == min(one["energy_j"]["value"] for one in within)
    for document in (found, other):
        high = document["pick"]["judged_latency_s"]["high"]
        assert document["judged_meets_target"] == (high is not None and high <= 3.0)
    # Printed of finished cells.
    assert run([*TUNE, "--trace", "t.npz", "--out", "a"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "are of its first 400 slots\n" in text
    assert "Trace    judged on the 400 slots after the first 400\n" in text
    fate = "meets" if found["judged_meets_target"] else "misses"
    assert f"{fate} 3 s" in text.split("Judged   ")[1]
    with open("a.svg") as file:
        drawn = file.read()
    assert "the choice, judged" in drawn
    assert "in the part of the trace that is searched" in drawn


def test_without_a_trace_points_are_what_they_were(capsysbinary):
    """No field and no word of a trace."""
    from lyaopt.evaluation import Estimate
    from lyaopt.experiments.tradeoff import Point, document
    from lyaopt_cli.tables.experiments import print_tradeoff

    point = Point("middle", 1.0, 1.0, 1.0, Estimate(1.0, 1.0, 1.0), Estimate(1.0, 1.0, 1.0))
    found = document([point], "p95", 2.0)
    assert "trace" not in json.dumps(found)
    assert "judged" not in json.dumps(found)
    print_tradeoff([point], "p95", 2.0)
    text = capsysbinary.readouterr().out.decode().lower()
    assert "trace" not in text
    assert "judged" not in text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--search-slots", "9"], "--search-slots is for --trace"),
        (["--trace", "t.npz", "--search-slots", "800"], "--trace: expected more slots than the 800"),
        (["--trace", "wrong.npz"], "--trace: wrong.npz: $.channel_gain: expected shape (800, 4)"),
        (["--trace", "t.npz", "--policy", "bound"], "$.policies[1]: expected no bound beside a trace"),
    ],
)
def test_tune_refuses_what_does_not_fit(capsysbinary, options, reason):
    np.savez("wrong.npz", channel_gain=recorded()["channel_gain"][:, :3])
    assert run(["tune", "default", "--policy", "middle", *options]) == 2
    (line,) = capsysbinary.readouterr().err.decode().splitlines()
    assert reason in line
