"""Many items at the edge, and whole batches, against commit 90e93f2: two processes that take turns.

``LYAOPT_OLD`` is the command that starts Python with that commit installed, for example
``LYAOPT_OLD=/old/.venv/bin/python make bench``. Without it only the times of this version are recorded.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).with_name("old_and_new.py")
ROUNDS = 6
TIMES_FASTER = {"edge": 3.0, "batch": 2.2}


def measured(what: str, commands: list[list[str]]) -> list[dict[str, float]]:
    """Least times in ns a slot of each case, of every command."""
    workers = [
        subprocess.Popen([*command, WORKER, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    least: list[dict[str, float]] = [{} for _ in workers]
    for _ in range(ROUNDS):
        for worker, times in zip(workers, least, strict=True):
            print(file=worker.stdin, flush=True)
            for case, nanoseconds in json.loads(worker.stdout.readline()).items():
                times[case] = min(nanoseconds, times.get(case, nanoseconds))
    for worker in workers:
        worker.communicate()
    return least


@pytest.mark.parametrize("what", TIMES_FASTER)
def test_against_an_older_commit(record, what):
    old = shlex.split(os.environ.get("LYAOPT_OLD", ""))
    times = measured(what, [[sys.executable], *([old] if old else [])])
    for case, nanoseconds in times[0].items():
        if not old:
            record.time(f"Regimes, {what}", f"lyaopt, {case}", 1e-9 * nanoseconds, "slot")
            continue
        record.time(f"Regimes, {case}", "lyaopt", 1e-9 * nanoseconds, "slot")
        record.time(f"Regimes, {case}", "90e93f2", 1e-9 * times[1][case], "slot")
    sizes = dict.fromkeys(case.rpartition(", ")[0] for case in times[0])
    for size in sizes if old else ():
        ratios = [times[1][case] / times[0][case] for case in times[0] if case.startswith(f"{size},")]
        bound = TIMES_FASTER[what]
        measure = f"{min(ratios):.2f} to {max(ratios):.2f}"
        record.require(f"{size}: times faster than 90e93f2", f">= {bound}", measure, min(ratios) >= bound)
