"""A server from its start to its end: sockets that others left or hold, signals, metrics, log."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from contextlib import ExitStack

import pytest

from lyaopt.serve import PeerGoneError, connect, connect_async, frames
from lyaopt.serve.metrics import BUCKETS_S, Metrics
from lyaopt.serve.places import AddressError, parse_address
from lyaopt.serve.running import serve
from lyaopt.serve.server import SolverServer
from lyaopt.serve.sockets import bind_path, is_loopback
from lyaopt_cli.main import run
from lyaopt_cli.support.service_log import Throttle
from tests.support.solver_server import (
    answer,
    ask,
    connected,
    frame,
    is_closed,
    ping_works,
    received,
    running,
    wait_for,
)


@pytest.fixture
def refused(capsys):
    """A function that starts a server here, which must not start; returns the line on stderr."""
    interval = sys.getswitchinterval()

    def line(*options: str) -> str:
        assert run(["serve", *options]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        (text,) = [text for text in printed.err.splitlines() if " warning " not in text]
        return text

    yield line
    sys.setswitchinterval(interval)


# --- sockets


def test_the_socket_of_a_dead_server_is_replaced(tmp_path):
    with running(tmp_path) as server:
        server.process.kill()
        server.process.wait()
        assert (tmp_path / "s").is_socket()
        with running(tmp_path) as second:
            assert ping_works(second.path)
            assert second.stop() == 0
    assert not (tmp_path / "s").exists()


def test_the_socket_of_a_living_server_is_left_to_it(tmp_path, refused):
    with running(tmp_path) as server:
        line = refused("--socket", server.path)
        assert line == f"lyaopt: {server.path}: another server listens there"
        assert ping_works(server.path)
        server.process.send_signal(signal.SIGSTOP)  # also of one that does not answer
        assert "another server" in refused("--socket", server.path)
        server.process.send_signal(signal.SIGCONT)
        assert ping_works(server.path)


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_is_left_alone(tmp_path, kind, refused):
    place = tmp_path / "s"
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(tmp_path / "elsewhere")
    assert refused("--socket", str(place)) == f"lyaopt: {place}: exists, and is no socket"
    assert place.is_symlink() or place.exists()
    assert kind != "file" or place.read_text() == "mine"


def test_a_socket_of_somebody_else_is_not_removed_at_the_end(tmp_path):
    with running(tmp_path) as server:
        place = tmp_path / "s"
        place.rename(tmp_path / "moved")
        place.write_text("mine")
        assert ping_works(str(tmp_path / "moved"))
        assert server.stop() == 0
        assert place.read_text() == "mine"


def test_impossible_paths_and_addresses(tmp_path, refused):
    assert "too long" in refused("--socket", str(tmp_path / ("x" * 200)))
    assert "No such file" in refused("--socket", str(tmp_path / "none" / "s"))
    for text in ("7411", "localhost", "127.0.0.1:", ":80", "127.0.0.1:x", "127.0.0.1:70000", "::1:80"):
        assert "expected HOST:PORT" in refused("--listen", text)
    with running(tmp_path, "--listen", "127.0.0.1:0", socket_path=None) as server:
        assert "in use" in refused("--listen", server.ready["listen"])
        # what was bound before the address was refused is not left behind
        refused("--socket", str(tmp_path / "both"), "--listen", server.ready["listen"])
        assert not (tmp_path / "both").exists()


def test_names_that_no_host_can_have(refused):
    assert f"lyaopt: {'x' * 100}:80: " in refused("--listen", "x" * 100 + ":80")
    assert "expected HOST:PORT" in refused("--listen", "localhost:" + "1" * 5000)
    with pytest.raises(PeerGoneError):
        connect(("x" * 100, 80))
    with pytest.raises(PeerGoneError):
        asyncio.run(connect_async(("x" * 100, 80)))


@pytest.mark.parametrize(
    "options", [[], ["--stdio", "--socket", "x"], ["--stdio", "--listen", "localhost:0"]]
)
def test_a_transport_must_be_chosen(options, refused):
    assert "expected either --stdio, or --socket or --listen" in refused(*options)


def test_the_method_is_for_pipes(refused):
    assert "--stdio" in refused("--socket", "x", "--method", "bisection")


def test_addresses_are_read():
    assert parse_address("127.0.0.1:7411") == ("127.0.0.1", 7411)
    assert parse_address("[::1]:0") == ("::1", 0)
    assert parse_address("host.example:80") == ("host.example", 80)
    for text in ("", ":", "a", "a:b", "[::1]", "::1:80", "a:-1", "a:²"):
        with pytest.raises(AddressError):
            parse_address(text)
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org")] == [False] * 4


def test_an_address_beyond_loopback_is_warned_of(tmp_path):
    with running(tmp_path, "--listen", "0.0.0.0:0", socket_path=None) as server:
        assert any("warning" in line and "0.0.0.0" in line for line in server.log_lines())
    with running(tmp_path, "--listen", "127.0.0.1:0", socket_path=None) as server:
        (tmp_path / "log").write_text("")
        assert not any("warning" in line for line in server.log_lines())


# --- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_received_is_answered_before_the_end(tmp_path, number):
    count = 3000
    with running(tmp_path, "--listen", "127.0.0.1:0") as server:
        host, port = server.ready["listen"].split(":")
        clients = [connected(server.path), connected((host, int(port))), connected(server.path)]
        for client in clients:
            ask(client, frame(frames.PING))
        server.process.send_signal(signal.SIGSTOP)
        for client in clients[:2]:
            client.sendall(b"".join(frame(frames.PING, number=n) for n in range(count)))
        clients[2].sendall(frame(frames.PING)[:20])  # half of one does not hold it up
        server.process.send_signal(number)
        server.process.send_signal(signal.SIGCONT)
        for client in clients[:2]:
            assert [answer(client)[0].number for _ in range(count)] == list(range(count))
        assert all(map(is_closed, clients))
        assert server.process.wait(60) == 0
        assert not (tmp_path / "s").exists()
        assert server.log_lines()[-1].endswith("stopped")
        for client in clients:
            client.close()


def test_a_first_line_that_was_not_read_is_answered_before_the_end(tmp_path):
    async def stop_at_once():
        server = SolverServer()
        await server.start([bind_path(tmp_path / "s")])
        client.connect(str(tmp_path / "s"))
        client.sendall(b'{"sequence": 1, "ping": {}}\n')
        while not server._clients:
            await asyncio.sleep(0)
        await server.stop()

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        asyncio.run(stop_at_once())
        assert json.loads(received(client, 2**14))["status"] == "ok"


def test_the_next_server_may_start_before_the_last_one_has_ended(tmp_path):
    """While the last one still waits for a client that does not read, its places are free."""
    options = ["--metrics", f"unix:{tmp_path / 'm'}", "--grace", "1000"]
    with running(tmp_path, *options) as last, connected(last.path) as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sendall(frame(frames.PING) * 100_000)
        last.process.terminate()
        wait_for(lambda: not (tmp_path / "s").exists())
        with bind_path(tmp_path / "s"):
            client.close()
            assert last.process.wait(60) == 0
            assert (tmp_path / "s").exists()
    assert not (tmp_path / "m").exists()


def test_a_server_that_does_not_start_leaves_no_sockets(tmp_path, monkeypatch):
    async def fail(self, sockets):
        raise OSError("no")

    monkeypatch.setattr(SolverServer, "start", fail)
    with pytest.raises(OSError, match="no"):
        asyncio.run(serve(tmp_path / "s", None, metrics=(f"unix:{tmp_path / 'm'}", 1.0)))
    assert not list(tmp_path.iterdir())


def test_who_does_not_read_does_not_hold_up_the_end(tmp_path):
    with running(tmp_path, "--grace", "0.3") as server, connected(server.path) as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sendall(frame(frames.PING) * 100_000)
        assert server.stop() == 0


def test_a_supervisor_is_told(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(60.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with running(tmp_path) as server:
            assert notified.recv(100) == b"READY=1"
            assert ping_works(server.path)
            assert server.stop() == 0
            assert notified.recv(100) == b"STOPPING=1"


# --- metrics


def samples(text: str) -> dict[str, float]:
    """Samples by name and labels; every line must be one, or a comment of Prometheus's format."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))", line)
        else:
            match = re.fullmatch(r'([a-z_]+(?:\{(?:[a-z]+="[^"]*",?)+\})?) ([0-9.e+-]+)', line)
            assert match, line
            found[match[1]] = float(match[2])
    return found


