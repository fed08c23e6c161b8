"""Parts of the reward, and points that had no effect."""

from __future__ import annotations

import numpy as np

from lyaopt.learning.credited import CreditedSystems
from tests.learning.worlds import WITHOUT_ZERO, ragged_system, random_points


def make_systems(**options):
    return CreditedSystems(ragged_system(learning=WITHOUT_ZERO), systems=5, seed=3, **options)


def test_parts_add_up_to_the_reward():
    systems = make_systems(decisions=6)
    for points in random_points(systems, 13):
        systems.step(points)
        np.testing.assert_allclose(systems.parts.sum(axis=1), systems.reward, rtol=1e-5)
        assert (systems.parts[:, 1] == 0.0).all()  # a device without services


def test_points_that_met_no_task_change_nothing():
    """Other points in their place give the same rewards and backlogs, now and ever after."""
    first, second = make_systems(decisions=6), make_systems(decisions=6)
    other = random_points(first, 13, seed=1)
    changed = np.zeros(2, bool)
    for points, instead in zip(random_points(first, 13), other, strict=True):
        first.step(points)
        mixed = np.where(first.met, points, instead)
        second.step(mixed)
        np.testing.assert_array_equal(first.met, second.met)
        np.testing.assert_array_equal(first.parts, second.parts)
        np.testing.assert_array_equal(first.reward, second.reward)
        changed |= [(mixed != points).any(), first.met.any()]
    assert changed.all()


def test_points_that_met_a_task_change_something():
    first, second = make_systems(decisions=50), make_systems(decisions=50)
    lowest = np.full((5, 3), first.first_choice)
    met = np.zeros((5, 3), bool)
    for _ in range(3):
        first.step(lowest)
        second.step(np.tile(second.choices - 1, (5, 1)))
        met |= first.met
        np.testing.assert_array_equal(first.met, second.met)
        differ = first.parts != second.parts
        assert not (differ & ~np.stack([met[:, :2].any(1), met[:, 0] & False, met[:, 2]], axis=1)).any()
    assert differ[:, 0].any()
