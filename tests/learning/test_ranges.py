"""Settings that every episode draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.learning import VectorSystems
from lyaopt.learning.ranges import FIXED, Ranges, without_idle_services
from lyaopt.model.scenarios import load_scenario
from tests.learning.worlds import ragged_system, random_points

ALL = Ranges(
    edge_capacity_hz=(1e8, 1e10),
    cpu_capacity_hz=(5e8, 2e9),
    max_power_w=(0.1, 0.5),
    distance_m=(100.0, 300.0),
    arrival_rate_per_s=(0.1, 0.4),
)


def drawn(count):
    rng = np.random.default_rng(3)
    return [ALL.draw(ragged_system(), rng) for _ in range(count)]


def test_draws_are_log_uniform_within_their_ranges():
    systems = drawn(400)
    for name, ends in vars(ALL).items():
        if ends is None:
            continue
        values = np.array([np.ravel(getattr(system, name)) for system in systems])
        place = np.log(values / ends[0]) / np.log(ends[1] / ends[0])
        assert ((place >= 0.0) & (place <= 1.0)).all()
        assert abs(place.mean() - 0.5) < 4.0 / np.sqrt(12.0 * place.size)
        assert abs(place.std() - np.sqrt(1.0 / 12.0)) < 0.05
        if values.shape[1] > 1:  # devices and services are independent
            assert abs(np.corrcoef(values[:, 0], values[:, 1])[0, 1]) < 0.2


def test_other_fields_do_not_change():
    system, other = ragged_system(), drawn(1)[0]
    for name in (
        "slots_per_period",
        "bandwidth_hz",
        "energy_weight_local",
        "channel",
        "arrivals",
        "learning",
    ):
        assert getattr(other, name) == getattr(system, name)
    assert [service.model for service in other.services] == [service.model for service in system.services]
    only_edge = Ranges(edge_capacity_hz=(1e9, 2e9)).draw(system, np.random.default_rng(1))
    assert only_edge.devices == system.devices
    assert only_edge.edge_capacity_hz != system.edge_capacity_hz
    assert FIXED.draw(system, np.random.default_rng(1)) is system


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"distance_m": (300.0, 100.0)}, "$.distance_m"),
        ({"edge_capacity_hz": (0.0, 1.0)}, "$.edge_capacity_hz[0]"),
        ({"max_power_w": (1.0,)}, "$.max_power_w[1]"),
        ({"services_per_device": (1.0, 2.5)}, "$.services_per_device[1]"),
        ({"services_per_device": (0.0, 2.0)}, "$.services_per_device[0]"),
    ],
)
def test_wrong_ranges_are_refused(settings, place):
    with pytest.raises(ProblemError) as caught:
        Ranges(**settings)
    assert caught.value.path == place


def test_services_beyond_the_drawn_number_have_no_arrivals():
    system, rng = load_scenario("balanced"), np.random.default_rng(3)
    found = {1: 0, 2: 0}
    for _ in range(100):
        other = Ranges(services_per_device=(1, 4)).draw(system, rng)  # devices have two
        for device, now in zip(system.devices, other.devices, strict=True):
            rates = [service.arrival_rate_per_s for service in now.services]
            present = sum(rate > 0.0 for rate in rates)
            assert rates == [0.2] * present + [0.0] * (2 - present)
            assert replace(now, services=device.services) == device
            found[present] += 1
        left = without_idle_services(other)
        assert len(left.services) == np.count_nonzero(other.arrival_rate_per_s)
        assert without_idle_services(left) is left
    assert abs(found[1] - 100) < 4.0 * np.sqrt(400 * 0.25 * 0.75)  # one of four


def runs_over(seed, ranges):
    """Systems, observations and rewards of three episodes."""
    systems = VectorSystems(ragged_system(), replications=3, seed=seed, decisions=4, ranges=ranges)
    found = []
    for points in random_points(systems, 11):
        found.append((systems.system, systems.observation.copy()))
        systems.step(points)
        found[-1] += (systems.reward.copy(),)
    return found


def test_every_episode_is_of_another_system_and_equal_seeds_repeat_it():
    first, again, other = runs_over(1, ALL), runs_over(1, ALL), runs_over(2, ALL)
    assert len({id(system) for system, _, _ in first}) == 3
    for (system, seen, reward), (same, seen_again, reward_again) in zip(first, again, strict=True):
        assert system == same
        np.testing.assert_array_equal(seen, seen_again)
        np.testing.assert_array_equal(reward, reward_again)
    assert all(a[0] != b[0] for a, b in zip(first, other, strict=True))


def test_an_episode_equals_that_of_its_system_alone():
    """Only the capacities are drawn: channels and arrivals depend on the seed only."""
    for system, seen, reward in runs_over(1, ALL)[:4]:
        alone = VectorSystems(system, replications=3, seed=1, decisions=4)
        for points in random_points(alone, 11)[:4]:
            if np.array_equal(alone.observation, seen):
                alone.step(points)
                np.testing.assert_array_equal(alone.reward, reward)
                break
            alone.step(points)
        else:
            pytest.fail("the observation never came up")
