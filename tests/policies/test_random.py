"""Random points: legal, uniform, and independent of the number drawn in one call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Random
from lyaopt.policies.random import draw_points
from lyaopt.simulation import Simulator
from tests.policies.small import pair, seen

SYSTEM = load_scenario("default")


def drawn(system=SYSTEM, replications=3, periods=40, **place):
    return draw_points(seen(system, np.zeros((3, len(system.services), replications)), **place), periods)


@pytest.mark.parametrize("exclude", [False, True])
def test_every_legal_cut_is_drawn_about_equally_often(exclude):
    system = replace(SYSTEM, learning=replace(SYSTEM.learning, exclude_cut_zero=exclude))
    points = drawn(system, replications=50, periods=400)
    for s, cuts in enumerate(system.cut_counts):
        counts = np.bincount(points[:, s].ravel(), minlength=cuts)
        assert counts.size == cuts
        legal = counts[int(exclude) :]
        assert counts.sum() == legal.sum()
        share = 1.0 / legal.size
        deviation = np.sqrt(counts.sum() * share * (1.0 - share))
        assert np.abs(legal - counts.sum() * share).max() < 5.0 * deviation


def test_draws_do_not_depend_on_the_number_of_replications():
    np.testing.assert_array_equal(drawn(replications=7)[..., :3], drawn(replications=3))


def test_draws_do_not_depend_on_when_they_are_made():
    whole = drawn(periods=40)
    for first in (1, 17, 39):
        np.testing.assert_array_equal(drawn(periods=40 - first, period=first), whole[first:])


def test_seeds_periods_replications_and_services_draw_independently():
    twin = replace(pair(), devices=pair().devices * 2)
    points = drawn(twin, replications=2, periods=3000)
    others = [
        drawn(twin, replications=2, periods=3000, seed=1),
        drawn(twin, replications=2, periods=3000, period=1),
        points[..., ::-1],
        points[:, [1, 2, 3, 0]],
    ]
    for other in others:
        assert abs((points == other).mean() - 1 / 3) < 0.02


def test_a_run_in_pieces_uses_the_same_points_as_one():
    runs = []
    for pieces in ((600,), (3, 7, 95, 495)):
        simulator = Simulator(SYSTEM, Random(), seed=3, record=True)
        for slots in pieces:
            simulator.run(slots)
        runs.append(simulator.result().record)
    np.testing.assert_array_equal(runs[0].partition, runs[1].partition)
    np.testing.assert_array_equal(runs[0].partition, drawn(replications=1, periods=60, seed=3)[..., 0])


def test_runs_longer_than_the_drawn_block_continue():
    system = replace(SYSTEM, slots_per_period=1)
    simulator = Simulator(system, Random(), record=True)
    simulator.run(2500)
    partition = simulator.result().record.partition
    np.testing.assert_array_equal(partition, drawn(system, replications=1, periods=2500)[..., 0])
