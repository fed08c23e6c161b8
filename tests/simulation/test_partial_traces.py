"""Traces of one half of the traffic, and replications that start at slots of their own."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed, make_policy
from lyaopt.simulation import Simulator, Trace, complete_trace, load_trace, simulate

SYSTEM = load_scenario("default")
MIDDLE = make_policy("middle", SYSTEM)


def drawn(slots=300, seed=5):
    """Arrivals and gains that a run draws, from its record."""
    record = simulate(SYSTEM, MIDDLE, slots=slots, seed=seed, record=True).record
    return record.arrivals, record.channel_gain


@pytest.mark.parametrize("given", ["arrivals", "channel_gain"])
def test_the_missing_half_is_what_a_run_with_the_same_seed_draws(given, tmp_path):
    arrivals, gain = drawn(seed=5)
    path = tmp_path / "half.npz"
    np.savez(path, **{given: {"arrivals": arrivals, "channel_gain": gain}[given]})
    trace = load_trace(path, SYSTEM, seed=5)
    np.testing.assert_array_equal(trace.arrivals, arrivals)
    np.testing.assert_array_equal(trace.channel_gain, gain)
    other = load_trace(path, SYSTEM, seed=6)
    assert (other.arrivals != arrivals).any() == (given == "channel_gain")
    assert (other.channel_gain != gain).any() == (given == "arrivals")


def test_replications_of_what_is_drawn_differ():
    gain = np.full((4000, 4), 1e-10)
    first, second = (complete_trace(SYSTEM, channel_gain=gain, seed=5, replication=r) for r in (0, 1))
    assert (first.arrivals != second.arrivals).any()


def test_a_trace_has_at_least_one_half(tmp_path):
    path = tmp_path / "none.npz"
    np.savez(path, partition=np.zeros((1, 8), np.int64))
    with pytest.raises(DocumentError, match=r"\$\.arrivals: missing, as is \$\.channel_gain"):
        load_trace(path, SYSTEM)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"channel_gain": 3.0}, "channel_gain"),
        ({"channel_gain": np.array(3.0)}, "channel_gain"),
        ({"arrivals": [["a"]]}, "arrivals"),
        ({"arrivals": np.zeros((5, 8))}, "arrivals"),
    ],
)
def test_a_wrong_half_is_named(given, place):
    with pytest.raises(DocumentError, match=rf"\$\.{place}"):
        complete_trace(SYSTEM, **given)


def traffic(slots):
    rng = np.random.default_rng(8)
    return rng.poisson(0.02, (slots, 8)), 1e-10 * rng.exponential(size=(slots, 4))


@pytest.mark.parametrize("starts", [[0, 30, 99], [7, 7, 50]])
def test_each_replication_runs_on_the_trace_from_its_start(starts):
    arrivals, gain = traffic(100)
    together = simulate(SYSTEM, MIDDLE, slots=230, replications=3, trace=Trace(arrivals, gain, starts=starts))
    for b, start in enumerate(starts):
        rolled = [np.tile(np.roll(values, -start, axis=0), (3, 1)) for values in (arrivals, gain)]
        alone = simulate(SYSTEM, MIDDLE, slots=230, trace=Trace(*rolled))
        np.testing.assert_array_equal(together.queues[..., b], alone.queues[..., 0])
        np.testing.assert_array_equal(together.transmit_energy_j[:, b], alone.transmit_energy_j[:, 0])


def test_policies_see_the_next_gain_of_their_replication():
    arrivals, gain = traffic(40)
    simulator = Simulator(SYSTEM, MIDDLE, replications=2, trace=Trace(arrivals, gain, starts=[0, 25]))
    simulator.run(20)
    np.testing.assert_array_equal(simulator._state.next_gain(), np.array([gain[20], gain[5]]).T)


def test_evenly_spaced_starts_have_no_partition_points():
    arrivals, gain = traffic(100)
    trace = Trace(arrivals, gain, np.zeros((10, 8), np.int64))
    assert trace.spread_over(4).starts.tolist() == [0, 25, 50, 75]
    assert trace.spread_over(4).partition is None
    assert trace.after(60).slots == 40


@pytest.mark.parametrize(
    ("starts", "reason"),
    [
        ([0, 100], r"starts\[1\]: expected a slot below 100"),
        ([0.5], r"starts: expected a table of integers"),
        ([-1], r"starts\[0\]\[0\]: expected an integer from 0"),
    ],
)
def test_wrong_starts_are_refused(starts, reason):
    with pytest.raises(DocumentError, match=reason):
        Trace(*traffic(100), starts=starts)


def test_starts_belong_to_replications():
    trace = Trace(*traffic(100), starts=[0, 1])
    with pytest.raises(DocumentError, match=r"starts: expected 3, one for each replication, got 2"):
        simulate(SYSTEM, MIDDLE, slots=5, replications=3, trace=trace)


def test_without_starts_a_trace_ends():
    with pytest.raises(ProblemError, match="at most the 100 of the trace"):
        simulate(SYSTEM, Fixed([3] * 8), slots=101, trace=Trace(*traffic(100)))
