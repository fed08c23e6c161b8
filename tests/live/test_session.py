"""Real runs: real processes, sockets and inference, on networks of well under a millisecond."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import psutil
import pytest

torch = pytest.importorskip("torch", reason="runs need the extra lyaopt[profile]")

from lyaopt import make_policy  # noqa: E402
from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.live import ProcessDiedError, Session, compare, full_rates_bps, predict  # noqa: E402
from lyaopt.live.loads import births_of, drawn_trace  # noqa: E402
from lyaopt.live.networks import LiveNetwork, NetworkOptions  # noqa: E402
from lyaopt.live.processes import EDGE  # noqa: E402
from lyaopt.simulation import Decision  # noqa: E402
from tests.live.systems import TINY, options, two_devices  # noqa: E402

SECONDS = 2.0


class InTurns:
    """Cuts that change from period to period, and the backlogs that were seen."""

    name = "in turns"

    def __init__(self, cuts: int) -> None:
        self.cuts, self.seen, self.rates, self.power_w = cuts, [], [], []

    def decide(self, observation):
        self.seen.append(observation.backlog[:, :, 0].copy())
        self.rates.append(observation.mean_service[:, :, 0].copy())
        self.power_w.append(observation.mean_power_w[:, 0].copy())
        period = observation.period
        return Decision(np.array([(period + s) % self.cuts for s in range(3)]))


@pytest.fixture(scope="module")
def session():
    system = two_devices()
    with Session(system, options(system)) as running:
        yield running


@pytest.fixture(scope="module")
def measured(session):
    return session.measure()


@pytest.fixture(scope="module")
def trace():
    return drawn_trace(two_devices(), 200, seed=5)


def test_every_cut_gives_the_bits_of_the_whole_network():
    network = LiveNetwork(NetworkOptions(TINY))
    assert network.last_cut >= 3
    for cut in range(network.last_cut + 1):
        for number in range(3):
            crossing = network.head(cut)(network.input_of(number))
            outputs = crossing if cut == network.last_cut else network.tail(cut)(crossing)
            assert network.agrees(cut, number, outputs)
            assert not network.agrees(cut, number + 1, outputs)


@pytest.mark.parametrize("place", [0, 1, 2, 4, 8, 16])
def test_bits_do_not_depend_on_where_features_lie_in_memory(small, place):
    """Vector instructions add up in another order where memory is not aligned: frames lie anywhere."""
    for cut in range(small.last_cut):
        for number in range(8):
            crossing = [_moved(tensor, place) for tensor in small.head(cut)(small.input_of(number))]
            assert small.agrees(cut, number, small.tail(cut)(tuple(crossing)))


@pytest.fixture(scope="module")
def small():
    return LiveNetwork(NetworkOptions("small"))


def _moved(tensor, place):
    memory = bytearray(place) + tensor.tobytes()
    return np.frombuffer(memory, tensor.dtype, tensor.size, place).reshape(tensor.shape)


def test_equal_seeds_give_equal_weights():
    digests = {LiveNetwork(NetworkOptions(TINY, seed=seed)).digest() for seed in (1, 1, 2)}
    assert len(digests) == 2


def test_halves_are_measured_at_every_cut(session, measured):
    system, seconds = measured
    for m, s in enumerate([0, 2]):
        profile = system.services[s].profile
        assert profile.measured is not None
        hz = system.cpu_capacity_hz[m]
        assert system.local_cycles[s] / hz == pytest.approx(seconds[s].head_s)
        assert system.edge_cycles[s] / system.edge_capacity_hz == pytest.approx(seconds[s].tail_s)
        assert seconds[s].head_s[0] == seconds[s].tail_s[-1] == 0.0
        assert all(0.0 < each < 10.0 for each in (*seconds[s].head_s[1:], *seconds[s].tail_s[:-1]))
        assert system.transmit_bits[s].tolist() == list(seconds[s].bits)
        # What is sent is the features at 32 bits an element, and a header.
        features = [cut.bits for cut in session.profiles[s].cuts[:-1]]
        assert all(0 < sent - cut < 1000 for sent, cut in zip(seconds[s].bits, features, strict=False))


def test_a_run_loses_no_task_and_changes_no_output(session, measured, trace):
    policy = InTurns(len(session.profiles[0].cuts))
    outcome = session.run(measured, policy, trace, SECONDS)
    births = births_of(two_devices(), trace.arrivals, SECONDS)
    assert outcome.failure is None
    assert outcome.log.born == sum(map(len, births)) > 10
    assert outcome.log.in_flight == outcome.log.unequal == 0
    assert {record.cut for record in outcome.log.finished} == set(range(policy.cuts))
    last = policy.cuts - 1
    for record in outcome.log.finished:
        times = [record.born, record.head_started, record.head_done, record.sent, record.tail_started]
        known = [each for each in (*times, record.tail_done) if each is not None]
        assert known == sorted(known)
        assert (record.head_started is None) == (record.cut == 0)
        assert (record.sent is None) == (record.tail_done is None) == (record.cut == last)
        assert record.equal
    born = sorted((record.device, record.born) for record in outcome.log.finished)
    due = sorted((m, at) for m, rows in enumerate(births) for at, _, _ in rows)
    assert [m for m, _ in born] == [m for m, _ in due]
    assert [at for _, at in born] == pytest.approx([at for _, at in due], abs=1e-6)
    assert len(outcome.points) == len(policy.seen) == 20


def test_policies_see_what_was_served(session, measured, trace):
    """Over a run all that was sent but in its last period, and full power for the time that it takes."""
    policy = InTurns(2)
    outcome = session.run(measured, policy, trace, SECONDS)
    sent = [record for record in outcome.log.finished if record.sent is not None]
    until = SECONDS - 0.1
    least = sum(record.bits for record in sent if record.sent < until - 0.05)
    seen = 0.1 * sum(rates[1].sum() for rates in policy.rates)
    assert 0 < least <= seen * (1 + 1e-9) <= sum(record.bits for record in sent) * (1 + 1e-9)
    rate, power_w = full_rates_bps(two_devices(), trace.channel_gain)[0, 0], 0.5
    # Less where a period took longer than it should: a radio cannot send for more than all of it.
    assert 0.0 < sum(map(sum, policy.power_w)) * 0.1 <= power_w * seen / rate * (1 + 1e-9)


def test_no_bit_leaves_before_its_radio_carries_it(session, measured, trace):
    system, rate = two_devices(), full_rates_bps(two_devices(), trace.channel_gain)[0, 0]
    outcome = session.run(measured, make_policy("all-offload", system), trace, SECONDS)
    for m in range(2):
        rows = sorted((r for r in outcome.log.finished if r.device == m), key=lambda record: record.sent)
        free = 0.0
        for record in rows:
            free = max(free, record.born) + record.bits / rate
            assert record.sent >= free - 1e-6


def test_measured_backlogs_are_those_of_tasks_that_wait(session, measured, trace):
    """A radio that carries a hundredth of what comes: what waits is what was born and has not left."""
    slow = session.run(measured, Waiter(), trace_of_slow_radios(), SECONDS)
    assert slow.failure is None
    born = [record for record in slow.log.in_order() if record.born < SECONDS]
    for period in range(5, 20, 5):
        backlogs = slow.backlogs[period]
        before = [record for record in born if record.born < 0.1 * period - 0.05]
        waiting = [record for record in before if record.sent is None or record.sent > 0.1 * period + 0.05]
        assert backlogs.tasks[1].sum() >= len(waiting) > 0
        most = sum(record.bits for record in born if record.born < 0.1 * period + 0.05 and record.bits)
        assert (
            0.0
            < backlogs.amounts[1].sum()
            <= max(most, backlogs.tasks[1].sum() * max(seconds_bits(measured)))
        )


def seconds_bits(measured):
    return [bits for each in measured[1] for bits in each.bits]


class Waiter:
    name = "waiter"

    def decide(self, observation):
        return Decision(np.zeros(3, np.int64))


def trace_of_slow_radios():
    from lyaopt.simulation import Trace

    arrivals = np.zeros((200, 3), np.int64)
    arrivals[::10] = 1
    shares = np.full((200, 2), 0.02)
    shares[150:] = 1.0
    return Trace(arrivals, shares)


def test_the_simulation_has_the_same_tasks(session, measured, trace):
    outcome = session.run(measured, InTurns(3), trace, SECONDS)
    rates = full_rates_bps(two_devices(), trace.channel_gain)
    prediction = predict(measured[0], outcome.log.in_order(), rates, seconds=outcome.seconds + 5.0)
    assert np.isfinite(prediction.latency_s).all()
    rows = compare(prediction)
    assert rows[0].tasks == outcome.log.born == sum(row.tasks for row in rows[1:])


def test_a_user_who_stops_gets_what_was_logged(trace):
    system = two_devices()
    stop_at = [np.inf]
    with Session(system, options(system), lambda: time.monotonic() > stop_at[0]) as running:
        measured = running.measure()
        stop_at[0] = time.monotonic() + 1.0
        outcome = running.run(measured, Waiter(), trace, 60.0)
        pids = list(running.pids.values())
    assert outcome.failure is None
    assert outcome.log.born > 0
    assert outcome.log.born == len(outcome.log.finished) + outcome.log.in_flight
    assert outcome.seconds < 60.0
    assert not any(alive(pid) for pid in pids)


def test_a_user_may_stop_before_the_start():
    system, before = two_devices(), set(psutil.Process().children())
    with pytest.raises(ProcessDiedError, match="interrupted"):
        Session(system, options(system), lambda: True)
    assert set(psutil.Process().children()) == before


@pytest.mark.parametrize(("number", "name"), [(0, "the process of camera"), (EDGE, "the edge process")])
def test_a_process_that_is_killed_ends_the_run_with_its_name(trace, number, name):
    system = two_devices()
    with Session(system, options(system)) as running:
        measured = running.measure()
        killed = []

        class Killer(Waiter):
            def decide(self, observation):
                if observation.period == 10 and not killed:
                    os.kill(running.pids[number], signal.SIGKILL)
                    killed.append(observation.period)
                return super().decide(observation)

        outcome = running.run(measured, Killer(), trace, SECONDS)
        pids = list(running.pids.values())
    assert isinstance(outcome.failure, ProcessDiedError)
    assert str(outcome.failure) == f"{name} was killed by signal 9"
    assert 0 < outcome.log.born == len(outcome.log.finished) + outcome.log.in_flight
    assert not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_networks_that_differ_between_processes_are_refused():
    system = two_devices()
    with pytest.raises(ProcessDiedError, match="other weights"):
        Session(system, options(system, "tests.live.tiny_network:unlike"))


def test_a_network_that_cannot_be_loaded_is_refused_with_its_reason():
    system = two_devices()
    with pytest.raises(ProfileError, match="no such weights"):
        Session(system, options(system, "tests.live.tiny_network:broken"))
