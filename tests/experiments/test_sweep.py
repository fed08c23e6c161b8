"""Sweeps end to end: finished cells are never lost, and every engine gives equal results."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from lyaopt.experiments.store import CELLS, Store
from lyaopt.experiments.sweeps import RUNNING, Part, run_parts
from lyaopt.experiments.watched_points import WatchedPoints
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate
from lyaopt_cli.main import run
from lyaopt_cli.support.time_left import TimeLeft
from tests.experiments.killed_sweep import kill_often, part
from tests.support.slot_text import command, on_a_terminal

DEFINITION = """
policies = ["middle", "random", "bound"]
[vary]
edge_capacity_hz = [1e9, 2e10]
[evaluation]
slots = 300
warmup = 50
replications = 3
"""
MOMENTS, KILLS = 12, 200


@pytest.fixture
def definition(tmp_path):
    file = tmp_path / "sweep.toml"
    file.write_text(DEFINITION)
    return str(file)


def printed(capsysbinary, *arguments):
    assert run(["sweep", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def sweep(definition, out, *more):
    """The exit status."""
    return run(["sweep", definition, "--out", str(out), *more])


def figures(folder):
    """Results of the cells of a folder, without their times."""
    files = sorted((folder / CELLS).glob("*.json"))
    cells = [json.loads(file.read_text())["cell"] for file in files]
    return [{name: cell[name] for name in ("key", "inputs", "evaluations")} for cell in cells]


def test_a_sweep_is_computed_once(tmp_path, definition, capsysbinary):
    rows = printed(capsysbinary, definition, "--out", str(tmp_path / "a"))
    assert [(row["edge_capacity_hz"], row["policy"]) for row in rows] == [
        (speed, policy) for speed in (1e9, 2e10) for policy in ("middle", "random", "bound")
    ]
    before = {file: file.stat().st_ino for file in (tmp_path / "a" / CELLS).iterdir()}
    assert len(before) == 6
    assert printed(capsysbinary, definition, "--out", str(tmp_path / "a")) == rows
    assert {file: file.stat().st_ino for file in (tmp_path / "a" / CELLS).iterdir()} == before
    table = (tmp_path / "a" / "tables.csv").read_text().splitlines()
    assert len(table) == 7
    assert (tmp_path / "a" / "tables.md").read_text().count("Fix-Cov") == 2


def test_results_include_their_provenance(tmp_path, definition, capsysbinary):
    printed(capsysbinary, definition, "--out", str(tmp_path))
    experiment = Store(tmp_path).load_document()
    for cell in experiment["sweeps"][0]["cells"]:
        result = Store(tmp_path).load_cell(cell["key"])
        assert result["configuration"] == cell["key"]
        assert result["versions"]["lyaopt"] == result["inputs"]["lyaopt"]
        assert "commit" in result
        assert cell["policy"] == "bound" or result["inputs"]["evaluation"]["seed"] == 77


def test_a_damaged_cell_is_detected_and_recomputed(tmp_path, definition, capsysbinary):
    out = tmp_path / "a"
    rows = printed(capsysbinary, definition, "--out", str(out))
    expected = figures(out)
    first, second, third = sorted((out / CELLS).iterdir())[:3]
    first.write_bytes(first.read_bytes()[:-100])
    second.write_bytes(second.read_bytes().replace(b"energy_j", b"energy_k", 1))
    third.write_bytes(b"")
    assert printed(capsysbinary, definition, "--out", str(out)) == rows
    assert figures(out) == expected


def test_every_damage_is_detected(tmp_path):
    store = Store(tmp_path)
    store.write_cell("a" * 32, {"evaluations": [{"energy_j": [1.5, 0.1 + 0.2]}]})
    (file,) = (tmp_path / CELLS).iterdir()
    content = file.read_bytes()
    assert store.load_cell("a" * 32)["evaluations"] == [{"energy_j": [1.5, 0.1 + 0.2]}]
    for place in range(len(content) - 1):  # the last byte ends the line
        spoilt = bytearray(content)
        spoilt[place] ^= 1
        file.write_bytes(bytes(spoilt))
        assert store.load_cell("a" * 32) is None
    assert store.missing(["a" * 32]) == ["a" * 32]
    assert not file.exists()


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_engines_compute_the_same(tmp_path, definition, capsysbinary, name):
    pytest.importorskip(name, reason=f"extra {name}")
    rows = printed(capsysbinary, definition, "--out", str(tmp_path / "local"), "--jobs", "2")
    other = printed(capsysbinary, definition, "--out", str(tmp_path / name), "--jobs", "2", "--engine", name)
    assert other == rows
    assert figures(tmp_path / name) == figures(tmp_path / "local")


def start(folder):
    # The interpreted core starts fast; a process group of its own includes the workers.
    return subprocess.Popen(
        [sys.executable, "-m", "tests.experiments.killed_sweep", str(folder)],
        env={**os.environ, "LYAOPT_CORE": "python"},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )


def test_a_sweep_killed_at_any_time_keeps_finished_cells(tmp_path):
    """The whole sweep with its workers; see the next test for many more kills of the work of a worker."""
    begun = time.perf_counter()
    assert start(tmp_path / "whole").wait() == 0
    lasts = time.perf_counter() - begun
    expected = figures(tmp_path / "whole")
    assert len(expected) == 2

    def kill(folder, moment):
        process = start(folder)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    moments = np.random.default_rng(4).uniform(0.3 * lasts, lasts, MOMENTS)
    kills = kill_often(tmp_path, kill, moments, complete=1)
    for before, after in kills:
        assert before.items() <= after.items()
    complete = sum(len(after) == 2 for _, after in kills)
    last = start(tmp_path / str(complete))
    assert last.wait() == 0
    for folder in range(complete + 1):
        assert figures(tmp_path / str(folder)) == expected


def test_a_worker_killed_at_any_time_leaves_whole_cells_only(tmp_path):
    command = [sys.executable, "-m", "tests.experiments.killed_sweep", str(tmp_path), str(KILLS), "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kills = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(kills) >= KILLS
    for before, after in kills:
        assert before.items() <= after.items()
    assert any(before != after for before, after in kills)
    expected = figures(tmp_path / "whole")
    assert len(expected) == 2
    for folder in tmp_path.iterdir():
        assert figures(folder) == expected


def test_termination_ends_the_workers(tmp_path):
    endless = tmp_path / "endless.toml"
    endless.write_text(DEFINITION.replace("slots = 300", "slots = 100_000_000"))
    arguments = ["sweep", str(endless), "--out", str(tmp_path / "out"), "--jobs", "2"]
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE) as process:
        markers = []
        while len(markers) < 2 and process.poll() is None:
            time.sleep(0.05)
            markers = [text for text in map(text_of, (tmp_path / "out" / RUNNING).glob("*")) if text]
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
    workers = [int(text.split()[0]) for text in markers]
    assert len(workers) == 2
    while any(map(is_alive, workers)):  # killed, not waited for
        time.sleep(0.05)


@pytest.mark.parametrize("moment_s", [0.05, 0.2, 0.4, 0.6, 0.8, 1.2])
def test_ctrl_c_while_workers_start_gives_no_traceback(tmp_path, moment_s):
    endless = tmp_path / "endless.toml"
    endless.write_text(DEFINITION.replace("slots = 300", "slots = 100_000_000"))
    arguments = ["sweep", str(endless), "--out", str(tmp_path / "out"), "--jobs", "2"]
    # A terminal sends SIGINT to all foreground processes, including workers.
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command(*arguments), start_new_session=True, **pipes) as process:
        while not (tmp_path / "out").exists():
            time.sleep(0.01)
        time.sleep(moment_s)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == b""
        assert process.wait() == 130


def text_of(marker):
    """Text of a marker; empty while it is written or after its removal."""
    try:
        return marker.read_text()
    except FileNotFoundError:
        return ""


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_runs_in_a_folder_are_refused(tmp_path, definition, capsys):
    with Store(tmp_path / "a").locked():
        assert run(["sweep", definition, "--out", str(tmp_path / "a")]) == 2
    assert "another experiment runs in" in capsys.readouterr().err


def test_cells_that_fail_are_reported_and_the_others_kept(tmp_path, capsysbinary):
    text = DEFINITION.replace("300", "9007199254740992")  # more slots than there can be
    (tmp_path / "sweep.toml").write_text(text.replace('"random", ', ""))
    assert run(["sweep", str(tmp_path / "sweep.toml"), "--out", str(tmp_path / "a"), "--json"]) == 1
    printed_text = capsysbinary.readouterr()
    lines = printed_text.err.decode().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("lyaopt sweep: sweep: middle at point ") for line in lines)
    assert [json.loads(line)["policy"] for line in printed_text.out.splitlines()] == ["bound", "bound"]


def test_sweeps_share_the_cells_that_they_have_in_common(tmp_path):
    first = part()
    store = Store(tmp_path)
    assert run_parts([first], store, command="", jobs=2).computed == 2
    both = [first, Part(first.sweep, load_scenario("balanced"))]
    assert run_parts(both, store, command="", jobs=2).computed == 0


LEARNT = """
policies = ["once", "each"]
training_seeds = 2
[vary]
edge_capacity_hz = [1e9, 2e10]
[evaluation]
slots = 300
warmup = 0
replications = 2
[learners.once]
algorithm = "lyappo"
preset = "shared"
decisions = 2500
ranges.edge_capacity_hz = [1e9, 2e10]
[learners.each]
algorithm = "ddpg"
decisions = 1000
"""


def test_learners_are_trained_with_every_seed(tmp_path, capsysbinary):
    (tmp_path / "sweep.toml").write_text(LEARNT)
    rows = printed(capsysbinary, str(tmp_path / "sweep.toml"), "--out", str(tmp_path / "a"), "--jobs", "2")
    assert [row["runs"] for row in rows] == [2, 2, 2, 2]
    store = Store(tmp_path / "a")
    cells = store.load_document()["sweeps"][0]["cells"]
    assert [cell["policy"] for cell in cells] == 2 * ["once", "each", "each"]
    found = [store.load_cell(cell["key"]) for cell in cells]
    assert [result["inputs"]["training"]["seed"] for result in found] == [1, 1, 1, 2, 2, 2]
    assert found[0]["training"]["decisions"] == 2000
    assert found[0]["training"]["curve"] != found[3]["training"]["curve"]
    assert len(found[0]["evaluations"]) == 2
    assert all("torch" in result["versions"] for result in found)


def test_points_are_watched_as_they_are_in_force():
    system = load_scenario("default")
    for policy, depth, share in (("all-local", 1.0, 1.0), ("all-offload", 0.0, 0.0)):
        watched = WatchedPoints(make_policy(policy, system), system)
        simulate(system, watched, slots=100, replications=2)
        assert (watched.depth, watched.local_share) == (depth, share)
    watched = WatchedPoints(make_policy("random", system), system)
    simulate(system, watched, slots=20_000, replications=4)
    assert watched.depth == pytest.approx(0.5, abs=0.01)


def test_the_time_left_follows_the_mean_pace():
    now = [100.0]
    with Progress(TimeLeft(), get_time=lambda: now[0], console=Console(file=io.StringIO())) as bar:
        bar.add_task("cells", total=4)
        (task,) = bar.tasks
        assert TimeLeft().render(task).plain == "-:--:-- left"
        now[0] += 600.0
        bar.update(task.id, completed=1)
        assert TimeLeft().render(task).plain == "0:30:00 left"
        bar.update(task.id, completed=4)
        assert TimeLeft().render(task).plain == "0:00:00 left"


def test_a_terminal_shows_a_table_and_a_pipe_no_bar(tmp_path, definition):
    shown = on_a_terminal("sweep", definition, "--out", str(tmp_path / "a"))
    assert "6 cells, 6 of them computed now" in shown
    assert "left" in shown
    piped = subprocess.run(
        command("sweep", definition, "--out", str(tmp_path / "b"), "--json"), capture_output=True, check=True
    )
    assert piped.stderr == b""
    assert len(piped.stdout.splitlines()) == 6


def test_folders_of_others_are_left_alone(tmp_path, definition):
    """Markers have a folder of their own."""
    out = tmp_path / "out"
    (out / "running").mkdir(parents=True)
    (out / "running" / "thesis.txt").write_text("precious")
    assert sweep(definition, out) == 0
    assert (out / "running" / "thesis.txt").read_text() == "precious"


def test_a_damaged_cell_is_renamed_not_removed(tmp_path, definition):
    out = tmp_path / "out"
    assert sweep(definition, out) == 0
    cell = min((out / "cells").glob("*.json"))
    cell.write_text("half a")
    assert sweep(definition, out) == 0
    assert cell.with_suffix(".damaged").read_text() == "half a"
    assert cell.exists()


def test_an_unreadable_cell_is_neither_removed_nor_recomputed(tmp_path, definition, capsys):
    out = tmp_path / "out"
    assert sweep(definition, out) == 0
    cell = min((out / "cells").glob("*.json"))
    cell.unlink()
    cell.mkdir()  # even root cannot read a folder as a file
    assert sweep(definition, out) == 2
    assert f"{cell}: Is a directory" in capsys.readouterr().err
    assert cell.is_dir()


@pytest.mark.parametrize("timeout", ["nan", "inf", "0", "-1", "soon"])
def test_time_limits_are_seconds(tmp_path, definition, timeout, capsys):
    assert sweep(definition, tmp_path / "out", "--timeout", timeout) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--timeout" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("jobs", [[], ["--jobs", "1"]])
def test_a_bad_number_of_cores_in_the_environment_is_one_line(
    tmp_path, definition, jobs, monkeypatch, capsysbinary
):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "many")
    assert sweep(definition, tmp_path / "out", *jobs) == 2
    assert b"lyaopt sweep: LOKY_MAX_CPU_COUNT: " in one_line(capsysbinary)


def one_line(capsysbinary):
    """The single line of stderr."""
    lines = capsysbinary.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]
