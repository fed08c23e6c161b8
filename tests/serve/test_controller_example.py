"""examples/controller: each period is decided, while server and devices are killed, and others flood."""

from __future__ import annotations

import importlib
import json
import socket
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lyaopt
from lyaopt.policies import price_rule

EXAMPLE = Path(__file__).parents[2] / "examples" / "controller"
MODULES = ("run", "clock", "decisions", "device", "messages", "metrics")
SYSTEM = lyaopt.load_scenario("balanced")
Line = dict[str, Any]

# Asks for slots as fast as it gets answers, and on a second connection without reading any
FLOOD = """
import socket, sys, threading
import lyaopt
from lyaopt.serve import connect
from tests.kernels.test_sizes import make_batch
from tests.support.capi import slot_of

problem = slot_of(make_batch(4, devices=50, slots=1), 0)

def ask():
    with connect(sys.argv[1]) as client:
        client.configure(problem)
        print("flooding", flush=True)
        while True:
            client.solve(channel_gain=problem.channel_gain)

def shout():
    with socket.socket(socket.AF_UNIX) as mute:
        mute.connect(sys.argv[1])
        line = b'{"sequence": 1, "ping": true}\\n' * 1000
        while True:
            mute.sendall(line)

def again(task):
    while True:
        try:
            task()
        except (OSError, lyaopt.LyaoptError):
            pass  # it was thrown out

threading.Thread(target=again, args=(shout,), daemon=True).start()
again(ask)
"""


