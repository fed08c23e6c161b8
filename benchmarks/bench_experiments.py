"""Overhead of two workers compared with one, on cells that only wait."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("joblib")

from lyaopt.experiments.runner import run_tasks

CELLS, LASTS_S = 16, 1.0
GROUP = f"{CELLS} cells of a sweep that wait for {LASTS_S:g} s each, workers started before"


def wait(task):
    """A cell that needs no core, so that any loss of two workers is overhead."""
    path, seconds = task
    time.sleep(seconds)
    path.write_text("done")


def taken(folder, cells, seconds, jobs):
    """Seconds of some cells."""
    folder.mkdir()
    tasks = {f"cell-{number}": (folder / f"cell-{number}", seconds) for number in range(cells)}
    begun = time.perf_counter()
    failed = run_tasks(
        wait, tasks, folder / "running", is_done=lambda key: (folder / key).exists(), jobs=jobs
    )
    assert not failed
    return time.perf_counter() - begun


def test_two_workers_against_one(record, tmp_path):
    taken(tmp_path / "warm", 4, 0.1, 2)
    alone, together = (taken(tmp_path / str(jobs), CELLS, LASTS_S, jobs) for jobs in (1, 2))
    record.time(GROUP, "one worker", alone, "sweep")
    record.time(GROUP, "two workers", together, "sweep")
    share = alone / (2.0 * together)
    record.require("two workers against one", ">= 85 % of twice as fast", f"{share:.0%}", share >= 0.85)
