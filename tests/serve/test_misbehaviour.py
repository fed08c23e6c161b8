"""Clients that misbehave: they are told or disconnected, and others are served meanwhile."""

from __future__ import annotations

import json
import random
import signal
import socket
import threading

import numpy as np
import psutil
import pytest

from lyaopt.serve import PeerGoneError, connect, frames
from lyaopt.serve.frames import HEADER_BYTES
from lyaopt.slot.documents import parse_slot_document
from tests.support.slot_text import EXAMPLE
from tests.support.solver_server import (
    answer,
    ask,
    connected,
    frame,
    is_closed,
    line,
    ping_works,
    running,
    wait_for,
)

LARGEST = 2**16
PING_BYTES = HEADER_BYTES + frames.CLOCK.size


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    most = ["--largest-frame", str(LARGEST), "--largest-line", str(LARGEST)]
    options = ["--patience", "0.5", *most, "--listen", "127.0.0.1:0"]
    with running(tmp_path_factory.mktemp("serve"), *options) as server:
        yield server


@pytest.fixture(autouse=True)
def _others_are_served_and_nothing_breaks(server):
    yield
    assert ping_works(server.path)
    assert not [text for text in server.log_lines() if "an error of the server" in text]


def tcp(server):
    host, port = server.ready["listen"].split(":")
    return host, int(port)


def configuration():
    from lyaopt.serve.system_frames import SystemFrames

    return SystemFrames(parse_slot_document(json.dumps(EXAMPLE)))


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"LYAX" + bytes(60),
        b"L" + bytes(40),
        bytes(100),
        b"\xff" * 100_000,
    ],
)
def test_garbage_is_refused_in_words_before_the_end(server, transport, garbage):
    with connected(server.path if transport == "unix" else tcp(server)) as connection:
        connection.sendall(garbage)
        header, payload = answer(connection)
        assert header.status == frames.BAD_FRAME
        assert b"a frame begins with LYAO" in payload
        assert is_closed(connection)


@pytest.mark.parametrize("change", [{"status": 1}, {"zero": 1}])
def test_reserved_fields_must_be_zero(server, change):
    with connected(server.path) as connection:
        assert ask(connection, frame(frames.PING, **change))[0].status == frames.BAD_FRAME
        assert is_closed(connection)


@pytest.mark.parametrize("length", [LARGEST + 1, 2**31, 2**32 - 1])
def test_giant_lengths_are_refused_at_once(server, length):
    with connected(server.path) as connection:
        header, payload = ask(connection, frame(frames.SOLVE, length=length, number=9))
        assert (header.status, header.number) == (frames.BAD_FRAME, 9)
        assert str(LARGEST).encode() in payload
        assert is_closed(connection)


def test_giant_lines_are_refused(server):
    with connected(server.path) as connection:
        connection.sendall(b"{" + b" " * (LARGEST + 1))
        assert line(connection)["result"] == "bad-frame"
        assert is_closed(connection)


@pytest.mark.parametrize(
    ("devices", "services"), [(2**32 - 1, 2**32 - 1), (2**20, 1), (1, 2**20), (0, 1), (1, 0)]
)
def test_giant_and_empty_systems_are_refused(server, devices, services):
    payload = frames.SYSTEM.pack(devices, services, 0.01, 1e-28, 1.0, 1.0, 1.0, -174.0)
    with connected(server.path) as connection:
        header, reason = ask(connection, frame(frames.CONFIGURE, payload))
        assert header.status == frames.REFUSED
        assert reason.startswith(b"$")
        assert ask(connection, frame(frames.PING))[0].status == frames.OK


def test_wrong_lengths_and_kinds_leave_the_connection_as_it_was(server):
    system = configuration()
    with connected(server.path) as connection:
        assert ask(connection, frame(frames.CONFIGURE, system.configuration()))[0].status == frames.OK
        for kind, payload, status in [
            (frames.SOLVE, b"", frames.REFUSED),
            (frames.SOLVE, bytes(17), frames.REFUSED),
            (frames.CONFIGURE, system.configuration()[:-8], frames.REFUSED),
            (frames.CONFIGURE, b"", frames.REFUSED),
            (frames.CONFIGURE, system.configuration() + bytes(8), frames.REFUSED),
            (frames.HELLO, b"x", frames.REFUSED),
            (0, b"", frames.UNKNOWN_KIND),
            (77, bytes(50), frames.UNKNOWN_KIND),
            (255, b"", frames.UNKNOWN_KIND),
        ]:
            header, reason = ask(connection, frame(kind, payload, number=3))
            assert (header.status, header.number) == (status, 3)
            assert b"\n" in reason
        slot = system.next_slot(dict.fromkeys(FIELDS))
        assert ask(connection, bytes(system.frame_of(slot, 1, 4, 0)))[0].status == frames.OK


