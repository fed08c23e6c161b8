"""`lyaopt serve` and its client: numbers, errors, time limits, and closed pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from lyaopt import ProblemError, __version__
from lyaopt.errors import DocumentError
from lyaopt.serve.client import PeerGoneError, PeerTimeoutError, SolverPipe
from lyaopt.serve.protocol import LARGEST_SEQUENCE, parse_request, sequence_of
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import format_solution
from lyaopt.slot.solve import solve_slot
from lyaopt_cli.main import run
from tests.support.slot_text import EXAMPLE, with_literal, with_repeated

SERVE = [sys.executable, "-m", "lyaopt_cli", "serve", "--stdio"]


def request(sequence=0, slot=EXAMPLE, **more):
    return json.dumps({"sequence": sequence, "slot": slot} | more).encode()


def served(content: bytes, *options: str) -> tuple[int, list[dict], str]:
    """Exit status, lines after the greeting, and stderr of a process with this input."""
    done = subprocess.run([*SERVE, *options], input=content, capture_output=True)
    greeting, *answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert greeting["lyaopt"] == __version__
    assert greeting["protocol"] == 1
    assert greeting["capabilities"] == ["slot"]
    return done.returncode, answers, done.stderr.decode()


def test_requests_are_read_as_documents_are():
    text = json.dumps(EXAMPLE)
    expected = parse_slot_document(text)
    for spelled in (request(7), b' {"slot": ' + text.encode() + b', "sequence" : 7 } '):
        found = parse_request(spelled)
        assert found.sequence == 7
        assert format_solution(solve_slot(found.problem)) == format_solution(solve_slot(expected))


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (b"3", "$", "expected an object, got 3"),
        (b"{", "$", "syntax error"),
        (b'{"sequence": 1}', "$.slot", "missing required key"),
        (request(more=1), "$.more", "unknown key"),
        (request(-1), "$.sequence", "got -1"),
        (request(True), "$.sequence", "got true"),
        (request(1.5), "$.sequence", "got 1.5"),
        (request(LARGEST_SEQUENCE + 1), "$.sequence", f"got {LARGEST_SEQUENCE + 1}"),
        (request()[:-1] + b', "sequence": 2}', "$.sequence", "duplicate key"),
        (request(slot=3), "$.slot", "expected an object"),
        (
            b'{"sequence": 4, "slot": ' + with_literal(("devices", 1, "channel_gain"), "-3").encode() + b"}",
            "$.slot.devices[1].channel_gain",
            "got -3",
        ),
        (
            b'{"sequence": 4, "slot": ' + with_repeated(("devices", 0, "services", 1, "id")).encode() + b"}",
            "$.slot.devices[0].services[1].id",
            "duplicate key",
        ),
    ],
)
def test_bad_requests_name_the_place(text, path, words):
    with pytest.raises(DocumentError) as caught:
        parse_request(text)
    assert caught.value.path == path
    assert words in caught.value.reason


def test_numbers_of_bad_requests_are_found_where_there_are_any():
    assert sequence_of(b'{"sequence": 5, "slot": 3}') == 5
    for text in (b"{", b"3", b"[]", b"{}", b'{"sequence": "5"}', b'{"sequence": -1}', b'{"sequence": true}'):
        assert sequence_of(text) is None


def test_every_line_is_answered_in_order_also_bad_ones():
    lines = [request(3), b"", b'{"sequence": 9, "slot": {}}', b"nonsense", request(1)]
    status, answers, stderr = served(b"\n".join(lines))
    assert (status, stderr) == (0, "")
    assert [answer["sequence"] for answer in answers] == [3, 9, None, 1]
    assert [answer["status"] for answer in answers] == ["optimal", "error", "error", "optimal"]
    assert [answer["line"] for answer in answers[1:3]] == [3, 4]
    assert answers[1]["path"].startswith("$.slot")
    expected = json.loads(format_solution(solve_slot(parse_slot_document(json.dumps(EXAMPLE)))))
    assert answers[0] == {"sequence": 3, **expected}


def test_the_method_is_that_of_the_option():
    _, answers, _ = served(request(), "--method", "bisection")
    expected = json.loads(format_solution(solve_slot(parse_slot_document(json.dumps(EXAMPLE)), "bisection")))
    assert answers == [{"sequence": 0, **expected}]


def test_a_line_that_is_too_long_is_answered_and_the_stream_continues(tmp_path):
    content = b'{"sequence": 1, "slot": "' + b"x" * 20_000_000 + b'"}\n' + request(2) + b"\n"
    status, answers, _ = served(content)
    assert status == 0
    assert [answer["status"] for answer in answers] == ["error", "optimal"]
    assert "bytes in a line" in answers[0]["error"]
    assert answers[1]["sequence"] == 2


def test_serve_ends_after_the_timeout():
    with subprocess.Popen([*SERVE, "--timeout", "0.2"], stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stderr.read() == b"lyaopt serve: no request within 0.2 s\n"
        assert process.wait() == 1


def test_a_peer_that_closed_its_end_is_reported():
    with subprocess.Popen(SERVE, stdin=-1, stdout=-1, stderr=-1) as process:
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(request() + b"\n")
        process.stdin.close()
        stderr = process.stderr.read().decode()
        assert stderr == "lyaopt serve: the peer closed its end before the answer to line 1 was read\n"
        assert process.wait() == 141


def test_stdio_is_required(capsys):
    assert run(SERVE[3:-1]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--stdio" in line


@pytest.fixture
def pipe():
    with SolverPipe(timeout_s=60.0) as solver:
        yield solver


def test_the_client_solves(pipe):
    expected = json.loads(format_solution(solve_slot(parse_slot_document(json.dumps(EXAMPLE)))))
    assert [pipe.solve(EXAMPLE) for _ in range(3)] == [expected] * 3
    assert pipe.greeting["method"] == "exact"


def test_a_refused_slot_is_a_problem_error_and_the_client_continues(pipe):
    with pytest.raises(ProblemError) as caught:
        pipe.solve({**EXAMPLE, "edge_capacity_hz": -1.0})
    assert caught.value.path == "$.edge_capacity_hz"
    assert pipe.solve(EXAMPLE)["status"] == "optimal"


def test_a_killed_solver_is_a_peer_gone_error(pipe):
    os.kill(pipe._process.pid, signal.SIGKILL)
    with pytest.raises(PeerGoneError, match="the solver ended with status -9"):
        pipe.solve(EXAMPLE)


@pytest.mark.parametrize("devices", [4, 2000], ids=["small", "larger than a pipe holds"])
def test_a_solver_that_hangs_is_a_timeout(devices):
    slot = {**EXAMPLE, "devices": [{**EXAMPLE["devices"][0], "id": f"{m}"} for m in range(devices)]}
    with SolverPipe(timeout_s=30.0) as pipe:
        pipe._timeout_s = 0.2
        os.kill(pipe._process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(PeerTimeoutError, match="no answer within the time limit"):
                pipe.solve(slot)
        finally:
            os.kill(pipe._process.pid, signal.SIGCONT)


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], "No such file"),
        (script("import sys; sys.exit('out of order')"), "the solver ended with status 1: out of order"),
        (script("print('{}')"), "expected a solver with protocol 1, got {}"),
        (script("print('{\"protocol\": 2}')"), "expected a solver with protocol 1"),
        (script("print('hello')"), "expected a solver with protocol 1, got 'hello'"),
    ],
)
def test_a_command_that_is_not_a_solver_fails_immediately(command, words):
    with pytest.raises(PeerGoneError) as caught:
        SolverPipe(command, timeout_s=30.0)
    assert words in str(caught.value)


def test_an_answer_to_another_request_is_an_error():
    greeting, other = '{"protocol": 1}', '{"sequence": 8, "status": "optimal"}'
    answers = script(f"print({greeting!r}, flush=True); input(); print({other!r}, flush=True); input()")
    with SolverPipe(answers, timeout_s=30.0) as pipe, pytest.raises(PeerGoneError, match="request 0"):
        pipe.solve(EXAMPLE)


def test_documents_larger_than_a_pipe(pipe):
    devices = [{**EXAMPLE["devices"][0], "id": f"{m}"} for m in range(2000)]
    slot = {**EXAMPLE, "bandwidth_hz": 1e9, "devices": devices}
    assert len(pipe.solve(slot)["devices"]) == 2000


def test_output_on_stderr_does_not_stop_the_solver():
    talks = (
        "import sys; sys.stderr.write('x' * 200_000 + '\\nlast words'); sys.stderr.flush();"
        "print('{\"protocol\": 1}', flush=True); sys.stdin.readline()"
    )
    with (
        SolverPipe(script(talks), start_timeout_s=60.0) as pipe,
        pytest.raises(PeerGoneError, match="last words"),
    ):
        pipe.solve(EXAMPLE)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e30", "soon"])
def test_time_limits_are_seconds(text, capsys):
    assert run([*SERVE[3:], "--timeout", text]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--timeout" in line


def test_closing_ends_the_process():
    pipe = SolverPipe(timeout_s=30.0)
    pipe.close()
    assert pipe._process.returncode in (0, 141)
    pipe.close()


def test_a_process_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr("lyaopt.serve.client._GRACE_S", 0.1)
    stubborn = script("import time; print('{\"protocol\": 1}', flush=True); time.sleep(600)")
    pipe = SolverPipe(stubborn, timeout_s=30.0)
    pipe.close()
    assert pipe._process.returncode == -signal.SIGKILL


def test_bytes_and_empty_lines_are_no_requests(monkeypatch):
    """The deadline is that of a whole request: time passes with every read, and no line comes."""
    for chunk in (b"x", b"\n", b" \n\n"):
        now, reads = [0.0], []

        def read(descriptor, most, chunk=chunk, now=now, reads=reads):
            now[0] += 0.3
            reads.append(chunk)
            return chunk

        lines = served_lines(monkeypatch, read, lambda now=now: now[0])
        with pytest.raises(TimeoutError):
            list(lines)
        assert len(reads) == 4  # 4 x 0.3 s exceed the second


def test_every_request_has_the_whole_time(monkeypatch):
    now, reads = [0.0], []

    def read(descriptor, most):
        now[0] += 0.9
        reads.append(b"x\n" if len(reads) < 20 else b"")
        return reads[-1]

    lines = []
    for line in served_lines(monkeypatch, read, lambda: now[0]):
        now[0] += 100.0  # solving does not count
        lines.append(line)
    assert lines == [b"x"] * 20 + [b""]


def served_lines(monkeypatch, read, clock):
    """Lines of `lyaopt serve --timeout 1` with other functions for reading and the time."""
    from lyaopt_cli.commands import serve

    monkeypatch.setattr(serve.sys, "stdin", type("Input", (), {"fileno": lambda self: 0})())
    poll = type("Poll", (), {"register": lambda self, *_: None, "poll": lambda self, left: [(0, 1)]})
    monkeypatch.setattr(serve.select, "poll", poll)
    monkeypatch.setattr(serve.os, "read", read)
    monkeypatch.setattr(serve.time, "monotonic", clock)
    return serve._lines(1.0)