def test_requests_are_counted_by_kind_and_result():
    metrics = Metrics(lambda: (3, 2))
    metrics.connected()
    for nanoseconds in (5_000, 15_000, 10**10):
        metrics.answered("solve", "ok", nanoseconds)
    metrics.answered("solve", "late", 20_000)
    metrics.disconnected("closed")
    found = samples(metrics.text())
    name = "lyaopt_serve_request_seconds"
    assert found['lyaopt_serve_requests_total{kind="solve",result="ok"}'] == 3
    assert found['lyaopt_serve_errors_total{error="late"}'] == 1
    assert found[f'{name}_bucket{{kind="solve",le="1e-05"}}'] == 1
    assert found[f'{name}_bucket{{kind="solve",le="2e-05"}}'] == 3
    assert found[f'{name}_bucket{{kind="solve",le="1.0"}}'] == 3
    assert found[f'{name}_bucket{{kind="solve",le="+Inf"}}'] == found[f'{name}_count{{kind="solve"}}'] == 4
    assert found[f'{name}_sum{{kind="solve"}}'] == pytest.approx(10.00004)
    assert len([key for key in found if "_bucket" in key]) == len(BUCKETS_S) + 1
    assert found["lyaopt_serve_clients"] == 3
    assert found["lyaopt_serve_sessions"] == 2
    assert found['lyaopt_serve_disconnections_total{reason="closed"}'] == 1