FIELDS = (
    *("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles", "channel_gain"),
    *("local_weight", "transmit_weight", "edge_weight"),
)


@pytest.mark.parametrize("size", [1, 3, 31, 40])
def test_half_a_frame_is_waited_for_with_patience(server, size):
    request = frame(frames.SOLVE, bytes(48))
    with connected(server.path) as connection:
        connection.sendall(request[:size])
        assert ping_works(server.path)
        assert is_closed(connection)


def test_half_a_line_is_waited_for_with_patience(server):
    with connected(server.path) as connection:
        connection.sendall(b'{"sequence": 1, ')
        assert ping_works(server.path)
        assert is_closed(connection)


def test_whoever_says_nothing_is_disconnected(server):
    with connected(server.path) as connection:
        assert is_closed(connection)


def test_who_has_spoken_may_rest(server):
    with connected(server.path) as connection, connected(server.path) as silent:
        ask(connection, frame(frames.PING))
        assert is_closed(silent)
        assert ask(connection, frame(frames.PING))[0].status == frames.OK


def test_frames_may_come_byte_by_byte(server):
    with connected(server.path) as connection:
        for _ in range(3):
            for byte in frame(frames.PING):
                connection.sendall(bytes([byte]))
            assert answer(connection)[0].status == frames.OK


def test_frames_may_be_cut_anywhere(server):
    system = configuration()
    slot = system.next_slot(dict.fromkeys(FIELDS))
    requests = frame(frames.CONFIGURE, system.configuration())
    requests += b"".join(bytes(system.frame_of(slot, 1, number, 0)) for number in range(40))
    generator = random.Random(3)
    with connected(server.path) as connection:
        place = 0
        while place < len(requests):
            size = generator.choice([1, 7, 32, 100, 3000])
            connection.sendall(requests[place : place + size])
            place += size
        first, *others = [answer(connection) for _ in range(41)]
        assert first[0].status == frames.OK
        assert [header.number for header, _ in others] == list(range(40))
        assert {payload for _, payload in others} == {others[0][1]}


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_who_does_not_read_is_not_read_and_then_disconnected(server, transport):
    before = psutil.Process(server.process.pid).memory_info().rss
    requests = frame(frames.PING) * 1000
    told = sum("slow-reader" in text for text in server.log_lines())
    with connected(server.path if transport == "unix" else tcp(server)) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            _send_for_ever(connection, requests)
        assert ping_works(server.path)
        connection.settimeout(60.0)
        after = psutil.Process(server.process.pid).memory_info().rss
        assert after - before < 2**24
        with pytest.raises(ConnectionError):  # the send that waits ends with the connection
            _send_for_ever(connection, requests)
    wait_for(lambda: sum("slow-reader" in text for text in server.log_lines()) == told + 1)


def _send_for_ever(connection, requests):
    sent = 0
    while sent < 2**28:
        sent += connection.send(requests)


def test_a_flood_leaves_others_their_turn(server):
    """While three clients send as fast as they can, another one's requests are answered in between."""
    count, floods = 30_000, [connected(server.path) for _ in range(3)]
    answered = [0] * len(floods)

    def send(connection):
        connection.sendall(frame(frames.PING) * count)

    def receive(place, connection):
        left = count * PING_BYTES
        while left:
            left -= len(connection.recv(2**16))
            answered[place] = count - left // PING_BYTES

    threads = [threading.Thread(target=send, args=(connection,)) for connection in floods]
    threads += [threading.Thread(target=receive, args=pair) for pair in enumerate(floods)]
    with connected(server.path) as connection:
        for thread in threads:
            thread.start()
        wait_for(lambda: min(answered) > 0)
        for _ in range(5):
            assert ask(connection, frame(frames.PING))[0].status == frames.OK
        between = sum(answered)
    for thread in threads:
        thread.join()
    for connection in floods:
        connection.close()
    assert answered == [count] * len(floods)
    assert between < count * len(floods)


