"""`lyaopt simulate`: its output, its files, and the input that it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import energy_bound
from lyaopt.model.scenarios import format_scenario, load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import load_trace, simulate
from lyaopt_cli.main import run
from tests.support.slot_text import on_a_terminal

SYSTEM = load_scenario("default")


def printed(capsysbinary, *arguments):
    assert run(["simulate", "default", "--json", *arguments]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_the_result_is_that_of_the_simulator(capsysbinary):
    (document,) = printed(
        capsysbinary, "--policy", "all-offload", "--slots", "2000", "--warmup", "105", "--seed", "3"
    )
    policy = make_policy("all-offload", SYSTEM)
    result = simulate(SYSTEM, policy, slots=2000, warmup=105, seed=3)
    assert document == json.loads(json.dumps(result.to_dict()))
    assert document["born"] == document["completed"] + document["queued"]
    assert document["slots"] == 2105


def test_workers_change_nothing(capsysbinary):
    options = "--policy", "best-fixed", "--slots", "2000", "--replications", "16", "--seed", "3"
    assert printed(capsysbinary, *options, "--workers", "2") == printed(capsysbinary, *options)
    assert run(["simulate", "default", "--slots", "10", "--workers", "0"]) == 2
    assert b"$.workers: expected a whole number >= 1, or -1 for all cores" in capsysbinary.readouterr().err


def test_policies_have_the_same_arrivals(capsysbinary):
    documents = printed(
        capsysbinary,
        "--policy",
        "middle",
        "--policy",
        "0,0,0,0,0,0,0,0",
        "--policy",
        "random",
        "--slots",
        "3000",
    )
    assert len({document["born"] for document in documents}) == 1
    assert len({document["mean_energy_j"] for document in documents}) == 3


def test_the_bound_is_printed_with_the_energy(capsysbinary):
    (document,) = printed(capsysbinary, "--slots", "100", "--bound")
    assert document["bound_energy_j"] == energy_bound(SYSTEM).energy_j


def test_a_replayed_record_is_bit_identical(capsysbinary, tmp_path):
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    printed(capsysbinary, "--slots", "700", "--policy", "random", "--record", str(first))
    (document,) = printed(capsysbinary, "--trace", str(first), "--record", str(second))
    assert first.read_bytes() == second.read_bytes()
    assert document["policy"] == "trace"
    assert document["slots"] == 700
    with np.load(first, allow_pickle=False) as record:
        assert record["local_queue_cycles"].shape == (701, 8)


def test_a_figure_is_drawn(capsysbinary, tmp_path):
    printed(capsysbinary, "--slots", "900", "--plot", str(tmp_path / "run.svg"))
    assert (tmp_path / "run.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("policies", [["middle"], ["middle", "all-local"]])
def test_a_terminal_gets_a_table(policies):
    options = [word for name in policies for word in ("--policy", name)]
    text = on_a_terminal("simulate", "default", "--slots", "500", "--bound", *options)
    assert all(name in text for name in policies)
    assert "seed 0" in text
    assert "at least" in text


def test_a_run_without_tasks_has_no_latency(capsysbinary):
    (document,) = printed(capsysbinary, "--slots", "1")
    assert document["latency_s"] == {"mean": None, "p50": None, "p95": None, "p99": None}
    assert "Latency  -" in on_a_terminal("simulate", "default", "--slots", "1")


def write_trace(path, **changes):
    arrays = {"arrivals": np.zeros((20, 8), np.int64), "channel_gain": np.full((20, 4), 1e-11)}
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})
    return str(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arrivals": None, "channel_gain": None}, "$.arrivals: missing, as is $.channel_gain"),
        ({"arrivals": np.zeros((20, 7), int)}, "$.arrivals: expected shape (20, 8), got (20, 7)"),
        ({"arrivals": np.zeros((20, 8))}, "$.arrivals: expected a table of integers, got 2 axes of float64"),
        ({"arrivals": np.full((20, 8), -1)}, "$.arrivals[0][0]: expected an integer from 0"),
        ({"channel_gain": np.full((20, 4), np.nan)}, "$.channel_gain[0][0]: expected a finite number"),
        ({"channel_gain": np.full((19, 4), 1.0)}, "$.channel_gain: expected as many slots"),
        ({"channel_gain": np.full((20, 4), 1e300)}, "$.devices[0].channel_gain"),
        ({"partition": np.zeros((3, 8), int)}, "$.partition: expected shape (2, 8)"),
        ({"partition": np.full((2, 8), 99)}, "$.partition[0][0]: expected at most K"),
        ({"arrivals": np.array([[object()]])}, "$.arrivals: expected an array of numbers"),
    ],
)
def test_bad_traces_are_one_line_with_the_place(capsysbinary, tmp_path, changes, message):
    path = write_trace(tmp_path / "t.npz", **changes)
    assert run(["simulate", "default", "--trace", path]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert line.startswith(f"{path}: ")
    assert message in line


@pytest.mark.parametrize("name", ["arrivals", "channel_gain"])
def test_what_a_trace_lacks_is_drawn_and_told(capsysbinary, tmp_path, name):
    path = write_trace(tmp_path / "t.npz", **{name: None})
    (document,) = printed(capsysbinary, "--trace", path, "--seed", "3")
    assert document["drawn"] == name
    assert run(["simulate", "default", "--trace", path]) == 0
    assert f"Trace    without {name}: drawn" in capsysbinary.readouterr().out.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "nobody"], "nobody"),
        (["--policy", "0,0"], "8"),
        (["--policy", "99,0,0,0,0,0,0,0"], "99"),
        (["--policy", "trace"], "trace with partition points"),
        (["--record", "r.npz", "--replications", "2"], "$.replications"),
        (["--record", "r.npz", "--policy", "middle", "--policy", "random"], "--record"),
        (["--plot", "run.pdf"], ".png or .svg"),
        (["--slots", "0"], "--slots"),
        (["--slots", str(2**40), "--warmup", "1"], "$.slots"),
        (["--replications", str(2**31)], "not enough memory"),
        (["--record", "no-such-folder/r.npz", "--slots", str(2**40)], "no-such-folder/r.npz"),
        (["--plot", "tests"], "tests"),
        (["--trace", "no-such-file.npz"], "no-such-file.npz"),
        (["--trace", "pyproject.toml"], "expected an .npz file"),
    ],
)
def test_bad_use_is_one_line(capsysbinary, arguments, message):
    assert run(["simulate", "default", *arguments]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert message in line


def test_a_trace_ends_the_run(capsysbinary, tmp_path):
    path = write_trace(tmp_path / "t.npz")
    assert printed(capsysbinary, "--trace", path)[0]["slots"] == 20
    assert run(["simulate", "default", "--trace", path, "--slots", "21"]) == 2
    assert "the 20 of the trace" in capsysbinary.readouterr().err.decode()
    assert load_trace(path, SYSTEM).slots == 20


def test_an_interrupt_leaves_whole_files_and_finished_cells(tmp_path):
    record = tmp_path / "r.npz"
    command = [
        sys.executable,
        "-m",
        "lyaopt_cli",
        "simulate",
        "default",
        "--json",
        "--slots",
        "100000000",
    ]
    process = subprocess.Popen(
        [*command, "--plot", str(tmp_path / "run.png")], stdout=subprocess.PIPE, env=os.environ
    )
    time.sleep(8.0)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130
    document = json.loads(output)
    assert 0 < document["slots"] < 100_000_000
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert not record.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run.png"]


def test_a_damaged_trace_is_one_line(capsysbinary, tmp_path):
    path = tmp_path / "r.npz"
    printed(capsysbinary, "--slots", "300", "--record", str(path))
    content = bytearray(path.read_bytes())
    place = content.index(b"channel_gain.npy") + 200
    content[place : place + 40] = bytes(40)
    path.write_bytes(content)
    assert run(["simulate", "default", "--trace", str(path)]) == 2
    (line,) = capsysbinary.readouterr().err.decode().splitlines()
    assert line.startswith(f"{path}: $.channel_gain: ")


def test_a_system_without_stable_policies_has_no_bound(capsysbinary, tmp_path):
    path = tmp_path / "s.toml"
    devices = tuple(replace(device, cpu_capacity_hz=0.0) for device in SYSTEM.devices)
    path.write_text(format_scenario(replace(SYSTEM, devices=devices, edge_capacity_hz=0.0)))
    assert run(["simulate", str(path), "--slots", "20", "--bound", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["bound_energy_j"] is None
    assert "no policy is stable" in on_a_terminal("simulate", str(path), "--slots", "20", "--bound")
    brief = ["--slots", "20", "--warmup", "0", "--replications", "2", "--json"]
    assert run(["evaluate", "middle", str(path), *brief]) == 0
    assert json.loads(capsysbinary.readouterr().out)["bound_energy_j"] is None


def test_long_points_are_not_taken_for_a_file_name(capsysbinary):
    assert run(["simulate", "default", "--policy", ",".join(["0"] * 500)]) == 2
    (line,) = capsysbinary.readouterr().err.decode().splitlines()
    assert "500" in line