@pytest.fixture
def example(monkeypatch):
    """The modules of the example, which import each other by name."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    return {name: importlib.import_module(name) for name in MODULES}


def lines_of(folder: Path) -> list[Line]:
    """Whole lines of the log."""
    text = (folder / "decisions.ndjson").read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_for(parts: Any, holds: Callable[[list[Line]], bool], since: int = 0) -> int:
    """Wait until something holds of the periods after the first `since`; return how many there are."""
    folder = parts.folder
    while not (folder / "metrics.prom").exists() or not holds(lines_of(folder)[since:]):
        assert parts.processes["controller"].poll() is None
        time.sleep(0.1)
    values_of(folder)  # whole at any time
    return len(lines_of(folder))


def decided_by(who: str, count: int) -> Callable[[list[Line]], bool]:
    return lambda lines: sum(line["by"] == who for line in lines) >= count


def heard(present: list[bool]) -> Callable[[list[Line]], bool]:
    return lambda lines: any([gain > 0.0 for gain in line.get("gain", [])] == present for line in lines)


def values_of(folder: Path) -> dict[str, float]:
    text = (folder / "metrics.prom").read_text()
    assert text.endswith("\n")
    pairs = [line.rpartition(" ")[::2] for line in text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in pairs}


def send_nonsense(path: Path) -> None:
    """What no device says: of other lengths, of nobody, and numbers that cannot be solved."""
    good = np.concatenate([[0.0, 1.0, 1e-10], np.full(18, 5.0)])
    messages = [b"", b"hello", bytes(8), good[:-1].tobytes(), good.tobytes() + b"x"]
    for place, value in [(0, 99.0), (2, np.nan), (2, 2.0), (3, -1.0), (5, np.inf), (9, 1e300), (-1, 0.0)]:
        bad = good.copy()
        bad[place] = value
        messages.append(bad.tobytes())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for message in messages:
            stranger.sendto(message, str(path))


def meet_faults(parts: Any) -> None:
    """Kill and restart the server and a device, and let another client flood the server."""
    everybody = [True] * 4
    wait_for(parts, heard(everybody))
    count = wait_for(parts, decided_by("server", 20))
    parts.kill("server")
    count = wait_for(parts, decided_by("own", 20), count)
    parts.start("server")
    count = wait_for(parts, decided_by("server", 20), count)
    parts.kill("device-1")
    count = wait_for(parts, heard([True, False, True, True]), count)
    parts.start("device-1")
    count = wait_for(parts, heard(everybody), count)
    send_nonsense(parts.folder / "controller.sock")
    count = wait_for(parts, lambda lines: len(lines) >= 10, count)
    command = [sys.executable, "-c", FLOOD, str(parts.folder / "server.sock")]
    flood = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=EXAMPLE.parents[1])
    try:
        assert flood.stdout is not None
        assert flood.stdout.readline() == b"flooding\n"
        count = len(lines_of(parts.folder))
        wait_for(parts, lambda lines: len(lines) >= 100, count)
        wait_for(parts, decided_by("server", 5), count)
    finally:
        flood.kill()
        flood.communicate()


@pytest.fixture
def run(example, tmp_path) -> list[Line]:
    parts = example["run"].Parts(tmp_path)
    try:
        parts.start("controller")
        meet_faults(parts)
    finally:
        parts.stop()
    return lines_of(tmp_path)


def check_every_period(lines: list[Line]) -> None:
    assert [line["period"] for line in lines] == list(range(len(lines)))
    for line in lines:
        assert line["by"] in ("server", "own", "held")
        assert line["late"] or line["seconds"] <= 0.01


def check_decisions(lines: list[Line], problem_of: Callable[..., lyaopt.SlotProblem]) -> None:
    """They are those of the rule, and of a slot that is solved here, to the last bit."""
    rule = price_rule(SYSTEM, 0.02, rounds=0)
    busy = set()
    for line in lines:
        if line["by"] == "held":
            continue
        backlog, head_left = np.array(line["backlog"]), np.array(line["head_left"])
        state = (
            backlog.reshape(3, -1),
            np.array(line["waiting"], np.int64).reshape(3, -1),
            head_left.reshape(3, -1),
        )
        weights = [weight.reshape(4, 2) for weight in rule.weights(SYSTEM, *state)]
        names = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
        slot = dict(zip(names, backlog, strict=True)) | {"channel_gain": np.array(line["gain"])}
        slot |= dict(zip(("local_weight", "transmit_weight", "edge_weight"), weights, strict=True))
        solution = lyaopt.solve_slot(problem_of(SYSTEM, **slot))
        rates = np.stack([solution.local_cpu_hz, solution.rate_bps, solution.edge_cpu_hz])
        np.testing.assert_array_equal(line["rates"], rates)
        np.testing.assert_array_equal(line["points"], rule.points(SYSTEM, *state).reshape(4, 2))
        if rates.any():
            busy.add(line["by"])
    assert "server" in busy


def check_metrics(lines: list[Line], found: dict[str, float], buckets: tuple[float, ...]) -> None:
    for who, count in Counter(line["by"] for line in lines).items():
        assert found[f'controller_decisions_total{{by="{who}"}}'] == count
    assert found["controller_missed_deadlines_total"] == sum(line["late"] for line in lines)
    seconds = [line["seconds"] for line in lines if "seconds" in line]
    assert found["controller_decision_seconds_count"] == len(seconds)
    assert found["controller_decision_seconds_sum"] == pytest.approx(sum(seconds), rel=1e-12)
    counts = Counter(bisect_left(buckets, one) for one in seconds)
    for place, bound in enumerate(buckets):
        below = sum(counts[i] for i in range(place + 1))
        assert found[f'controller_decision_seconds_bucket{{le="{bound}"}}'] == below
    assert found["controller_server_connections_total"] >= 2
    assert found["controller_devices_present"] == 4


def test_every_period_is_decided_whatever_is_killed(example, run, tmp_path):
    check_every_period(run)
    check_decisions(run, example["decisions"].problem_of)
    check_metrics(run, values_of(tmp_path), example["metrics"].BUCKETS_S)
    assert f"{len(run)} periods" in example["run"].summary(tmp_path)


def test_periods_lie_on_a_grid_and_those_that_passed_are_told(example, monkeypatch):
    """A clock of our own, on which waiting and deciding take odd times."""
    now, slept = [7_000_000_123], []
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += round(1e9 * seconds) + 3_333  # it never wakes in time

    monkeypatch.setattr(time, "sleep", sleep)
    periods = example["clock"].Periods()
    start = now[0]
    passed = []
    for work_ns in (1_000, 9_999_999, 10_500_000, 35_000_000, 1_000, 10_000_000):
        passed.append(periods.next())
        assert start + periods.number * 10_000_000 <= now[0] < periods.ends_at
        assert periods.left_s() == pytest.approx((periods.ends_at - now[0]) / 1e9)
        now[0] += work_ns
    # the third and fourth begin late, in periods 2 and 3; then two pass
    assert passed == [[], [], [], [], [4, 5], []]
    assert periods.number == 7
    assert all(seconds <= 0.01 for seconds in slept)


def test_devices_lose_no_task_and_no_work(example):
    """With rates that change at random, until all tasks are done."""
    device = example["device"].Device(SYSTEM, 1, seed=3)
    device._arrivals[:] = 0.3
    rng = np.random.default_rng(4)
    decision, started = example["messages"].Decision, 0
    amounts = np.stack([SYSTEM.local_cycles, SYSTEM.transmit_bits, SYSTEM.edge_cycles])[:, 2:4]
    counts = SYSTEM.cut_counts[2:4]
    for number in range(600):
        if number == 300:
            device._arrivals[:] = 0.0
        rates = rng.exponential(1.0, (3, 2)) * amounts.max(axis=2) / device._tau
        device.decision = decision(number, rates, rng.integers(0, counts))
        before = device.finished
        gain, queues = device.step()
        assert gain > 0.0
        backlog, waiting, head_left = queues
        assert ((backlog > 0.0) == (waiting > 0)).all()
        assert (head_left <= np.where(waiting > 0, backlog * (1 + 1e-12), 1.0)).all()
        started = max(started, waiting.sum() + device.finished)
        assert device.finished >= before
        state = example["messages"].state_message(1, number, gain, queues)
        read = example["messages"].State.of(state, 2)
        np.testing.assert_array_equal(np.stack(read[3:]), queues)
    assert device.finished == started > 100
    assert not waiting.any()
