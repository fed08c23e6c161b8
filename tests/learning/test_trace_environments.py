"""Environments that replay a trace."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="environments need the extra lyaopt[train]")

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.learning.gym import PartitionEnv
from lyaopt.learning.gym_vector import PartitionVectorEnv
from lyaopt.learning.ranges import Ranges
from lyaopt.learning.systems import VectorSystems
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed
from lyaopt.simulation import Trace, simulate

SYSTEM = load_scenario("default")
POINTS = np.full(8, 2)


def traffic(slots=170):
    rng = np.random.default_rng(3)
    return Trace(rng.poisson(0.05, (slots, 8)), 1e-10 * rng.exponential(size=(slots, 4)))


def energies(systems, periods):
    """Mean energy of a slot in each period (P, B)."""
    points = np.tile(POINTS, (systems.replications, 1))
    found = []
    for _ in range(periods):
        systems.step(points)
        found.append(systems.energy.sum(axis=1).copy())
    return np.array(found)


def test_an_episode_is_a_simulation_on_the_trace_from_its_start():
    trace = traffic()
    systems = VectorSystems(SYSTEM, replications=3, seed=4, decisions=1000, trace=trace)
    starts = systems._state._trace.starts.reshape(-1)[:3]
    assert len(set(starts.tolist())) == 3
    found = energies(systems, 30)
    for b, start in enumerate(starts):
        rolled = [
            np.tile(np.roll(values, -start, axis=0), (2, 1))
            for values in (trace.arrivals, trace.channel_gain)
        ]
        alone = simulate(SYSTEM, Fixed(POINTS), slots=300, trace=Trace(*rolled))
        assert found[:, b].mean() == pytest.approx(alone.mean_energy_j, rel=1e-12)


def test_starts_change_with_episode_and_seed_and_not_with_the_number_of_replications():
    trace = traffic()
    few = VectorSystems(SYSTEM, replications=2, seed=4, decisions=5, trace=trace)
    many = VectorSystems(SYSTEM, replications=6, seed=4, decisions=5, trace=trace)
    first = energies(few, 5)
    np.testing.assert_array_equal(first, energies(many, 5)[:, :2])
    assert (energies(few, 5) != first).any()
    again = VectorSystems(SYSTEM, replications=2, seed=4, decisions=5, trace=trace)
    np.testing.assert_array_equal(energies(again, 5), first)


def test_a_snapshot_continues_on_the_trace():
    systems = VectorSystems(SYSTEM, replications=2, seed=1, decisions=50, trace=traffic())
    energies(systems, 7)
    kept = systems.snapshot()
    expected = energies(systems, 20)
    other = VectorSystems(SYSTEM, replications=2, seed=1, decisions=50, trace=traffic())
    other.restore(kept)
    np.testing.assert_array_equal(energies(other, 20), expected)


def test_environments_take_a_trace_or_its_file(tmp_path):
    trace, path = traffic(), tmp_path / "trace.npz"
    np.savez(path, arrivals=trace.arrivals, channel_gain=trace.channel_gain)
    seen = []
    for given in (trace, path):
        environment = PartitionEnv("default", decisions=20, trace=given)
        environment.reset(seed=2)
        seen.append(environment.step(POINTS)[0])
    np.testing.assert_array_equal(*seen)
    vector = PartitionVectorEnv(3, "default", decisions=20, trace=trace)
    vector.reset(seed=[2, 3, 4])
    np.testing.assert_array_equal(vector.step(np.tile(POINTS, (3, 1)))[0][0], seen[0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(DocumentError, match="expected shape"):
        VectorSystems(SYSTEM, trace=Trace(np.zeros((5, 7), np.int64), np.ones((5, 4))))
    with pytest.raises(ProblemError, match=r"\$\.trace: expected at least one slot"):
        VectorSystems(SYSTEM, trace=Trace(np.zeros((0, 8), np.int64), np.ones((0, 4))))
    ranges = Ranges.from_dict({"edge_capacity_hz": [1e9, 2e9]})
    with pytest.raises(ProblemError, match=r"\$\.ranges"):
        VectorSystems(SYSTEM, ranges=ranges, trace=traffic())
