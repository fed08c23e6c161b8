"""`lyaopt serve`: a solver for other processes, over sockets or a pipe."""

from __future__ import annotations

import math
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from lyaopt_cli.support.input_files import MAX_LINE_BYTES
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import SECONDS, method_option

_CHUNK = 2**16
_SMALLEST = (
    b'{"slot_duration_s":1,"bandwidth_hz":1,"edge_capacity_hz":1,"energy_coefficient":1,"energy_weight_local":1,'
    b'"energy_weight_transmit":1,"devices":[{"cpu_capacity_hz":1,"max_power_w":1,"channel_gain":1,"services":'
    b'[{"local_queue_cycles":1,"transmit_queue_bits":1,"edge_queue_cycles":1}]}]}'
)
_TURN_S = 1e-4
"""How long a long line of one client, in a thread of its own, may keep others from their turn, in seconds."""
TIMED_OUT = 1
CLOSED_PIPE = 141


_DURATIONS: dict[str, Any] = {"type": SECONDS, "metavar": "SECONDS"}
_BYTES: dict[str, Any] = {"type": click.IntRange(2**10, 2**26), "metavar": "BYTES", "show_default": True}


@new_command("serve", "Solve slots for other processes, over sockets or a pipe")
@click.option("--stdio", is_flag=True, help="Communicate over standard input and output.")
@click.option("--socket", "path", metavar="PATH", help="Listen on a Unix socket.")
@click.option("--listen", "address", metavar="HOST:PORT", help="Listen on TCP, such as 127.0.0.1:7411.")
@method_option
@click.option(
    "--timeout", help="End a pipe, or disconnect a client, without a request for so long.", **_DURATIONS
)
@click.option(
    "--patience",
    default=10.0,
    show_default=True,
    help="For halves of requests, and slow readers.",
    **_DURATIONS,
)
@click.option(
    "--grace", default=5.0, show_default=True, help="For the last answers after a signal.", **_DURATIONS
)
@click.option(
    "--most-clients", type=click.IntRange(1, 10_000), default=64, show_default=True, help="At once."
)
@click.option("--largest-frame", default=2**20, help="Of a payload.", **_BYTES)
@click.option("--largest-line", default=2**17, help="Of a line of JSON.", **_BYTES)
@click.option("--metrics", metavar="PATH|unix:PATH", help="Prometheus's text, as a file or on a Unix socket.")
@click.option("--metrics-every", default=10.0, show_default=True, help="Between two files.", **_DURATIONS)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Least that is logged.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of standard error.",
)
def command(
    stdio: bool, path: str | None, address: str | None, method: str, timeout: float | None, **more: Any
) -> int:
    """Solve slots for other processes.

    With --socket or --listen, several clients at once: each configures its system once and then sends
    backlogs and channel gains only, in binary frames or lines of JSON. SIGTERM and SIGINT end it, after what
    was received is answered.

    With --stdio, one client: the first line of the output names version and protocol, {"lyaopt": VERSION,
    "protocol": 1, ...}. Each line {"sequence": N, "slot": {...}} of the input is then answered by one line
    with the same number, in order: the solution document, or {"sequence": N, "status": "error", "path": ...,
    "error": ...}.

    \b
    Examples:
      lyaopt serve --socket /run/lyaopt/solver.sock
      lyaopt serve --listen 127.0.0.1:7411 --metrics unix:/run/lyaopt/metrics.sock
      lyaopt serve --stdio --timeout 60

    \b
    Exit status: 0 stopped by a signal, or the input ended, 1 no request came
    in time, 2 the socket is taken, 141 output closed.
    """
    if stdio == (path is not None or address is not None):
        raise click.UsageError("expected either --stdio, or --socket or --listen or both")
    from lyaopt.io.fast_json import use_pydantic

    use_pydantic()
    if not stdio and method != "exact":
        raise click.UsageError("--method is for --stdio: on sockets it is exact")
    _compile_kernels(method)
    if stdio:
        return _serve_pipe(method, timeout)
    _compile_for_frames()
    return _serve_sockets(path, address, timeout, more)


def _serve_sockets(path: str | None, address: str | None, timeout: float | None, more: dict[str, Any]) -> int:
    import asyncio
    from pathlib import Path

    from lyaopt.io.json_lines import encode
    from lyaopt.serve.frames import HIGHEST_VERSION
    from lyaopt.serve.running import serve
    from lyaopt.serve.server import Limits
    from lyaopt_cli.support.service_log import start_log

    start_log(more["log_level"], more["log_format"])
    limits = Limits(
        more["largest_frame"],
        more["largest_line"],
        more["most_clients"],
        more["patience"],
        timeout,
        more["grace"],
    )
    metrics = None if more["metrics"] is None else (more["metrics"], more["metrics_every"])

    def ready(places: dict[str, str]) -> None:
        _write(encode({"protocol": HIGHEST_VERSION, **places, **_versions()}) + b"\n")

    sys.setswitchinterval(_TURN_S)
    asyncio.run(serve(None if path is None else Path(path), address, limits, metrics, ready))
    return 0


