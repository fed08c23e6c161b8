"""The core built ahead of time, the same kernels compiled at run time, calls from C, and a pipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from benchmarks.bench_simulate import scalar_solver
from lyaopt._kernels.toolchain.core_choice import CHOICE
from lyaopt.installation import c_flags, c_library, c_libs
from lyaopt.serve.client import SolverPipe

ROOT = Path(__file__).parent.parent
EXAMPLE = json.loads((ROOT / "examples" / "slot.json").read_text())
CORES = "The same kernels, built ahead of time and compiled at run time"
CALLS = "A slot of 4 devices with 2 services, by the way in"
pytestmark = pytest.mark.skipif(CHOICE.core != "aot", reason="no core was built")

# For each input line, prints the seconds of one round of each task.
WORKER = """
import sys, time
import numpy as np
from benchmarks.data import batch
from lyaopt import solve_slots
from lyaopt.policies.fixed import middle
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import Simulator

slots = batch(20_000)
out = solve_slots(slots)
system = load_scenario("default")
simulator = Simulator(system, middle(system), replications=256, seed=1)
simulator.run(200)
try:
    import torch
    from lyaopt.learning import PPO, preset
    from lyaopt.learning.credited import CreditedSystems
    torch.set_num_threads(1)
    config = preset("tuned", system.learning)
    options = {"replications": config.replications, "seed": 1, "decisions": config.decisions_per_episode}
    learner = PPO(CreditedSystems(system, **options), config, 0)
    learner.update()
except ImportError:
    learner = None

def timed(task):
    start = time.perf_counter()
    task()
    return time.perf_counter() - start

print("ready", flush=True)
for _ in sys.stdin:
    seconds = [
        min(timed(lambda: solve_slots(slots, out=out)) for _ in range(5)),
        min(timed(lambda: simulator.run(300)) for _ in range(5)),
        timed(learner.update) if learner else 0.0,
    ]
    print(*seconds, flush=True)
"""
ROUNDS = 9
PORTABLE = "x86-64-v2"


NAMES = ("a batch of 20,000 slots", "300 slots of 256 systems", "an update of PPO, tuned")


def worker(core, root=ROOT):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER],
        cwd=root,
        env=os.environ | {"LYAOPT_CORE": core, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def compared(ours, theirs):
    """Median seconds of both workers for each task, and the median of the ratios within rounds."""
    workers = (ours, theirs)
    for process in workers:
        assert process.stdout.readline() == "ready\n"
    taken = []
    for _ in range(ROUNDS):  # in turn, so that changes of the machine's speed affect both
        order = (0, 1) if len(taken) % 2 else (1, 0)  # the first one meets caches filled by the other
        seconds = {}
        for side in order:
            print(file=workers[side].stdin, flush=True)
            seconds[side] = [float(word) for word in workers[side].stdout.readline().split()]
        taken.append([seconds[0], seconds[1]])
    for process in workers:
        process.communicate("")
    for place, name in enumerate(NAMES):
        seconds = [median(row[side][place] for row in taken) for side in range(2)]
        if all(seconds):
            yield name, *seconds, median(row[0][place] / row[1][place] for row in taken)


def test_speeds_beside_the_core_compiled_at_run_time(record):
    for name, ours, theirs, ratio in compared(worker("aot"), worker("jit")):
        record.time(CORES, f"lyaopt built, {name}", ours, "round")
        record.time(CORES, f"compiled at run time, {name}", theirs, "round")
        record.require(f"built core, of run time: {name}", "<= 1.05", f"{ratio:.2f}", ratio <= 1.05)


def test_loss_of_a_portable_build(record, tmp_path):
    for name in ("lyaopt", "benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "_core*"))
    build = [sys.executable, "-m", "lyaopt._kernels.toolchain.aot_build", str(tmp_path / "lyaopt")]
    env = os.environ | {"LYAOPT_TARGET": PORTABLE, "LYAOPT_CORE": "jit", "PYTHONPATH": str(tmp_path)}
    subprocess.run(build, cwd=tmp_path, env=env, check=True)
    for name, portable, ours, ratio in compared(worker("aot", tmp_path), worker("aot")):
        record.time(CORES, f"built for {PORTABLE}, {name}", portable, "round")
        record.time(CORES, f"built for this processor, {name}", ours, "round")
        record.require(f"built for {PORTABLE}, of this processor: {name}", "measured", f"{ratio:.2f}", True)


LOOP = r"""
#include <time.h>
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
"""


def _scalar_seconds(times=20_000):
    """Seconds of a slot in a compiled loop, without any checks."""
    repeat = scalar_solver()
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        repeat(times)
        seconds.append((time.perf_counter() - start) / times)
    return median(seconds)


@pytest.mark.skipif(shutil.which("cc") is None or c_library()[0] is None, reason="no C compiler")
@pytest.mark.parametrize("certified", [False, True])
def test_call_from_c(record, tmp_path, certified):
    text = (ROOT / "examples" / "c" / "slot.c").read_text()
    call = text[text.index("    const int status\n") : text.index("    free(workspace);\n")]
    again = call.replace("const int status", "status", 1)
    if not certified:
        again = again.replace("&certificate", "NULL")
    timed = (
        "    int status = 0;\n    double best = 1e9;\n    for (int round = 0; round < 50; round++) {\n"
        f"    const double start = now();\n    for (int i = 0; i < 10000; i++) {{\n{again}    }}\n"
        "    const double each = (now() - start) / 10000;\n    best = each < best ? each : best;\n    }\n"
        '    fprintf(stderr, "%.9g\\n", best);\n'
    )
    source = tmp_path / "loop.c"
    source.write_text(
        f"#define _POSIX_C_SOURCE 199309L\n{text.replace(call, timed)}".replace("int main", f"{LOOP}int main")
    )
    program = tmp_path / "loop"
    subprocess.run(["cc", "-O2", str(source), c_flags(), *c_libs().split(), "-o", str(program)], check=True)
    seconds = float(subprocess.run([str(program)], check=True, capture_output=True, text=True).stderr)
    how = "with its certificate" if certified else "without certificate"
    record.time(CALLS, f"lyaopt_solve_slot from C, checked, {how}", seconds, "slot")
    scalar = _scalar_seconds()
    measured = f"{seconds * 1e6:.2f} us; a slot solve {scalar * 1e6:.2f} us"
    bound = "< 1 us if a slot solve takes 0.7 us"
    record.require(f"call of one slot from C, {how}", bound, measured, seconds < scalar / 0.7)


ECHO = """
import os
while data := os.read(0, 65536):
    os.write(1, data)
