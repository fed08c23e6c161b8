"""`lyaopt run` as users see it."""

from __future__ import annotations

import csv
import json

import numpy as np
import psutil
import pytest

pytest.importorskip("torch", reason="runs need the extra lyaopt[profile]")

from lyaopt.model.scenarios import format_scenario
from lyaopt_cli.main import run
from tests.live.systems import TINY, two_devices


@pytest.fixture(autouse=True)
def _no_process_stays():
    """Other tests of the same process may have left some of theirs."""
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(format_scenario(two_devices()))
    return str(path)


def arguments(scenario: str, *more: str) -> list[str]:
    return ["run", scenario, "--network", TINY, "--rounds", "3", "--seconds", "2", *more]


def rows_of(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open()))


def test_two_policies_run_and_are_compared(scenario, tmp_path, capsysbinary):
    log, plot = tmp_path / "log.csv", tmp_path / "live.svg"
    policies = "--policy", "fixed:1", "--policy", "all-local"
    assert run(arguments(scenario, *policies, "--log", str(log), "--plot", str(plot), "--json")) == 0
    documents = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert [each["policy"] for each in documents] == ["fixed:1", "all-local"]
    rows = rows_of(log)
    for document in documents:
        tasks, mine = document["tasks"], [row for row in rows if row["policy"] == document["policy"]]
        assert tasks["born"] == tasks["finished"] == len(mine) > 0
        assert tasks["in_flight"] == tasks["unequal"] == 0
        everything, *by_service = document["rows"]
        assert everything["tasks"] == tasks["born"] == sum(row["tasks"] for row in by_service)
        assert {row["device"] for row in by_service} == {"camera", "phone"}
        measured, predicted = everything["measured_s"]["mean"], everything["predicted_s"]["mean"]
        assert everything["difference"]["mean"] == pytest.approx(predicted / measured - 1.0)
        mean = sum(float(row["tail_done"] or row["head_done"]) - float(row["born"]) for row in mine) / len(
            mine
        )
        assert measured == pytest.approx(mean, rel=1e-6)
        assert all(0.0 <= share <= 1.0 for share in document["load"]["devices"])
    assert {row["cut"] for row in documents[0]["rows"]} == {None, 1}
    assert plot.read_text().startswith("<?xml")


def test_ctrl_c_keeps_what_was_logged_and_stops_all_processes(scenario, tmp_path, capsysbinary):
    log = tmp_path / "log.ndjson"
    policy = "tests.live.policies:Interrupting"
    assert run(arguments(scenario, "--policy", policy, "--seconds", "600", "--log", str(log))) == 130
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert rows
    assert max(row["born"] for row in rows) < 60.0
    assert b"born" in capsysbinary.readouterr().out


def test_a_device_that_dies_is_one_line_and_status_1(scenario, tmp_path, capsysbinary):
    log = tmp_path / "log.csv"
    assert run(arguments(scenario, "--policy", "tests.live.policies:Killing", "--log", str(log))) == 1
    assert capsysbinary.readouterr().err == b"lyaopt run: the process of phone was killed by signal 9\n"
    assert rows_of(log)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--log", "log.txt"], "--log: expected a name that ends in .csv or .ndjson"),
        (["--network", "no_such_module:build"], "no_such_module"),
        (["--plot", "a.pdf"], "--plot"),
        (["--trace", "missing.npz"], "missing.npz"),
        (["--input-shape", "image=1,3,4,4"], "--input-shape"),
        (["--policy", "fixed:99"], "K = 3"),
        (["--policy", "planning"], "planning"),
    ],
)
def test_bad_input_is_one_line(scenario, tmp_path, monkeypatch, capsysbinary, more, said):
    assert run(arguments(scenario, *more)) == 2
    lines = capsysbinary.readouterr().err.decode().splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_trace_that_carries_nothing_is_refused_before_processes_start(tmp_path, monkeypatch, capsys):
    def start(*_: object) -> None:
        raise AssertionError("processes were started")

    monkeypatch.setattr("lyaopt.live.Session", start)
    path, scenario = tmp_path / "dead.npz", tmp_path / "s.toml"
    scenario.write_text(format_scenario(two_devices()))
    system = two_devices()
    shapes = (8, len(system.services)), (8, len(system.devices))
    np.savez(path, arrivals=np.ones(shapes[0], np.int64), channel_gain=np.zeros(shapes[1]))
    assert run(["run", str(scenario), "--trace", str(path), "--seconds", "1"]) == 2
    assert "its radio carries nothing in any slot of the trace" in capsys.readouterr().err