def _serve_pipe(method: str, timeout: float | None) -> int:
    from lyaopt.io.json_lines import encode
    from lyaopt.serve.protocol import PROTOCOL

    answer = _answer_function(method)
    greeting = {"protocol": PROTOCOL, "capabilities": ["slot"], "method": method, **_versions()}
    if not _write(encode(greeting) + b"\n"):
        return _closed(None)
    try:
        for number, line in enumerate(_lines(timeout), start=1):
            if line.strip() and not _write(answer(line, number)):
                return _closed(number)
    except TimeoutError:
        print(f"lyaopt serve: no request within {timeout:g} s", file=sys.stderr)
        return TIMED_OUT
    return 0


def _compile_kernels(method: str) -> None:
    """Solve one slot before the greeting, which compiles kernels that were not built."""
    from lyaopt.slot.documents import parse_slot_document
    from lyaopt.slot.solve import solve_slot

    solve_slot(parse_slot_document(_SMALLEST), method)


def _compile_for_frames() -> None:
    from lyaopt.slot.byte_solver import ByteSolver
    from lyaopt.slot.documents import parse_slot_document

    solver = ByteSolver(parse_slot_document(_SMALLEST))
    solver.solve_bytes(bytes(solver.weighted_bytes))


def _versions() -> dict[str, str]:
    from lyaopt import __version__
    from lyaopt._kernels.toolchain.core_choice import CHOICE

    return {"lyaopt": __version__, "core": CHOICE.core}


def _closed(number: int | None) -> int:
    what = "the greeting" if number is None else f"the answer to line {number}"
    print(f"lyaopt serve: the peer closed its end before {what} was read", file=sys.stderr)
    return CLOSED_PIPE


def _answer_function(method: str) -> Callable[[bytes, int], bytes]:
    """Function from a request and its line number to the answer, with its newline."""
    from lyaopt.errors import ProblemError
    from lyaopt.io.json_lines import encode
    from lyaopt.serve.protocol import parse_request, sequence_of
    from lyaopt.slot.solution_documents import format_solution
    from lyaopt.slot.solve import solve_slot

    def answer(line: bytes, number: int) -> bytes:
        try:
            if len(line) > MAX_LINE_BYTES:
                raise ProblemError("$", f"expected at most {MAX_LINE_BYTES} bytes in a line, got more")
            request = parse_request(line)
            text = format_solution(solve_slot(request.problem, method))
            return b'{"sequence":%d,%b\n' % (request.sequence, text[1:])
        except ProblemError as error:
            problem = {"sequence": sequence_of(line), "status": "error", "line": number}
            return encode(problem | {"path": error.path, "error": error.reason}) + b"\n"

    return answer


def _lines(timeout: float | None) -> Iterator[bytes]:
    """Lines of standard input as they arrive, and the text after the last newline.

    A line beyond `MAX_LINE_BYTES` is cut off, long enough to be refused. Read without Python's buffers,
    whose content `poll` does not see. `TimeoutError` if no whole line that is not empty comes within the
    timeout: bytes alone are no request.
    """
    descriptor, kept, length = sys.stdin.fileno(), [b""], 0
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    deadline = _deadline(timeout)
    while True:
        _wait(ready, deadline)
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            yield b"".join(kept)
            return
        if b"\n" not in chunk:
            if length <= MAX_LINE_BYTES:
                kept.append(chunk)
                length += len(chunk)
            continue
        first, *whole = chunk.split(b"\n")
        lines = [b"".join([*kept, first]), *whole[:-1]]
        yield from lines
        kept, length = whole[-1:], len(whole[-1])
        if any(map(bytes.strip, lines)):
            deadline = _deadline(timeout)  # what the solver takes does not count


def _deadline(timeout: float | None) -> float:
    return math.inf if timeout is None else time.monotonic() + timeout


def _wait(ready: select.poll, deadline: float) -> None:
    """Wait for input; `TimeoutError` after the deadline, also if there is some."""
    left = deadline - time.monotonic()
    if left <= 0.0 or not ready.poll(None if left == math.inf else 1e3 * left):
        raise TimeoutError


def _write(line: bytes) -> bool:
    """Write to standard output unbuffered; False if the pipe is closed."""
    try:
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]
    except BrokenPipeError:
        return False
    return True
