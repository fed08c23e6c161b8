"""`lyaopt serve`: a solver for another process, over a pipe."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from typing import Any

import click

from lyaopt_cli.files import MAX_LINE_BYTES

_CHUNK = 2**16
TIMED_OUT = 1
CLOSED_PIPE = 141


@click.command("serve")
@click.option("--stdio", is_flag=True, required=True, help="Talk over standard input and output.")
@click.option(
    "--method",
    type=click.Choice(["exact", "bisection"]),
    default="exact",
    show_default=True,
    help="Algorithm.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.0, min_open=True),
    metavar="SECONDS",
    help="End if no request comes for so long (default: wait for ever).",
)
def command(stdio: bool, method: str, timeout: float | None) -> int:
    """Solve slots for another process.

    The first line says who answers: {"lyaopt": VERSION, "protocol": 1, ...}. After that every line
    {"sequence": N, "slot": {...}} of the input is answered by one line with the same number, in order: the
    solution document, or {"sequence": N, "status": "error", "path": ..., "error": ...}.

    \b
    Example:
      lyaopt serve --stdio --timeout 60

    \b
    Exit status: 0 the input ended, 1 no request came in time, 141 the output was closed.
    """
    from lyaopt.documents import encode
    from lyaopt.requests import PROTOCOL

    greeting = {"protocol": PROTOCOL, "capabilities": ["slot"], "method": method, **_made_by()}
    if not _write(encode(greeting) + b"\n"):
        return _closed(None)
    try:
        for number, line in enumerate(_lines(timeout), start=1):
            if line.strip() and not _write(_answer(line, number, method)):
                return _closed(number)
    except TimeoutError:
        print(f"lyaopt serve: no request within {timeout:g} s", file=sys.stderr)
        return TIMED_OUT
    return 0


def _made_by() -> dict[str, Any]:
    from lyaopt.simulate.results import versions

    return {name: value for name, value in versions().items() if name in ("lyaopt", "core")}


def _closed(number: int | None) -> int:
    what = "the greeting" if number is None else f"the answer to line {number}"
    print(f"lyaopt serve: the peer closed its end before {what} was read", file=sys.stderr)
    return CLOSED_PIPE


def _answer(line: bytes, number: int, method: str) -> bytes:
    """The line that answers a request, with its end."""
    from lyaopt.documents import encode, encode_solution
    from lyaopt.problem import ProblemError
    from lyaopt.requests import read_request, sequence_of
    from lyaopt.slot import solve_slot

    try:
        if len(line) > MAX_LINE_BYTES:
            raise ProblemError("$", f"expected at most {MAX_LINE_BYTES} bytes in a line, got more")
        request = read_request(line)
        text = encode_solution(solve_slot(request.problem, method))
        return b'{"sequence":%d,%b\n' % (request.sequence, text[1:])
    except ProblemError as error:
        problem = {"sequence": sequence_of(line), "status": "error", "line": number}
        return encode(problem | {"path": error.path, "error": error.reason}) + b"\n"


def _lines(timeout: float | None) -> Iterator[bytes]:
    """Lines of standard input as they come, the last one whole or not; no longer kept than can be answered.

    Read without Python's buffers: `select` knows nothing of what waits in these.
    """
    descriptor, kept = sys.stdin.fileno(), b""
    while True:
        if timeout is not None and not select.select([descriptor], [], [], timeout)[0]:
            raise TimeoutError
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            if kept.strip():
                yield kept
            return
        if b"\n" not in chunk:
            if len(kept) <= MAX_LINE_BYTES:
                kept += chunk
            continue
        *whole, rest = (kept + chunk).split(b"\n")
        yield from whole
        kept = rest


def _write(line: bytes) -> bool:
    """Write to standard output at once; False if nobody reads there any more."""
    try:
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]
    except BrokenPipeError:
        return False
    return True
