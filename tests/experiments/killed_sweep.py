"""A sweep of two small cells, to be killed.

python -m tests.experiments.killed_sweep FOLDER                 the whole sweep, with its workers
python -m tests.experiments.killed_sweep FOLDER KILLS COMPLETE  the work of a worker, in processes that are
                                                                killed, until COMPLETE folders are complete
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
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


def kill_often(
    root: Path, run_and_kill: Callable[[Path, float], None], moments: Iterable[float], complete: int
) -> list[tuple[dict[str, int], dict[str, int]]]:
    """Kill at all moments, and on until some folders are complete; a new folder follows a complete one.

    A machine that has become slower completes none at the given moments, so they grow by a hundredth where a
    kill found no new cell. The cells before and after each kill are returned.
    """
    kills, number, slower, moments = [], 0, 1.0, list(moments)
    while len(kills) < len(moments) or number < complete:
        folder = root / str(number)
        before = finished(folder)
        run_and_kill(folder, slower * moments[len(kills) % len(moments)])
        after = finished(folder)
        kills.append((before, after))
        number += len(after) == 2
        slower *= 1.01 if after == before else 1.0
    return kills


def kill_workers(root: Path, kills: int, complete: int) -> None:
    """Print the finished cells before and after each kill."""
    compute(root / "warm")
    begun = time.perf_counter()
    compute(root / "whole")
    moments = np.random.default_rng(5).uniform(0.0, time.perf_counter() - begun, kills)
    results = kill_often(root, kill, moments.tolist(), complete)
    for cells in results:
        print(json.dumps(cells), flush=True)
    compute(root / str(sum(len(after) == 2 for _, after in results)))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_workers(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    else:
        run_parts([part()], Store(sys.argv[1]), command="", jobs=2)
