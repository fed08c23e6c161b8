"""A server on sockets, and its blocking client: answers, errors, deadlines, versions."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from lyaopt import ProblemError, SlotProblem, solve_slot
from lyaopt.serve import DeadlineError, PeerGoneError, PeerRefusedError, PeerTimeoutError, connect, frames
from lyaopt.serve.binary_dialogue import BinaryDialogue
from lyaopt.serve.frames import HEADER_BYTES
from lyaopt.serve.output import Output
from lyaopt.serve.system_frames import HELLO, SystemFrames
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from tests.kernels.test_sizes import make_batch
from tests.support.capi import slot_of
from tests.support.slot_text import EXAMPLE
from tests.support.solver_server import GIVE_UP_S, answer, ask, connected, frame, is_closed, received, running

ARRAYS = ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "cpu_hz", "power_w", "local_price", "rate_price")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("serve"), "--listen", "127.0.0.1:0") as server:
        yield server


@pytest.fixture
def problem():
    return parse_slot_document(json.dumps(EXAMPLE))


@pytest.fixture
def client(server, problem):
    with connect(server.path) as client:
        client.configure(problem)
        yield client


def same(found, expected):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert found.objective == expected.objective
    assert found.certificate == expected.certificate
    assert found.edge_price == expected.edge_price


def test_what_is_not_given_is_as_in_the_last_slot(client, problem):
    same(client.solve(), solve_slot(problem))
    gain = 0.5 * problem.channel_gain
    found = client.solve(channel_gain=gain)
    np.testing.assert_array_equal(found.problem.channel_gain, gain)
    same(found, solve_slot(SlotProblem(**problem.__getstate__() | {"channel_gain": gain})))
    with pytest.raises(ProblemError):
        client.solve(channel_gain=-gain)
    again = client.solve(edge_queue_cycles=problem.edge_queue_cycles)
    np.testing.assert_array_equal(again.problem.channel_gain, gain)
    same(again, found)


@pytest.mark.parametrize("services", [1, 2, 4, 5, 9])
def test_answers_are_those_of_this_process_bit_for_bit(server, services):
    batch = make_batch(services, slots=6)
    first = slot_of(batch, 0)
    with connect(server.path) as client:
        client.configure(first)
        for slot in range(6):
            problem = slot_of(batch, slot)
            fields = {name: getattr(problem, name) for name in (*QUEUE_FIELDS, "channel_gain")}
            constant = {**first.__getstate__(), **fields}
            same(client.solve(**fields), solve_slot(SlotProblem(**constant)))


def test_weights_are_the_backlogs_where_they_are_left_out(client, problem):
    random = np.random.default_rng(5)
    shape = problem.local_queue_cycles.shape
    present = np.arange(shape[1]) < np.array(problem.service_counts)[:, np.newaxis]
    for names in (WEIGHT_FIELDS, WEIGHT_FIELDS[:1], WEIGHT_FIELDS[2:], ()):
        weights = {name: present * random.uniform(0.0, 1e8, shape) for name in names}
        found = client.solve(**weights)
        for name in WEIGHT_FIELDS:
            np.testing.assert_equal(getattr(found.problem, name), weights.get(name))
        same(found, solve_slot(SlotProblem(**problem.__getstate__() | weights)))
    with pytest.raises(ProblemError) as caught:
        client.solve(edge_weight=-1.0 * present)
    assert caught.value.path == "$.devices[0].services[0].edge_weight"
    same(client.solve(), solve_slot(problem))


def test_solutions_do_not_change_with_later_ones(client, problem):
    first = client.solve()
    before = first.rate_bps.copy(), first.objective
    client.solve(transmit_queue_bits=0.1 * problem.transmit_queue_bits)
    np.testing.assert_array_equal(first.rate_bps, before[0])
    assert first.objective == before[1]


def test_sessions_are_apart(server, problem):
    other = SlotProblem(**problem.__getstate__() | {"edge_capacity_hz": 1e9})
    with connect(server.path) as one, connect(server.ready["listen"]) as two:
        one.configure(problem)
        two.configure(other)
        same(one.solve(), solve_slot(problem))
        same(two.solve(), solve_slot(other))
        one.close()
        same(two.solve(), solve_slot(other))


def test_a_new_configuration_replaces_the_former_one(client, problem):
    other = SlotProblem(**problem.__getstate__() | {"max_power_w": 0.5 * problem.max_power_w})
    client.configure(other)
    same(client.solve(), solve_slot(other))


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("local_queue_cycles", "$.devices[0].services[0].local_queue_cycles"),
        ("channel_gain", "$.devices[0].channel_gain"),
    ],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_a_number_out_of_range_is_named(client, problem, field, path, bad):
    values = getattr(problem, field).copy()
    values.flat[0] = bad
    with pytest.raises(ProblemError) as caught:
        client.solve(**{field: values})
    assert caught.value.path == path
    same(client.solve(), solve_slot(problem))


def test_wrong_shapes_are_found_before_anything_is_sent(client):
    with pytest.raises(ProblemError, match="channel_gain"):
        client.solve(channel_gain=[1e-11])


@pytest.mark.parametrize("field", [*QUEUE_FIELDS, *WEIGHT_FIELDS])
def test_services_that_a_device_does_not_have_are_refused(client, problem, field):
    values = np.ones(problem.local_queue_cycles.shape)
    assert problem.service_counts == (2, 1)
    with pytest.raises(ProblemError) as caught:
        client.solve(**{field: values})
    assert caught.value.path == "$.devices[1].services[1]"


def test_without_a_system_there_is_no_slot(server, problem):
    with connect(server.path) as client, pytest.raises(PeerRefusedError):
        client.solve()
    with connected(server.path) as connection:
        slot = SystemFrames(problem)
        request = slot.frame_of(slot.next_slot(FIELDS), 1, 7, 0)
        header, payload = ask(connection, bytes(request))
        assert (header.status, header.number) == (frames.NOT_CONFIGURED, 7)
        assert b"configured" in payload


FIELDS = dict.fromkeys((*QUEUE_FIELDS, *WEIGHT_FIELDS, "channel_gain"))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"slot_duration_s": 0.0}, "$.slot_duration_s"),
        ({"max_power_w": -1.0}, "$.devices[0].max_power_w"),
    ],
)
def test_a_refused_configuration_leaves_the_former_one(client, problem, change, path):
    for name, value in change.items():
        kept = getattr(problem, name)
        vars(problem)[name] = value if np.ndim(kept) == 0 else np.full_like(kept, value)
    with pytest.raises(ProblemError) as caught:
        client.configure(problem)
    assert caught.value.path == path
    expected = solve_slot(parse_slot_document(json.dumps(EXAMPLE)))
    same(client.solve(), expected)


def test_tables_weights_and_shared_spectra_are_not_for_frames(client, problem):
    with pytest.raises(ProblemError, match="shared spectrum"):
        client.configure(SlotProblem(**problem.__getstate__() | {"spectrum": "shared"}))


def test_late_requests_are_told_by_how_much(client, problem):
    with pytest.raises(DeadlineError, match="not solved") as caught:
        client.solve(deadline_s=0.0)
    assert 0.0 < caught.value.late_s < 60.0
    same(client.solve(deadline_s=3600.0), solve_slot(problem))
    with pytest.raises(ProblemError, match="deadline_s"):
        client.solve(deadline_s=-1.0)


def test_answers_say_how_much_time_was_left(server):
    with connected(server.path) as connection:
        deadline = time.monotonic_ns() + 10**12
        header, _ = ask(connection, frame(frames.PING, deadline=deadline))
        left = header.deadline_ns
        assert 0 < deadline - time.monotonic_ns() < left < 10**12
        for passed in (5, -1, -(2**63)):  # the last is later than an answer can tell
            header, payload = ask(connection, frame(frames.PING, deadline=passed, number=2))
            assert header.status == frames.LATE
            assert header.deadline_ns < 0
            assert header.number == 2
            assert b"not solved" in payload


def test_what_becomes_late_while_it_is_solved_is_late(problem, monkeypatch):
    system, output = SystemFrames(problem), Output()
    dialogue = BinaryDialogue(output, 2**20)
    dialogue.answer_next(memoryview(frame(frames.CONFIGURE, system.configuration())), False)
    for solved_at, status, left in ((90, frames.OK, 10), (140, frames.LATE, -40)):
        output.used = 0
        clock = iter([50, solved_at])
        monkeypatch.setattr("lyaopt.serve.binary_dialogue._clock", lambda clock=clock: next(clock))
        request = bytes(system.frame_of(system.next_slot(FIELDS), 1, 7, 100))
        assert dialogue.answer_next(memoryview(request), False) == len(request)
        header = frames.Header._make(frames.HEADER.unpack_from(output.data))
        assert (header.status, header.number, header.deadline_ns) == (status, 7, left)
    assert b"solved too late" in output.data[: output.used]


def test_versions_are_negotiated(server):
    with connected(server.path) as connection:
        header, payload = ask(connection, frame(frames.HELLO, frames.HELLO_REQUEST.pack(1, 9)))
        assert header.status == frames.OK
        assert frames.HELLO_ANSWER.unpack(payload)[:3] == (1, 1, 1)
    with connected(server.path) as connection:
        header, payload = ask(connection, frame(frames.HELLO, frames.HELLO_REQUEST.pack(2, 9)))
        assert header.status == frames.BAD_VERSION
        assert b"speaks versions 1 to 1" in payload
        assert is_closed(connection)
    with connected(server.path) as connection:  # hello comes in any version
        header, _ = ask(connection, frame(frames.HELLO, frames.HELLO_REQUEST.pack(1, 9), version=9))
        assert header.status == frames.OK
    with connected(server.path) as connection:
        header, _ = ask(connection, frame(frames.PING, version=2))
        assert header.status == frames.BAD_VERSION
        assert is_closed(connection)


def test_many_requests_at_once_are_answered_in_order(server):
    with connected(server.path) as connection:
        connection.sendall(b"".join(frame(frames.PING, number=n) for n in range(500)))
        assert [answer(connection)[0].number for _ in range(500)] == list(range(500))


def test_requests_before_the_end_of_input_are_answered(server):
    with connected(server.path) as connection:
        connection.sendall(b"".join(frame(frames.PING, number=n) for n in range(50)))
        connection.shutdown(1)
        assert [answer(connection)[0].number for _ in range(50)] == list(range(50))
        assert is_closed(connection)


def test_the_client_says_when_nobody_is_there(tmp_path):
    for address in (tmp_path / "none", str(tmp_path / "none"), ("127.0.0.1", 1), "127.0.0.1:1"):
        with pytest.raises(PeerGoneError):
            connect(address)


def test_a_client_passes_over_answers_that_came_too_late(tmp_path, problem):
    with running(tmp_path) as server, connect(server.path) as client:
        client.configure(problem)
        server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(PeerTimeoutError):
            client.solve(channel_gain=2.0 * problem.channel_gain, timeout_s=0.05)
        server.process.send_signal(signal.SIGCONT)
        same(client.solve(), solve_slot(problem))


def test_without_an_answer_nobody_knows_which_system_the_server_has(tmp_path, problem):
    with running(tmp_path) as server, connect(server.path) as client:
        client.configure(problem)
        changed = SlotProblem(**problem.__getstate__() | {"edge_capacity_hz": 1e9})
        server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(PeerTimeoutError):
            client.configure(changed, timeout_s=0.05)
        server.process.send_signal(signal.SIGCONT)
        with pytest.raises(PeerRefusedError, match="configure"):
            client.solve()
        client.configure(problem)
        same(client.solve(), solve_slot(problem))


@contextmanager
def answering_others(path):
    """A server that answers hello, and the next request by more and more answers to others, then ends."""

    def serve():
        connection, _ = listening.accept()
        with connection:
            received(connection, len(frame(frames.HELLO, HELLO)))
            greeting = frames.HELLO_ANSWER.pack(1, 1, 1, 2**20, time.monotonic_ns(), b"x")
            connection.sendall(frame(frames.HELLO | frames.ANSWER, greeting))
            received(connection, HEADER_BYTES)
            with suppress(OSError):
                for _ in range(200):
                    connection.sendall(frame(frames.PING | frames.ANSWER, bytes(8), number=0))
                    time.sleep(0.02)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen(1)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize("timeout_s", [0.1, 0.0])
def test_answers_to_others_do_not_prolong_the_wait(tmp_path, timeout_s):
    with (
        answering_others(tmp_path / "s"),
        connect(tmp_path / "s", timeout_s=GIVE_UP_S) as client,
        pytest.raises(PeerTimeoutError),
    ):
        client.ping(timeout_s=timeout_s)


def test_a_client_of_a_killed_server_says_so(tmp_path, problem):
    with running(tmp_path) as server, connect(server.path) as client:
        client.configure(problem)
        server.process.kill()
        with pytest.raises(PeerGoneError):
            client.solve()
        with pytest.raises(PeerGoneError, match="closed"):
            client.ping()
