"""`lyaopt solve-slot --stream`: one answer for each line, in order and without delay."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading

import psutil
import pytest

from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import format_solution
from lyaopt.slot.solve import solve_slot
from lyaopt_cli.main import run
from lyaopt_cli.support import input_files as files
from tests.support.slot_text import (
    EXAMPLE,
    command,
    example,
    interpreted,
    use_stdin,
    with_literal,
    with_repeated,
)

GOOD = json.dumps(EXAMPLE)
BAD = [
    (with_literal(("devices", 1, "channel_gain"), "-3"), "$.devices[1].channel_gain", "got -3"),
    (with_literal(("edge_capacity_hz",), "NaN"), "$.edge_capacity_hz", "got NaN"),
    (with_literal(("edge_capacity_hz",), "1e400"), "$.edge_capacity_hz", "got Infinity"),
    (with_repeated(("devices", 0, "services", 1, "id")), "$.devices[0].services[1].id", "duplicate key"),
    ("{", "$", "syntax error"),
    ("[" * 100_000, "$", "nested"),
    ("3", "$", "expected an object"),
]


def stream(capsysbinary, monkeypatch, content: bytes, *options: str) -> tuple[int, list[bytes]]:
    use_stdin(monkeypatch, content)
    status = run(["solve-slot", "--stream", *options])
    captured = capsysbinary.readouterr()
    assert captured.err == b""
    assert captured.out.endswith(b"\n") or captured.out == b""
    return status, captured.out.splitlines()


def numbered(count: int) -> list[str]:
    """Documents that differ by the name of their first device."""
    documents = [example() for _ in range(count)]
    for index, document in enumerate(documents):
        document["devices"][0]["id"] = f"number {index}"
    return [json.dumps(document) for document in documents]


def test_answers_are_those_of_single_documents_in_order(capsysbinary, monkeypatch):
    lines = numbered(20)
    status, answers = stream(capsysbinary, monkeypatch, "\n".join(lines).encode())
    assert status == 0
    assert answers == [format_solution(solve_slot(parse_slot_document(line))) for line in lines]


def test_a_file_is_a_stream_too(tmp_path, capsysbinary):
    path = tmp_path / "slots.ndjson"
    path.write_text(f"{GOOD}\n{GOOD}\n")
    assert run(["solve-slot", "--stream", "--method", "bisection", str(path)]) == 0
    expected = format_solution(solve_slot(parse_slot_document(GOOD), "bisection"))
    assert capsysbinary.readouterr().out.splitlines() == [expected] * 2


def test_an_empty_stream_has_no_answers(capsysbinary, monkeypatch):
    assert stream(capsysbinary, monkeypatch, b"") == (0, [])


def test_blank_lines_are_counted_and_skipped(capsysbinary, monkeypatch):
    status, answers = stream(capsysbinary, monkeypatch, f"\n \t\r\n{GOOD}\r\n\n[]".encode())
    assert status == 1
    assert json.loads(answers[0])["status"] == "optimal"
    assert json.loads(answers[1])["line"] == 5
    assert len(answers) == 2


@pytest.mark.parametrize(("text", "path", "error"), BAD, ids=[path + error for _, path, error in BAD])
def test_a_bad_line_is_answered_and_the_stream_continues(capsysbinary, monkeypatch, text, path, error):
    status, answers = stream(capsysbinary, monkeypatch, f"{GOOD}\n{text}\n{GOOD}\n".encode())
    assert status == 1
    before, bad, after = map(json.loads, answers)
    assert list(bad) == ["status", "line", "path", "error"]
    assert (bad["status"], bad["line"], bad["path"]) == ("error", 2, path)
    assert error in bad["error"]
    assert before == after
    assert after["status"] == "optimal"


def test_a_line_of_invalid_utf8_is_answered(capsysbinary, monkeypatch):
    status, answers = stream(capsysbinary, monkeypatch, b'{"\xff": 1}\n' + GOOD.encode())
    assert status == 1
    assert json.loads(answers[0])["error"] == "expected UTF-8, got byte 0xff at offset 2"
    assert json.loads(answers[1])["status"] == "optimal"


@pytest.mark.parametrize("ending", [b"\n", b""])
@pytest.mark.parametrize("length", [3, 4, 5, 6, 70_000, 200_001])
def test_lines_are_bounded(monkeypatch, length, ending):
    monkeypatch.setattr(files, "MAX_LINE_BYTES", 4)
    use_stdin(monkeypatch, b"ab\n" + b"x" * length + ending)
    expected = b"x" * length + ending if length <= 4 else None
    assert [line for lines in files.line_batches("-") for line in lines] == [b"ab\n", expected]


def test_the_line_after_a_long_one_is_whole(monkeypatch):
    monkeypatch.setattr(files, "MAX_LINE_BYTES", 4)
    use_stdin(monkeypatch, b"x" * 100_000 + b"\nab\n" + b"y" * 5 + b"\n" + b"z" * 4)
    assert [line for lines in files.line_batches("-") for line in lines] == [None, b"ab\n", None, b"zzzz"]


def test_a_document_over_several_lines_gets_a_hint_on_streams(monkeypatch, capsysbinary):
    use_stdin(monkeypatch, json.dumps(json.loads(GOOD), indent=2).encode())
    assert run(["solve-slot", "--stream"]) == 1
    answers = [json.loads(line)["error"] for line in capsysbinary.readouterr().out.splitlines()]
    assert "one document per line" in answers[0]
    assert not any("one whole document" in answer for answer in answers[1:])


# --- as a process


@pytest.fixture
def process():
    running = subprocess.Popen(
        command("solve-slot", "--stream"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=interpreted(),
    )
    # A process that waits forever fails the test instead of blocking it.
    watchdog = threading.Timer(60, running.kill)
    watchdog.start()
    yield running
    watchdog.cancel()
    running.kill()
    running.wait()
    for pipe in (running.stdin, running.stdout, running.stderr):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def test_each_answer_comes_before_the_next_line_is_sent(process):
    for index, line in enumerate(numbered(3)):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["devices"][0]["id"] == f"number {index}"
    process.stdin.close()
    assert process.wait() == 0


def test_an_interrupt_is_status_130_without_a_traceback(process):
    process.stdin.write(GOOD.encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert process.stderr.read().strip() == b""


def test_a_closed_pipe_is_status_141(process):
    process.stdin.write(GOOD.encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    process.stdout.close()
    process.stdin.write(GOOD.encode() + b"\n")
    process.stdin.flush()
    assert process.wait() == 141
    assert process.stderr.read() == b""


def test_a_line_of_a_gigabyte_is_read_with_bounded_memory(process):
    chunk = b" " * 2**24
    watched = psutil.Process(process.pid)
    largest = 0
    for _ in range(64):
        process.stdin.write(chunk)
        largest = max(largest, watched.memory_info().rss)
    process.stdin.write(b"\n" + GOOD.encode())
    process.stdin.close()
    first, second = map(json.loads, process.stdout.read().splitlines())
    assert process.wait() == 1
    assert first["line"] == 1
    assert str(files.MAX_LINE_BYTES) in first["error"]
    assert second["status"] == "optimal"
    # The interpreter and NumPy take about 50 MB, a line at most a few times its limit.
    assert largest < 2**28
