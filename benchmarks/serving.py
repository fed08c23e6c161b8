"""Round trips to servers, one after the other in turn: what `bench_serve.py` times, in processes of its own.

    python -m benchmarks.serving echo PATH
    python -m benchmarks.serving turns DEVICES SERVICES COUNT

The second starts an echo of the design of `lyaopt serve` and a server, and writes the seconds of each round
trip as doubles, a row for each contender; NaN where it was left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.data import problems
from lyaopt import SlotProblem
from lyaopt.serve import SolverPipe, connect, frames
from lyaopt.serve.client import PeerGoneError
from lyaopt.serve.system_frames import SystemFrames, write_frame
from lyaopt.slot.byte_solver import bytes_of
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS

CONTENDERS = (
    "an echo of the request",
    "an echo of the answer",
    "lyaopt serve, binary frames",
    "lyaopt.serve.Client",
    "lyaopt serve, lines of JSON",
    "lyaopt serve --stdio",
)
SLOTS = 64
CORES: list[int] = []
"""Cores of this process, where processes can be kept to some."""
TEXTS = {4, 5}
"""Contenders that are slow: they have every eighth turn."""
DEVICE_NAMES = ("cpu_capacity_hz", "max_power_w", "channel_gain")
FIELDS = (*QUEUE_FIELDS, "channel_gain")


class Echo(asyncio.BufferedProtocol):
    """Sends back what comes, from the buffer into which it came, as the server does with its answers."""

    def __init__(self) -> None:
        self._buffer = bytearray(2**17)
        self._view = memoryview(self._buffer)
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._transport.write(self._view[:nbytes])


async def echo(path: str) -> None:
    """Listen until the process is ended."""
    await asyncio.get_running_loop().create_unix_server(Echo, path)
    print("ready", flush=True)
    await asyncio.Event().wait()


def keep_to(place: int) -> None:
    """Keep this process, and those that it starts, to one of its cores: the first (0) or the last (-1).

    Client and servers that share a core find it awake, and others do not: which of them do is left to chance.
    """
    if CORES:
        os.sched_setaffinity(0, {CORES[place]})


@contextmanager
def process(*command: str) -> Iterator[None]:
    """Run a module of Python until the block ends; it has begun when it has written a line."""
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE) as running:
        try:
            if not running.stdout.readline():
                raise PeerGoneError(" ".join(command))
            yield
        finally:
            running.terminate()


def round_trip(path: str) -> Callable[[bytes, int], bytearray]:
    """Return a function that sends bytes and waits for a number of bytes."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    buffer = bytearray(2**17)
    view = memoryview(buffer)

    def exchange(request: bytes, size: int) -> bytearray:
        connection.sendall(request)
        count = 0
        while count < size:
            count += connection.recv_into(view[count:])
        return buffer

    return exchange


def line_trip(path: str) -> Callable[[bytes], bytes]:
    """Return a function that sends a line and waits for one."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)

    def exchange(request: bytes) -> bytes:
        connection.sendall(request)
        answer = connection.recv(2**20)
        while not answer.endswith(b"\n"):
            answer += connection.recv(2**20)
        return answer

    return exchange


def document_of(problem: SlotProblem) -> dict:
    """A slot document."""
    scalars = ("slot_duration_s", "energy_coefficient", "energy_weight_local", "energy_weight_transmit")
    document = {name: getattr(problem, name) for name in (*scalars, "edge_capacity_hz")}
    document["bandwidth_hz"] = float(problem.bandwidth_hz.sum())
    document["devices"] = [
        {
            **{name: float(getattr(problem, name)[m]) for name in DEVICE_NAMES},
            "services": [
                {name: float(getattr(problem, name)[m, n]) for name in QUEUE_FIELDS}
                for n in range(problem.local_queue_cycles.shape[1])
            ],
        }
        for m in range(problem.channel_gain.size)
    ]
    return document


def calls(folder: Path, slots: list[SlotProblem], pipe: SolverPipe) -> list[Callable[[int], object]]:
    """One function of the number of a slot for each of `CONTENDERS`."""
    system = SystemFrames(slots[0])
    devices, services = slots[0].local_queue_cycles.shape
    none = dict.fromkeys((*FIELDS, *WEIGHT_FIELDS))
    states = [{name: np.array(getattr(slot, name)) for name in FIELDS} for slot in slots]
    requests = [bytes(system.frame_of(system.next_slot(none | state), 1, 1, 0)) for state in states]
    answer = frames.HEADER_BYTES + bytes_of(devices, services)[2]
    documents = [document_of(slot) for slot in slots]
    listed = [{name: values.tolist() for name, values in state.items()} for state in states]
    lines = [json.dumps({"sequence": 1, "state": state}).encode() + b"\n" for state in listed]
    echoed, solved = (round_trip(str(folder / name)) for name in ("echo", "solver"))
    written = line_trip(str(folder / "solver"))
    written(json.dumps({"sequence": 0, "configure": documents[0]}).encode() + b"\n")
    configuration = write_frame(1, frames.CONFIGURE, 0, system.configuration())
    solved(configuration, frames.HEADER_BYTES + frames.SIZES.size)
    client = connect(folder / "solver")
    client.configure(slots[0])
    large = bytes(answer)
    return [
        lambda i: echoed(requests[i], len(requests[i])),
        lambda i: echoed(large, answer),
        lambda i: solved(requests[i], answer),
        lambda i: client.solve(**states[i]),
        lambda i: written(lines[i]),
        lambda i: pipe.solve(documents[i]),
    ]


def turns(devices: int, services: int, count: int) -> None:
    """Write the seconds of `count` round trips of each contender, which change after `SLOTS` trips."""
    slots = problems(SLOTS, devices, services)
    seconds = np.full((len(CONTENDERS), count // SLOTS, SLOTS), np.nan)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quiet = ("--log-level", "error")
        keep_to(-1)
        with (
            process("benchmarks.serving", "echo", str(folder / "echo")),
            process("lyaopt_cli", "serve", "--socket", str(folder / "solver"), *quiet),
            SolverPipe() as pipe,
        ):
            keep_to(0)
            tasks = calls(folder, slots, pipe)
            for turn in range(-1, count // SLOTS):
                for place, task in enumerate(tasks):
                    if place in TEXTS and turn % 8:
                        continue
                    for i in range(SLOTS):
                        start = time.perf_counter()
                        task(i)
                        end = time.perf_counter()
                        if turn >= 0:
                            seconds[place, turn, i] = end - start
    sys.stdout.buffer.write(seconds.tobytes())


if __name__ == "__main__":
    if cores := os.environ.get("LYAOPT_BENCH_CORES"):  # undoes what conftest.py does
        CORES += sorted(map(int, cores.split(",")))
    if sys.argv[1] == "echo":
        asyncio.run(echo(sys.argv[2]))
    else:
        turns(*map(int, sys.argv[2:]))
