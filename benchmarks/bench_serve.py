"""Round trips of one certified slot to a server, beside an echo of the same bytes; and the load it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.conftest import CORES
from benchmarks.serving import CONTENDERS, SLOTS, process
from lyaopt.installation import c_flags

ROOT = Path(__file__).parent.parent
COUNT = int(os.environ.get("LYAOPT_BENCH_TRIPS", "19200"))
SHARES = {"median": 0.5, "p99": 0.99, "p99.9": 0.999, "slowest": 1.0}
MOST = 3.0
SIZES = [(4, 2), (100, 4)]
ECHO, _, FRAMES, CLIENT = CONTENDERS[:4]


def run(*arguments: str) -> bytes:
    cores = ",".join(map(str, CORES))
    command = [sys.executable, "-m", "benchmarks.serving", *arguments]
    environment = os.environ | {"LYAOPT_BENCH_CORES": cores}
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize(("devices", "services"), SIZES)
def test_round_trips(record, devices, services):
    seconds = np.frombuffer(run("turns", str(devices), str(services), str(COUNT)))
    turns = dict(zip(CONTENDERS, seconds.reshape(len(CONTENDERS), -1, SLOTS), strict=True))
    group = f"One certified slot over a Unix socket, M = {devices}, N = {services}"
    for share, quantile in SHARES.items():
        for contender, rows in turns.items():
            record.time(f"{group}, {share}", contender, float(np.nanquantile(rows, quantile)), "trip")
    # of the least trips of each turn: the machine may be shared
    echo = turns[ECHO].min(axis=1)
    for name, words in ((FRAMES, "a slot in binary frames"), (CLIENT, "a slot by lyaopt.serve.Client")):
        ratio = float(np.median(turns[name].min(axis=1) / echo))
        what = f"{words}, M = {devices}, N = {services}, in times of an echo of its request"
        met = ratio <= MOST or devices > SIZES[0][0]
        bound = f"<= {MOST:g}x" if devices == SIZES[0][0] else "-"
        record.require(what, bound, f"{ratio:.2f}x", met)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize("clients", [1, 4, 16])
def test_load(record, tmp_path, clients):
    """Requests a second of clients in C, each of which sends its next slot when it has its answer."""
    client, path = tmp_path / "client", str(tmp_path / "solver")
    source = ROOT / "examples" / "c" / "serve_client.c"
    subprocess.run(["cc", "-O2", str(source), c_flags(), "-o", str(client)], check=True)
    if CORES:
        os.sched_setaffinity(0, CORES)
    try:
        with process("lyaopt_cli", "serve", "--socket", path, "--log-level", "error"):
            seconds = min(seconds_of(client, path, clients, max(20_000 // clients, 1)) for _ in range(5))
    finally:
        if CORES:
            os.sched_setaffinity(0, {min(CORES)})
    record.time("Load of a server, M = 4, N = 2, clients in C", f"{clients} clients", seconds, "slot")


def seconds_of(client: Path, path: str, clients: int, slots: int) -> float:
    start = time.perf_counter()
    running = [
        subprocess.Popen([client, path, str(slots)], stdout=subprocess.DEVNULL) for _ in range(clients)
    ]
    assert not any(process.wait() for process in running)
    return (time.perf_counter() - start) / (clients * slots)
