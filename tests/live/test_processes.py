"""Messages of the processes of a run, as the controller gets them."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest

from lyaopt.live.messages import Channel
from lyaopt.live.processes import EDGE, ProcessDiedError, Processes


@pytest.fixture
def edge():
    """Processes with an edge, and the end of its channel that a test writes into."""
    ours, theirs = socket.socketpair()
    with Processes() as processes, theirs:
        process = SimpleNamespace(channel=Channel(ours), name="the edge process", stop=ours.close)
        processes.all[EDGE] = process
        processes._selector.register(process.channel, 1, EDGE)
        yield processes, theirs


def test_two_messages_that_come_at_once_are_two_answers(edge):
    """As of an edge whose networks are loaded before the controller has read its port."""
    processes, theirs = edge
    theirs.sendall(b'{"port": 1}\n{"ready": true}\n')
    assert processes.answers([EDGE]) == {EDGE: {"port": 1}}
    assert processes.answers([EDGE], 0.0) == {EDGE: {"ready": True}}


def test_an_answer_that_does_not_come_is_an_error(edge):
    processes, theirs = edge
    theirs.sendall(b'{"half": ')
    with pytest.raises(ProcessDiedError, match="the edge process did not answer within"):
        processes.answers([EDGE], 0.01)
    with pytest.raises(ProcessDiedError, match="interrupted"):
        processes.answers([EDGE], 1000.0, lambda: True)
