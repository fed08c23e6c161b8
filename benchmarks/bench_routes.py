"""One certified slot by every route, in one run: how long the usual call takes, and how long the slowest.

    python -m benchmarks.bench_routes DEVICES SERVICES COUNT

writes the seconds of the routes of `IN_PYTHON` as doubles, a row for each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench_worst import program, slots_in_c
from benchmarks.conftest import CORES
from benchmarks.data import problems
from benchmarks.serving import CONTENDERS, FIELDS, SLOTS, TEXTS, calls, keep_to, process
from benchmarks.serving import CORES as OF_SERVERS
from lyaopt import SlotProblem, SlotSolver, solve_slot
from lyaopt.installation import c_library
from lyaopt.serve import SolverPipe

ROOT = Path(__file__).parent.parent
CALLS_IN_C = int(os.environ.get("LYAOPT_BENCH_CALLS", "192000"))
COUNT = int(os.environ.get("LYAOPT_BENCH_TRIPS", "19200"))
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "slowest": 1.0}
IN_C = ("C, checked", "C, certified")
IN_PROCESS = ("SlotSolver, update and solve", "solve_slot")
IN_PYTHON = (*IN_PROCESS, *CONTENDERS)
SIZES = [(4, 2), (100, 4)]
OF_C = 1.3


def in_process(slots: list[SlotProblem]) -> list[Callable[[int], object]]:
    """Functions of the number of a slot, of the routes of `IN_PROCESS`."""
    states = [tuple(np.array(getattr(slot, name)) for name in FIELDS) for slot in slots]
    solver = SlotSolver(slots[0])

    def by_solver(i: int) -> None:
        local, transmit, edge, gain = states[i]
        solver.update(
            local_queue_cycles=local, transmit_queue_bits=transmit, edge_queue_cycles=edge, channel_gain=gain
        )
        solver.solve()

    return [by_solver, lambda i: solve_slot(slots[i])]


def measure(tasks: list[Callable[[int], object]], count: int, slow: set[int]) -> None:
    """Write the seconds of `count` calls of each task; they take turns of `SLOTS` calls."""
    seconds = np.full((len(tasks), count // SLOTS, SLOTS), np.nan)
    for turn in range(-1, count // SLOTS):
        for place, task in enumerate(tasks):
            if place in slow and turn % 8:
                continue
            for i in range(SLOTS):
                start = time.perf_counter()
                task(i)
                end = time.perf_counter()
                if turn >= 0:
                    seconds[place, turn, i] = end - start
    sys.stdout.buffer.write(seconds.tobytes())


def main(devices: int, services: int, count: int) -> None:
    """Start the servers, and measure all routes from Python."""
    slots = problems(SLOTS, devices, services)
    with tempfile.TemporaryDirectory() as name:
        solver = ("lyaopt_cli", "serve", "--socket", f"{name}/solver", "--log-level", "error")
        keep_to(-1)
        with process("benchmarks.serving", "echo", f"{name}/echo"), process(*solver), SolverPipe() as pipe:
            keep_to(0)
            for task in in_process(slots):
                # alone, as in C: others would take its memory out of the caches
                measure([task], count, set())
            measure(calls(Path(name), slots, pipe), count, TEXTS)


def from_python(devices: int, services: int) -> np.ndarray:
    """(routes, turns, calls of a turn)"""
    sizes = [str(size) for size in (devices, services, COUNT)]
    command = [sys.executable, "-m", "benchmarks.bench_routes", *sizes]
    environment = os.environ | {"LYAOPT_BENCH_CORES": ",".join(map(str, CORES))}
    written = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(written).reshape(len(IN_PYTHON), -1, SLOTS)


@pytest.mark.skipif(shutil.which("cc") is None or c_library()[0] is None, reason="no C compiler")
@pytest.mark.parametrize(("devices", "services"), SIZES)
def test_every_route(record, tmp_path, devices, services):
    command = [program(tmp_path, devices, services), str(CALLS_IN_C // SLOTS * SLOTS)]
    written = subprocess.run(
        command, check=True, input=slots_in_c(devices, services), stdout=subprocess.PIPE
    ).stdout
    in_c = np.frombuffer(written).reshape(len(IN_C), -1, SLOTS)
    in_python = from_python(devices, services)
    routes = dict(zip((*IN_C, *IN_PYTHON), (*in_c, *in_python), strict=True))
    group = f"One slot by every route, M = {devices}, N = {services}"
    for share, quantile in SHARES.items():
        for route, seconds in routes.items():
            taken = seconds[~np.isnan(seconds)]
            record.time(
                f"{group}, {share}", route, float(np.quantile(taken, quantile, method="higher")), "slot"
            )
    # least times of the same slot: the machine may be shared
    least = {route: np.nanmin(seconds, axis=0).mean() for route, seconds in routes.items()}
    ratio = least[IN_PROCESS[0]] / least[IN_C[1]]
    bound = f"<= {OF_C}x" if devices > SIZES[0][0] else "-"
    what = f"SlotSolver, update and solve, M = {devices}, N = {services}, in times of C"
    record.require(what, bound, f"{ratio:.2f}x", bound == "-" or ratio <= OF_C)


if __name__ == "__main__":
    if cores := os.environ.get("LYAOPT_BENCH_CORES"):  # undoes what conftest.py does
        OF_SERVERS.extend(sorted(map(int, cores.split(","))))
    main(*map(int, sys.argv[1:]))
