"""Parts of the reward, and points that had no effect."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt._kernels.learning.credit_assignment import RATE, WAITING
from lyaopt.learning.credited import CreditedSystems
from tests.learning.worlds import WITHOUT_ZERO, ragged_system, random_points


def make_systems(**options):
    return CreditedSystems(ragged_system(learning=WITHOUT_ZERO), replications=5, seed=3, **options)


@pytest.mark.parametrize("edge_capacity_hz", [20e9, 40e6])
def test_parts_and_the_edge_backlog_add_up_to_the_reward(edge_capacity_hz):
    system = ragged_system(learning=WITHOUT_ZERO, edge_capacity_hz=edge_capacity_hz)
    systems = CreditedSystems(system, replications=5, seed=3, decisions=6)
    scarce = False
    for points in random_points(systems, 13):
        truncated = systems.step(points)
        assert (systems.parts[:, 1] == 0.0).all()  # a device without services
        if truncated:
            continue
        backlog, given, _ = systems._state.present_means()
        waited = (backlog[2] - given[2] * system.slot_duration_s).sum(axis=0) / edge_capacity_hz
        busy = np.minimum(given[2].sum(axis=0) / edge_capacity_hz, 1.0)
        rest = systems.edge[:, RATE] * waited / np.where(busy > 0.0, busy, 1.0)
        np.testing.assert_allclose(systems.parts.sum(axis=1) - rest, systems.reward, rtol=1e-4)
        scarce |= (rest > 1e-6).any()
    assert scarce == (edge_capacity_hz < 1e9)


def test_joined_edge_work_is_the_service_plus_the_growth_of_the_backlog():
    system = ragged_system(edge_capacity_hz=40e6)
    systems = CreditedSystems(system, replications=5, seed=3, decisions=50)
    before = np.zeros((5, 3))
    for points in random_points(systems, 20):
        systems.step(points)
        served = systems._state.present_means()[1][2] * system.slot_duration_s * system.slots_per_period
        waits = np.zeros((5, 3))
        expected = np.zeros((5, 3))
        for s, m in enumerate(system.device_of_service):
            waits[:, m] += systems._state.backlog()[2, s] / 40e6
            expected[:, m] += served[s] / 40e6
        expected += waits - before
        np.testing.assert_allclose(systems.joined, expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(systems.edge[:, WAITING], waits.sum(axis=1))
        before = waits
    assert before.any()


def test_points_used_by_no_task_have_no_effect():
    """Other points in their place give the same rewards and backlogs, now and later."""
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


def test_points_used_by_a_task_have_an_effect():
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
