"""Traces in two parts, and their hash."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.policies.paired_trials import Trials
from lyaopt.simulation import RecordedTrace, Trace, complete_trace, divide, simulate, trace_parts
from lyaopt_cli.support import tuning

SYSTEM = load_scenario("default")
MIDDLE = make_policy("middle", SYSTEM)


def traffic(slots):
    rng = np.random.default_rng(8)
    return rng.poisson(0.02, (slots, 8)), 1e-10 * rng.exponential(size=(slots, 4))


def test_the_command_line_has_the_same_limit():
    assert tuning.MOST_SEARCHED == trace_parts.MOST_SEARCHED


@pytest.mark.parametrize(
    ("slots", "wanted", "first"), [(100, None, 50), (101, None, 50), (100, 4, 4), (9, 8, 8)]
)
def test_both_parts_together_are_the_trace(slots, wanted, first):
    trace = Trace(*traffic(slots))
    parts = divide(trace, SYSTEM, wanted)
    assert parts.searched.slots == first
    for name in ("arrivals", "channel_gain"):
        joined = np.concatenate([getattr(parts.searched, name), getattr(parts.judged, name)])
        np.testing.assert_array_equal(joined, getattr(trace, name))
    assert parts.to_dict() == {"sha256": trace.sha256, "searched_slots": first, "judged_slots": slots - first}


def test_of_a_long_trace_no_more_is_searched_than_in_a_trial(monkeypatch):
    monkeypatch.setattr(trace_parts, "MOST_SEARCHED", 30)
    assert divide(Trace(*traffic(100)), SYSTEM).searched.slots == 30


@pytest.mark.parametrize(
    ("slots", "wanted", "reason"),
    [
        (7, None, r"\$\.trace: expected at least 8 slots, half of them to search on, got 7"),
        (0, None, r"\$\.trace: expected at least 8 slots"),
        (100, 3, r"\$\.search_slots: expected at least 4, got 3"),
        (100, 100, r"\$\.trace: expected more slots than the 100 that are searched, got 100"),
    ],
)
def test_parts_that_are_too_short_are_refused(slots, wanted, reason):
    with pytest.raises(ProblemError, match=reason):
        divide(Trace(*traffic(slots)), SYSTEM, wanted)


def test_the_hash_is_of_the_recorded_numbers():
    arrivals, gain = traffic(40)
    whole = Trace(arrivals, gain)
    assert whole.sha256 == Trace(arrivals.astype(np.uint8), np.asfortranarray(gain)).sha256
    assert whole.sha256 == Trace(arrivals, gain, np.zeros((4, 8), np.int64), None).sha256
    zero = np.zeros_like(gain)
    assert Trace(arrivals, zero).sha256 == Trace(arrivals, -zero).sha256
    hashes = {whole.sha256, Trace(arrivals, gain[::-1]).sha256, Trace(arrivals[::-1], gain).sha256}
    for seed in (1, 2):  # what is drawn counts for nothing
        hashes.add(complete_trace(SYSTEM, channel_gain=gain, seed=seed).sha256)
        hashes.add(complete_trace(SYSTEM, arrivals=arrivals, seed=seed).sha256)
    assert len(hashes) == 5
    assert RecordedTrace("t.npz", {"channel_gain": gain}).sha256 in hashes
    assert RecordedTrace("t.npz", {"arrivals": arrivals, "channel_gain": gain}).sha256 == whole.sha256


def test_a_recording_has_parts_for_each_system(tmp_path):
    _, gain = traffic(40)
    np.savez(tmp_path / "t.npz", channel_gain=gain, partition=np.zeros((4, 8), np.int64))
    recorded = RecordedTrace.load(tmp_path / "t.npz", 10)
    parts = recorded.parts(SYSTEM, seed=3)
    np.testing.assert_array_equal(parts.searched.channel_gain, gain[:10])
    drawn = complete_trace(SYSTEM, channel_gain=gain, seed=3)
    np.testing.assert_array_equal(parts.judged.arrivals, drawn.arrivals[10:])
    assert parts.to_dict()["drawn"] == "arrivals"
    assert parts.to_dict() == recorded.to_dict()
    with pytest.raises(DocumentError, match=r"\$\.channel_gain: expected shape \(40, 4\), got \(40, 3\)"):
        RecordedTrace("t.npz", {"channel_gain": gain[:, :3]}).parts(SYSTEM, seed=3)


def test_trials_start_where_a_trace_says():
    """Two candidates of three replications are six runs, each from its own start."""
    trace = Trace(*traffic(100)).spread_over(3)
    trials = Trials(SYSTEM, 0, 60, 8, 10**6, (trace,))
    points = np.array([[1] * 8, [3] * 8]).T
    outcome = trials.run(points)
    assert trials.used == 2 * 3 * 60
    assert outcome.costs.shape == (4, 2, 3)
    assert np.isfinite(outcome.allowed_growth).all()
    for c in range(2):
        policy = make_policy(",".join(map(str, points[:, c])), SYSTEM)
        for b, start in enumerate(trace.starts):
            rolled = (np.roll(values, -start, axis=0) for values in (trace.arrivals, trace.channel_gain))
            run = simulate(SYSTEM, policy, slots=54, warmup=6, trace=Trace(*rolled))
            single = Trials(SYSTEM, 0, 60, 8, 10**6)._costs(run)
            np.testing.assert_allclose(outcome.costs[:, c, b], single.ravel(), rtol=1e-12)
