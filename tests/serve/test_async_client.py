"""The client for asyncio: many requests at once, time limits, ends."""

from __future__ import annotations

import asyncio
import json
import signal

import numpy as np
import pytest

from lyaopt import ProblemError, SlotProblem, solve_slot
from lyaopt.serve import (
    DeadlineError,
    PeerGoneError,
    PeerRefusedError,
    PeerTimeoutError,
    connect_async,
)
from lyaopt.slot.documents import parse_slot_document
from tests.support.slot_text import EXAMPLE
from tests.support.solver_server import running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("serve"), "--listen", "127.0.0.1:0") as server:
        yield server


@pytest.fixture
def problem():
    return parse_slot_document(json.dumps(EXAMPLE))


@pytest.mark.parametrize("transport", ["socket", "listen"])
def test_many_slots_at_once_are_answered_each_with_its_own(server, problem, transport):
    gains = np.random.default_rng(1).uniform(0.5, 2.0, (300, 2)) * problem.channel_gain

    async def all_slots():
        async with await connect_async(server.ready[transport]) as client:
            assert await client.ping() > 0.0
            await client.configure(problem)
            return await asyncio.gather(*(client.solve(channel_gain=gain) for gain in gains))

    for gain, found in zip(gains, asyncio.run(all_slots()), strict=True):
        expected = solve_slot(SlotProblem(**problem.__getstate__() | {"channel_gain": gain}))
        np.testing.assert_array_equal(found.problem.channel_gain, gain)
        np.testing.assert_array_equal(found.rate_bps, expected.rate_bps)
        assert found.objective == expected.objective


def test_errors_are_those_of_their_requests(server, problem):
    async def requests():
        async with await connect_async(server.path) as client:
            with pytest.raises(PeerRefusedError, match="configure first"):
                await client.solve()
            await client.configure(problem)
            return await asyncio.gather(
                client.solve(),
                client.solve(channel_gain=-problem.channel_gain),
                client.solve(deadline_s=0.0),
                client.solve(edge_weight=0.0 * problem.edge_queue_cycles),
                return_exceptions=True,
            )

    good, refused, late, weighted = asyncio.run(requests())
    assert good.objective == solve_slot(problem).objective
    assert isinstance(refused, ProblemError)
    assert refused.path == "$.devices[0].channel_gain"
    assert isinstance(late, DeadlineError)
    assert late.late_s > 0.0
    assert weighted.objective.edge == 0.0


def test_the_client_goes_on_after_a_time_limit(tmp_path, problem):
    async def requests(server):
        async with await connect_async(server.path) as client:
            await client.configure(problem)
            server.process.send_signal(signal.SIGSTOP)
            with pytest.raises(PeerTimeoutError):
                await client.solve(channel_gain=2.0 * problem.channel_gain, timeout_s=0.05)
            server.process.send_signal(signal.SIGCONT)
            return await client.solve()

    with running(tmp_path) as server:
        assert asyncio.run(requests(server)).objective == solve_slot(problem).objective


def test_without_an_answer_nobody_knows_which_system_the_server_has(tmp_path, problem):
    async def requests(server):
        async with await connect_async(server.path) as client:
            await client.configure(problem)
            server.process.send_signal(signal.SIGSTOP)
            with pytest.raises(PeerTimeoutError):
                await client.configure(problem, timeout_s=0.05)
            server.process.send_signal(signal.SIGCONT)
            with pytest.raises(PeerRefusedError, match="configure"):
                await client.solve()
            await client.configure(problem)
            return await client.solve()

    with running(tmp_path) as server:
        assert asyncio.run(requests(server)).objective == solve_slot(problem).objective


def test_all_that_wait_hear_of_the_end(tmp_path, problem):
    async def requests(server):
        async with await connect_async(server.path) as client:
            await client.configure(problem)
            server.process.send_signal(signal.SIGSTOP)
            waiting = asyncio.gather(*(client.solve() for _ in range(5)), return_exceptions=True)
            await asyncio.sleep(0.05)
            server.process.kill()
            for error in await waiting:
                assert isinstance(error, PeerGoneError)
            with pytest.raises(PeerGoneError):
                await client.ping()

    with running(tmp_path) as server:
        asyncio.run(requests(server))


def test_a_closed_client_says_so(server):
    async def requests():
        client = await connect_async(server.path)
        client.close()
        with pytest.raises(PeerGoneError, match="closed"):
            await client.ping()

    asyncio.run(requests())


def test_nobody_listens(tmp_path):
    for address in (tmp_path / "none", "127.0.0.1:1"):
        with pytest.raises(PeerGoneError):
            asyncio.run(connect_async(address))


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(40), b""])
def test_something_else_listens(tmp_path, answer):
    async def talk(reader, writer):
        await reader.read(10)
        writer.write(answer)
        writer.close()

    async def connect():
        path = str(tmp_path / "other")
        async with await asyncio.start_unix_server(talk, path):
            with pytest.raises(PeerGoneError):
                await connect_async(path)

    asyncio.run(connect())