def test_one_turn_is_a_slice_of_time(server):
    """Of what was received of two clients at the same time, the second one's is answered in between."""
    with connected(server.path) as flood, connected(server.path) as other:
        for connection in (flood, other):
            ask(connection, frame(frames.PING))
        server.process.send_signal(signal.SIGSTOP)
        flood.sendall(frame(frames.PING) * 500)  # fewer bytes than one read takes
        other.sendall(frame(frames.PING))
        server.process.send_signal(signal.SIGCONT)
        clocks = [frames.CLOCK.unpack(answer(flood)[1])[0] for _ in range(500)]
        (clock,) = frames.CLOCK.unpack(answer(other)[1])
        assert clocks == sorted(clocks)
        assert clock < clocks[-1]


def test_who_leaves_in_the_middle_is_forgotten(server):
    system = configuration()
    for size in (5, HEADER_BYTES, HEADER_BYTES + 10):
        connection = connected(server.path)
        connection.sendall(frame(frames.CONFIGURE, system.configuration())[:size])
        connection.close()
    connection = connected(tcp(server))
    connection.sendall(frame(frames.PING) * 1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()  # with a reset


def test_mutated_frames_break_nothing(server):
    """Of three good frames, some bytes are others, or missing, or more."""
    system = configuration()
    slot = bytes(system.frame_of(system.next_slot(dict.fromkeys(FIELDS)), 1, 2, 0))
    good = (
        frame(frames.HELLO, frames.HELLO_REQUEST.pack(1, 1))
        + frame(frames.CONFIGURE, system.configuration())
        + slot
    )
    generator = random.Random(11)
    for _ in range(300):
        mutated = bytearray(good)
        for _ in range(generator.randrange(1, 6)):
            place = generator.randrange(len(mutated))
            match generator.randrange(3):
                case 0:
                    mutated[place] = generator.randrange(256)
                case 1:
                    del mutated[place : place + generator.randrange(1, 50)]
                case _:
                    mutated[place:place] = generator.randbytes(generator.randrange(1, 50))
        with connected(server.path) as connection:
            connection.sendall(mutated)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(2**16):
                pass


def test_too_many_clients_are_refused(tmp_path):
    with running(tmp_path, "--most-clients", "2") as server:
        with connect(server.path) as one, connect(server.path) as two:
            with pytest.raises(PeerGoneError):
                connect(server.path)
            assert one.ping() > 0.0
            assert two.ping() > 0.0
        wait_for(lambda: _may_come(server.path))


def _may_come(path):
    try:
        with connect(path):
            return True
    except PeerGoneError:
        return False


def test_who_rests_too_long_is_disconnected(tmp_path):
    with running(tmp_path, "--timeout", "0.3") as server, connected(server.path) as connection:
        assert ask(connection, frame(frames.PING))[0].status == frames.OK
        assert is_closed(connection)
        assert any("idle" in text for text in server.log_lines())


def test_large_systems_are_served_beside_small_ones(tmp_path):
    """A configuration larger than the first buffer, byte-exact."""
    from lyaopt import solve_slot
    from tests.kernels.test_sizes import make_batch
    from tests.support.capi import slot_of

    problem = slot_of(make_batch(4, slots=1), 0)
    many = {
        name: np.repeat(value, 200, axis=0)
        for name, value in problem.__getstate__().items()
        if np.ndim(value)
    }
    many.pop("service_counts", None)
    scalars = {name: value for name, value in problem.__getstate__().items() if isinstance(value, float)}
    large = type(problem)(**scalars, **{name: value for name, value in many.items() if value.dtype == float})
    with running(tmp_path) as server, connect(server.path) as client:
        client.configure(large)
        found, expected = client.solve(), solve_slot(large)
        np.testing.assert_allclose(found.rate_bps, expected.rate_bps, rtol=1e-12)
        np.testing.assert_allclose(found.edge_cpu_hz, expected.edge_cpu_hz, rtol=1e-12)