def asked(path: str, request: bytes) -> str:
    with connected(path) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return received(connection, 2**20).decode()


def test_metrics_are_served_on_a_socket_of_their_own(tmp_path):
    place = str(tmp_path / "m")
    with running(tmp_path, "--metrics", f"unix:{place}") as server:
        with connected(server.path) as client:
            for _ in range(3):
                ask(client, frame(frames.PING))
            ask(client, frame(77))
            plain = samples(asked(place, b""))
            head, _, body = asked(place, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").partition("\r\n\r\n")
        assert head.startswith("HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4")
        assert f"Content-Length: {len(body)}\r\n" in head
        for found in (plain, samples(body)):
            assert found['lyaopt_serve_requests_total{kind="ping",result="ok"}'] == 3
            assert found['lyaopt_serve_errors_total{error="unknown-kind"}'] == 1
            assert found["lyaopt_serve_clients"] == 1
            assert found["lyaopt_serve_sessions"] == 0
        with connected(place):  # who asks nothing holds nobody up
            assert samples(asked(place, b"GET / HTTP/1.0\n\n").partition("\r\n\r\n")[2])
        assert server.stop() == 0
    assert not (tmp_path / "m").exists()


def test_readers_of_metrics_take_no_descriptors_of_clients(tmp_path):
    place = str(tmp_path / "m")
    with running(tmp_path, "--metrics", f"unix:{place}"), ExitStack() as all_of_them:
        readers = [all_of_them.enter_context(connected(place)) for _ in range(16)]
        with connected(place) as one_too_many:
            assert is_closed(one_too_many)
        for reader in readers:
            reader.sendall(b"metrics\n")
            assert received(reader, 2**20).endswith(b"\n")
        with connected(place) as next_one:
            next_one.sendall(b"metrics\n")
            assert received(next_one, 2**20).endswith(b"\n")


def test_metrics_are_written_into_a_file(tmp_path):
    place = tmp_path / "m.prom"
    with running(tmp_path, "--metrics", str(place), "--metrics-every", "0.05") as server:
        assert samples(place.read_text())["lyaopt_serve_connections_total"] == 0
        assert ping_works(server.path)
        wait_for(lambda: samples(place.read_text())["lyaopt_serve_connections_total"] == 1)
        assert ping_works(server.path)
        assert server.stop() == 0
    assert samples(place.read_text())["lyaopt_serve_connections_total"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "m.prom"]


def test_metrics_that_cannot_be_written_are_an_error(tmp_path, refused):
    line = refused("--socket", str(tmp_path / "s"), "--metrics", str(tmp_path / "none" / "m"))
    assert "No such file" in line
    assert list(tmp_path.iterdir()) == []


# --- log


def test_the_log_as_json(tmp_path):
    with running(tmp_path, "--log-format", "json", "--log-level", "debug") as server:
        assert ping_works(server.path)
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log_lines()]
    assert {"time", "level", "message"} <= lines[0].keys()
    assert [line["message"] for line in lines][-2:] == ["stopping", "stopped"]
    assert any(line["level"] == "debug" and "connected" in line["message"] for line in lines)


def test_the_log_of_a_level(tmp_path):
    with running(tmp_path, "--log-level", "warning") as server:
        assert ping_works(server.path)
        assert server.stop() == 0
        assert server.log_lines() == []


def test_a_flood_of_messages_is_cut(monkeypatch):
    import logging

    seconds = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    throttle = Throttle(3)

    def passes(level):
        record = logging.makeLogRecord({"levelno": level, "msg": "m %d", "args": (1,)})
        return record.getMessage() if throttle.filter(record) else None

    assert [passes(logging.WARNING) for _ in range(5)] == ["m 1"] * 3 + [None] * 2
    assert passes(logging.ERROR) == "m 1"
    seconds[0] = 1.0
    assert passes(logging.WARNING) == "m 1 (2 messages before it were left out)"
    assert passes(logging.WARNING) == "m 1"


def test_garbage_without_end_does_not_fill_the_log(tmp_path):
    with running(tmp_path) as server:
        for _ in range(300):
            with connected(server.path) as connection:
                connection.sendall(b"x" * 40)
                answer(connection)
        with connect(server.path) as client:
            assert client.ping() > 0.0
        assert len(server.log_lines()) < 200
