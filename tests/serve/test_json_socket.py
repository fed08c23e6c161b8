"""Lines of JSON on a socket: the same answers as by the pipe, sessions, deadlines, strictness."""

from __future__ import annotations

import json

import pytest

from lyaopt import SlotProblem, __version__, solve_slot
from lyaopt.errors import DocumentError
from lyaopt.serve.json_requests import KINDS, parse_json_request
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import format_solution
from tests.support.slot_text import EXAMPLE, general, with_repeated
from tests.support.solver_server import connected, is_closed, line, running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("serve")) as server:
        yield server


class Lines:
    """A client of lines."""

    def __init__(self, connection):
        self.connection = connection

    def ask(self, request):
        text = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.connection.sendall(text + b"\n")
        return line(self.connection)


@pytest.fixture
def client(server):
    with connected(server.path) as connection:
        yield Lines(connection)


def solved(document, **fields):
    problem = parse_slot_document(json.dumps(document))
    if fields:
        problem = SlotProblem(**problem.__getstate__() | fields)
    return json.loads(format_solution(solve_slot(problem)))


@pytest.mark.parametrize("document", [EXAMPLE, general()])
def test_whole_slots_are_answered_as_by_the_pipe(client, document):
    assert client.ask({"sequence": 4, "slot": document}) == {"sequence": 4, **solved(document)}
    timed = {"deadline_s": 3600.0, "sequence": 5, "slot": document}
    assert client.ask(timed) == {"sequence": 5, **solved(document)}


@pytest.mark.parametrize("document", [EXAMPLE, general()])
def test_a_session_needs_backlogs_and_gains_only(client, document):
    problem = parse_slot_document(json.dumps(document))
    answer = client.ask({"sequence": 0, "configure": document})
    assert answer == {"sequence": 0, "status": "ok", "services": list(problem.service_counts)}
    gains = [2.0 * gain for gain in problem.channel_gain.tolist()]
    rows = [
        [0.5 * entry for entry in row[:count]]
        for row, count in zip(problem.transmit_queue_bits.tolist(), problem.service_counts, strict=True)
    ]
    found = client.ask({"sequence": 1, "state": {"channel_gain": gains, "transmit_queue_bits": rows}})
    no_weights = dict.fromkeys(("local_weight", "transmit_weight", "edge_weight"))
    changed = {"channel_gain": gains, "transmit_queue_bits": 0.5 * problem.transmit_queue_bits}
    assert found == {"sequence": 1, **solved(document, **no_weights, **changed)}
    # what is left out stays
    assert client.ask({"sequence": 2, "state": {}}) == found | {"sequence": 2}
    weights = [[1e6] * count for count in problem.service_counts]
    weighted = client.ask({"sequence": 3, "state": {"local_weight": weights}})
    assert weighted["objective"]["local"] != found["objective"]["local"]
    assert client.ask({"sequence": 4, "state": {}}) == found | {"sequence": 4}


def test_hello_and_ping(client):
    hello = client.ask({"sequence": 0, "hello": {"versions": [9, 1]}})
    assert (hello["protocol"], hello["lyaopt"]) == (1, __version__)
    assert hello["capabilities"] == list(KINDS)
    first, second = (client.ask({"sequence": n, "ping": {}}) for n in (1, 2))
    assert 0.0 < first["clock_s"] < second["clock_s"]


def test_a_server_of_other_versions_says_so(client):
    answer = client.ask({"sequence": 3, "hello": {"versions": [2, 3]}})
    assert (answer["sequence"], answer["result"]) == (3, "bad-version")
    assert "speaks versions 1 to 1" in answer["error"]
    assert is_closed(client.connection)


def test_late_requests_are_told_by_how_much(client):
    answer = client.ask({"sequence": 1, "slot": EXAMPLE, "deadline_s": 0})
    assert (answer["sequence"], answer["result"]) == (1, "late")
    assert 0.0 < answer["late_s"] < 60.0
    assert answer["error"].endswith("ms after the deadline, not solved")
    # the example is solved in more than a nanosecond
    client.ask({"sequence": 0, "configure": EXAMPLE})
    assert client.ask({"sequence": 2, "state": {}, "deadline_s": 3600})["status"] == "optimal"