"""


def _echo_seconds(line, count=1000):
    with subprocess.Popen([sys.executable, "-c", ECHO], stdin=-1, stdout=-1, bufsize=0) as process:
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            process.stdin.write(line)
            received = 0
            while received < len(line):
                received += len(process.stdout.read(65536))
            seconds.append(time.perf_counter() - start)
        process.stdin.close()
    return median(seconds)


def test_round_trip_over_a_pipe(record):
    """Compared with a process that echoes the same bytes."""
    request = json.dumps({"sequence": 1, "slot": EXAMPLE}).encode() + b"\n"
    with SolverPipe() as pipe:
        for _ in range(300):
            pipe.solve(EXAMPLE)
        seconds = []
        for _ in range(2000):
            start = time.perf_counter()
            pipe.solve(EXAMPLE)
            seconds.append(time.perf_counter() - start)
    ours, echo = median(seconds), _echo_seconds(request)
    record.time(CALLS, "SolverPipe.solve, a round trip over a pipe", ours, "slot")
    record.time(CALLS, "an echo of the request by another process", echo, "slot")
    measured = f"{ours * 1e6:.0f} us; an echo {echo * 1e6:.0f} us"
    record.require("round trip over a pipe", "< 60 us", measured, ours < 60e-6)


def test_first_start_beside_later_ones(record, tmp_path):
    """In an empty home directory, the first call compiles nothing."""
    command = [
        str(Path(sys.executable).with_name("lyaopt")),
        "solve-slot",
        str(ROOT / "examples" / "slot.json"),
    ]
    first = []
    for number in range(9):
        env = os.environ | {"HOME": str(tmp_path / f"{number}"), "XDG_CACHE_HOME": ""}
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=env)
        middle = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=env)
        first.append((middle - start) / (time.perf_counter() - middle))
    ratio = median(first)
    record.require("first call in a new home, of the next", "<= 1.3", f"{ratio:.2f}", ratio <= 1.3)
