"""The slowest of a million calls, on one core and wherever the system puts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.typing import NDArray

from benchmarks.data import problems
from lyaopt.installation import c_flags, c_library, c_libs
from lyaopt.slot.inputs import QUEUE_FIELDS, SCALAR_FIELDS

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "worst_case.svg"
COUNT = int(os.environ.get("LYAOPT_BENCH_CALLS", "1000000"))
GROUP = "Worst of {:,} single calls, M = 4, N = 2, {}"
SHARES = {"median": 0.5, "p99": 0.99, "p99.9": 0.999, "p99.99": 0.9999, "slowest": 1.0}
IN_C = ("lyaopt_solve_slot from C, checked", "the same with its certificate")
IN_PYTHON = ("SlotSolver, update and solve", "solve_slot")
COLOURS = dict(zip((*IN_C, *IN_PYTHON), ("#0072b2", "#009e73", "#d55e00", "#cc79a7"), strict=True))

# Writes the seconds of calls of each contender as doubles
WORKER = """
import sys, time
import numpy as np
from benchmarks.data import problems
from lyaopt import SlotSolver, solve_slot

count, slots = int(sys.argv[1]), problems(64)
names = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles", "channel_gain")
states = [{name: np.array(getattr(slot, name)) for name in names} for slot in slots]
solver = SlotSolver(slots[0])

def by_solver(i):
    solver.update(**states[i % 64])
    solver.solve()

def by_function(i):
    solve_slot(slots[i % 64])

for task in (by_solver, by_function):
    seconds = np.empty(count)
    for i in range(-1000, count):
        start = time.perf_counter()
        task(i)
        end = time.perf_counter()
        if i >= 0:
            seconds[i] = end - start
    sys.stdout.buffer.write(seconds.tobytes())
"""


def slots_in_c(devices: int = 4, services: int = 2) -> bytes:
    """What worst_case.c reads: the slots of the benchmarks."""
    slots = problems(64, devices, services)
    first = slots[0]
    noise = 10 ** (first.noise_psd_dbm_per_hz / 10 - 3)
    parts = [first.cpu_capacity_hz, first.max_power_w, first.bandwidth_hz]
    parts.append([*(getattr(first, name) for name in SCALAR_FIELDS), noise])
    for slot in slots:
        parts += [getattr(slot, name).T for name in (*QUEUE_FIELDS, "channel_gain")]
    return b"".join(np.array(part, np.float64).tobytes() for part in parts)


def seconds_of(command: list[str], cores: set[int]) -> NDArray[np.float64]:
    """What a command writes, an array (2, COUNT), while it runs on these cores."""
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # the command inherits it
    try:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        written = subprocess.run(
            command, check=True, input=slots_in_c(), stdout=subprocess.PIPE, env=environment, cwd=ROOT
        ).stdout
    finally:
        os.sched_setaffinity(0, here)
    return np.frombuffer(written).reshape(2, COUNT)


def draw(axes: Axes, seconds: NDArray[np.float64], name: str, pinned: bool) -> None:
    """Draw which share of calls takes longer than a time."""
    ordered = np.sort(seconds)
    shares = 1.0 - np.arange(COUNT) / COUNT
    shown = np.unique(np.append(COUNT - np.geomspace(1, COUNT, 400).astype(int), COUNT - 1))
    style = "-" if pinned else "--"
    axes.loglog(
        ordered[shown] * 1e6, shares[shown], style, color=COLOURS[name], label=name if pinned else None
    )


def program(folder: Path, devices: int = 4, services: int = 2) -> str:
    """Compile worst_case.c for these sizes."""
    made = str(folder / "worst_case")
    source = str(Path(__file__).with_name("worst_case.c"))
    sizes = [f"-DDEVICES={devices}", f"-DSERVICES={services}"]
    subprocess.run(["cc", "-O2", *sizes, source, c_flags(), *c_libs().split(), "-o", made], check=True)
    return made


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen")
@pytest.mark.skipif(shutil.which("cc") is None or c_library()[0] is None, reason="no C compiler")
def test_worst_of_a_million_calls(record, tmp_path):
    commands = ([program(tmp_path)], IN_C), ([sys.executable, "-c", WORKER], IN_PYTHON)
    figure, axes = plt.subplots(figsize=(7.0, 4.2), layout="constrained")
    everywhere = set(range(os.cpu_count() or 1))
    for how, cores in (("pinned to one core", {max(everywhere)}), ("on any core", everywhere)):
        for command, names in commands:
            for name, seconds in zip(names, seconds_of([*command, str(COUNT)], cores), strict=True):
                draw(axes, seconds, name, len(cores) == 1)
                for share, at in SHARES.items():
                    time = float(np.quantile(seconds, at, method="higher"))
                    record.time(GROUP.format(COUNT, how), f"{name}: {share}", time, "call")
    axes.set(xlabel="time of a call, us", ylabel="share of calls that take longer")
    axes.set_title("Single calls, M = 4, N = 2: pinned to a core (solid), on any core (dashed)", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(PICTURE, metadata={"Date": None})
