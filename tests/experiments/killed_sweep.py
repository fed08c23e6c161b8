"""A sweep of two small cells, to be killed.

python -m tests.experiments.killed_sweep FOLDER        the whole sweep, with its workers
python -m tests.experiments.killed_sweep FOLDER KILLS  the work of a worker, in processes that are killed
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.run_cell import do_cell
from lyaopt.experiments.store import CELLS, Store
from lyaopt.experiments.sweeps import Part, run_parts
from lyaopt.model.scenarios import load_scenario


def part() -> Part:
    """Middle points at two speeds of the edge."""
    measuring = Measuring(slots=30, warmup=0, replications=1)
    sweep = Sweep(("middle",), vary={"edge_capacity_hz": [1e9, 2e10]}, evaluation=measuring)
    return Part(sweep, load_scenario("default"))


def finished(folder: Path) -> dict[str, int]:
    """Inode of each cell file by key; all of them are intact."""
    store = Store(folder)
    files = (folder / CELLS).glob("*.json") if (folder / CELLS).exists() else ()
    inodes = {file.stem: file.stat().st_ino for file in files}
    assert all(store.load_cell(key) is not None for key in inodes)
    return inodes


def compute(folder: Path) -> None:
    """Compute the missing cells, as a worker does."""
    for key in Store(folder).missing(cell.key for cell in part().cells):
        do_cell(next(cell for cell in part().cells if cell.key == key), str(folder), None)


def kill(folder: Path, moment: float) -> None:
    """Kill a process that computes, after a delay."""
    child = os.fork()
    if child == 0:
        compute(folder)
        os._exit(0)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def kill_workers(root: Path, kills: int) -> None:
    """Print the finished cells before and after each kill; a new folder follows a complete one."""
    compute(root / "warm")
    begun = time.perf_counter()
    compute(root / "whole")
    lasts = time.perf_counter() - begun
    number = 0
    for moment in np.random.default_rng(5).uniform(0.0, lasts, kills):
        folder = root / str(number)
        before = finished(folder)
        kill(folder, moment)
        after = finished(folder)
        print(json.dumps([before, after]), flush=True)
        number += len(after) == 2
    compute(root / str(number))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_workers(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        run_parts([part()], Store(sys.argv[1]), command="", jobs=2)
