"""The network that devices and services share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt.learning import PPO, preset  # noqa: E402
from lyaopt.learning.credited import CreditedSystems  # noqa: E402
from lyaopt.learning.learned import LearnedPolicy  # noqa: E402
from lyaopt.scenarios import load_scenario  # noqa: E402
from lyaopt.simulate import simulate  # noqa: E402

SYSTEM = load_scenario("balanced")
BRIEF = {"episodes": 8, "systems": 4, "decisions_per_episode": 10, "rollout": 10, "minibatch": 20}


def learner_on(system, seed=0, **changes):
    config = preset("shared", **{**BRIEF, "hidden_units": 16, **changes})
    options = {"systems": config.systems, "seed": 5, "decisions": config.decisions_per_episode}
    return PPO(CreditedSystems(system, **options), config, seed)


@pytest.fixture(scope="module")
def learner():
    torch.set_num_threads(1)
    busy = [
        replace(device, services=tuple(replace(s, arrival_rate_per_s=3.0) for s in device.services))
        for device in SYSTEM.devices
    ]
    learner = learner_on(replace(SYSTEM, devices=tuple(busy)))
    learner.update()
    learner.update()
    return learner


def answers(learner, rows):
    with torch.no_grad():
        features = learner.network.normalised(torch.from_numpy(rows))
        return learner.network.points(features).log_probability, learner.network.value(features)


def test_another_order_of_devices_and_services_changes_only_the_order(learner):
    network, system = learner.network, learner.environment.system
    rows = learner.environment.observation.copy()
    log_probability, value = answers(learner, rows)
    devices = [2, 0, 3, 1]
    turned = [replace(system.devices[m], services=system.devices[m].services[::-1]) for m in devices]
    services = [s for m in devices for s in reversed(system.services_of(m))]
    layout = learner.environment.observer.layout
    moved = np.empty_like(rows)
    layout.of_services(moved)[:] = layout.of_services(rows)[:, services]
    layout.of_devices(moved)[:] = layout.of_devices(rows)[:, devices]
    try:
        network.bind(replace(system, devices=tuple(turned)))
        after, after_value = answers(learner, moved)
    finally:
        network.bind(system)
    assert float(log_probability.std()) > 0.0
    torch.testing.assert_close(after, log_probability[:, services], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after_value, value[:, devices], atol=1e-4, rtol=1e-4)


def test_one_network_serves_other_numbers_of_devices_and_services(learner):
    policy = LearnedPolicy(learner.network)
    many = replace(SYSTEM, devices=tuple(replace(d, id=None) for d in SYSTEM.devices * 5))
    few = replace(SYSTEM, devices=(replace(SYSTEM.devices[0], services=SYSTEM.devices[0].services[:1]),))
    try:
        for system in (many, few, SYSTEM):
            assert simulate(system, policy, slots=200, seed=1).slots == 200
    finally:
        learner.network.bind(learner.environment.system)


def test_a_device_says_nothing_of_another_but_through_the_edge(learner):
    rows = learner.environment.observation.copy()
    layout = learner.environment.observer.layout
    log_probability, _ = answers(learner, rows)
    layout.of_services(rows)[:, 0, :2] += 1.0  # backlogs, but not at the edge
    other, _ = answers(learner, rows)
    same = [s for s, m in enumerate(SYSTEM.device_of_service) if m != 0]
    assert torch.equal(other[:, same], log_probability[:, same])
    assert not torch.equal(other[:, 0], log_probability[:, 0])


def test_one_value_for_all_devices_together():
    learner = learner_on(SYSTEM, credit="joint")
    learner.update()
    assert answers(learner, learner.environment.observation)[1].shape == (4, 1)
