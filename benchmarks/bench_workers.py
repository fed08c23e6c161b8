"""Two workers beside one: batches, simulations, and the search for the best fixed points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from benchmarks.conftest import CORES

ROOT = Path(__file__).parent.parent
SLOTS = 200_000
ROUNDS = {"slots": 25, "fresh": 25, "certified": 25, "systems": 25, "search": 3}

# Prints, for each round, the seconds of one worker and of two, in turn.
SCRIPT = """
import sys, time
from benchmarks.data import batch
from lyaopt import load_scenario, make_policy, solve_slots
from lyaopt.policies import SearchOptions, search_fixed
from lyaopt.simulation import Simulator

what, rounds, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
system = load_scenario("default")
if what in ("slots", "fresh", "certified"):
    many = batch(slots)
    solutions = {w: solve_slots(many, workers=w, certificates=what == "certified") for w in (1, 2)}
else:
    policy = make_policy("middle", system)
    runs = {w: Simulator(system, policy, replications=256, seed=1, workers=w) for w in (1, 2)}
calls = {
    "slots": lambda workers: solve_slots(many, out=solutions[workers], workers=workers),
    "fresh": lambda workers: solve_slots(many, workers=workers),
    "certified": lambda w: solve_slots(many, out=solutions[w], workers=w, certificates=True),
    "systems": lambda workers: runs[workers].run(1000),
    "search": lambda workers: search_fixed(system, SearchOptions(slots=5000, workers=workers)),
}
for _ in range(rounds + 1):
    seconds = []
    for workers in (1, 2):
        start = time.perf_counter()
        calls[what](workers)
        seconds.append(time.perf_counter() - start)
    print(*seconds, flush=True)
"""
REQUIRED = {
    "slots": ("200,000 slots by two workers", 1.7),
    "fresh": ("200,000 slots into fresh arrays by two workers", 1.7),
    "certified": ("200,000 slots with certificates by two workers", 1.7),
    "systems": ("256 systems by two workers", 1.4),
    "search": ("search for best-fixed by two workers", 1.4),
}


@pytest.mark.skipif(len(CORES) < 2, reason="one core")
@pytest.mark.parametrize("what", REQUIRED)
def test_two_workers_beside_one(record, what):
    cores = ",".join(map(str, CORES))
    free = f"import os; os.sched_setaffinity(0, {{{cores}}})\n"  # undoes what conftest.py does
    command = [sys.executable, "-c", free + SCRIPT, what, str(ROUNDS[what]), str(SLOTS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rounds = [tuple(map(float, line.split())) for line in done.stdout.splitlines()][1:]
    name, least = REQUIRED[what]
    for workers, seconds in zip(("one worker", "two workers"), zip(*rounds, strict=True), strict=True):
        record.time(f"{name}, beside one", workers, median(seconds), "call")
    ratio = median(one / two for one, two in rounds)
    record.require(f"{name}: faster than one worker", f">= {least}x", f"{ratio:.2f}x", ratio >= least)