@pytest.mark.parametrize(
    ("request_", "path", "words"),
    [
        (b"nonsense", None, None),
        ({"sequence": 1}, "$", "expected one of the keys slot, configure, state, ping, hello, got none"),
        ({"sequence": 1, "ping": {}, "state": {}}, "$", "got ping, state"),
        ({"ping": {}}, "$.sequence", "missing required key"),
        ({"sequence": -1, "ping": {}}, "$.sequence", "got -1"),
        ({"sequence": 1, "ping": {}, "deadline": 1}, "$.deadline", "did you mean deadline_s?"),
        ({"sequence": 1, "ping": {}, "deadline_s": -1}, "$.deadline_s", "got -1"),
        ({"sequence": 1, "ping": {}, "deadline_s": True}, "$.deadline_s", "got true"),
        ({"sequence": 1, "configure": {}}, "$.configure.slot_duration_s", "missing required key"),
        ({"sequence": 1, "slot": {}}, "$.slot.slot_duration_s", "missing required key"),
        ({"sequence": 1, "slot": 3, "deadline_s": 1}, "$.slot", "expected an object"),
        ({"sequence": 1, "state": 3}, "$.state", "expected an object, got 3"),
        ({"sequence": 1, "state": {"gain": []}}, "$.state.gain", "unknown key"),
        ({"sequence": 1, "state": {"channel_gain": [1e-11]}}, "$.state.channel_gain", "list of 2 numbers"),
        ({"sequence": 1, "state": {"channel_gain": [True, 1]}}, "$.state.channel_gain", "2 numbers"),
        ({"sequence": 1, "state": {"local_weight": [[1, 2]]}}, "$.state.local_weight", "2 lists of 2"),
        ({"sequence": 1, "state": {"local_weight": [1, [2]]}}, "$.state.local_weight", "2 lists of 2"),
        (
            {"sequence": 1, "state": {"edge_weight": [[1, -2], [3]]}},
            "$.devices[0].services[1].edge_weight",
            "got -2",
        ),
        ({"sequence": 1, "state": {"channel_gain": [1, 10**400]}}, None, None),
        ({"sequence": 1, "hello": {}}, "$.hello", "versions"),
        ({"sequence": 1, "hello": {"versions": ["1"]}}, "$.hello", "versions"),
        (b'{"sequence": 1, "ping": {}, "ping": {}}', "$.ping", "duplicate key"),
        (
            b'{"sequence": 1, "configure": ' + with_repeated(("bandwidth_hz",)).encode() + b"}",
            "$.configure.bandwidth_hz",
            "duplicate",
        ),
        (b'{"sequence": 1, "state": {"channel_gain": [NaN, 1]}}', None, None),
        (b'{"sequence": 1, "ping": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", None, None),
        (b'{"sequence": 1, "ping": "\xff"}', None, None),
    ],
)
def test_bad_requests_name_the_place_and_the_next_one_is_answered(client, request_, path, words):
    client.ask({"sequence": 0, "configure": EXAMPLE})
    answer = client.ask(request_)
    assert (answer["status"], answer["result"]) == ("error", "refused")
    if path is not None:
        assert answer["path"] == path
        assert words in answer["error"]
    assert client.ask({"sequence": 2, "state": {}}) == {"sequence": 2, **solved(EXAMPLE)}


def test_a_state_needs_a_system(client):
    answer = client.ask({"sequence": 8, "state": {}})
    assert (answer["sequence"], answer["result"]) == (8, "not-configured")


def test_blank_lines_and_the_last_line_without_an_end(client):
    client.connection.sendall(b'\n  \n{"sequence": 1, "ping": {}}\n\n{"sequence": 2, "ping": {}}')
    client.connection.shutdown(1)
    assert [line(client.connection)["sequence"] for _ in range(2)] == [1, 2]
    assert is_closed(client.connection)


def test_lines_may_be_cut_anywhere(client):
    text = b"".join(json.dumps({"sequence": n, "slot": EXAMPLE}).encode() + b"\n" for n in range(20))
    for place in range(0, len(text), 1000):
        client.connection.sendall(text[place : place + 1000])
    expected = solved(EXAMPLE)
    assert [line(client.connection) for _ in range(20)] == [{"sequence": n, **expected} for n in range(20)]


def test_long_lines_are_answered_in_order_while_others_have_their_turn(server, client):
    """They go to another thread; what follows them on the same connection waits."""
    many = EXAMPLE | {
        "devices": [device | {"id": f"d{n}"} for n in range(40) for device in EXAMPLE["devices"][:1]]
    }
    many = {key: value for key, value in many.items() if key != "bandwidth_hz"} | {"bandwidth_hz": 1e8}
    expected = solved(many)
    requests = [{"sequence": 2 * n, "slot": many} for n in range(10)]
    pings = [{"sequence": 2 * n + 1, "ping": {}} for n in range(10)]
    text = b"".join(
        json.dumps(part).encode() + b"\n" for pair in zip(requests, pings, strict=True) for part in pair
    )
    assert len(json.dumps(requests[0])) > 2 * 4096
    client.connection.sendall(text)
    with connected(server.path) as other:
        assert Lines(other).ask({"sequence": 0, "ping": {}})["status"] == "ok"
    for n in range(10):
        assert line(client.connection) == {"sequence": 2 * n, **expected}
        assert line(client.connection)["sequence"] == 2 * n + 1
    client.connection.sendall(b" " * 5000 + b"\n" + b"[" * 5000 + b"\n")
    assert line(client.connection)["result"] == "refused"


def test_who_leaves_during_a_long_line_is_forgotten(server, client):
    text = json.dumps({"sequence": 1, "slot": EXAMPLE}) + " " * 5000 + "\n"
    client.connection.sendall(text.encode() * 5)
    client.connection.close()
    with connected(server.path) as other:
        other.sendall(text.encode())
        assert line(other)["status"] == "optimal"


def test_requests_are_read_once_more():
    request = parse_json_request(b'{"sequence": 1, "ping": null, "deadline_s": 2}')
    assert request == (1, "ping", None, 2.0)
    with pytest.raises(DocumentError):
        parse_json_request(b"")
