"""The network that devices and services share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from lyaopt.learning import PPO, preset  # noqa: E402
from lyaopt.learning.credited import CreditedSystems  # noqa: E402
from lyaopt.learning.observer import SERVICE_FEATURES  # noqa: E402
from lyaopt.learning.ranges import Ranges, without_idle_services  # noqa: E402
from lyaopt.learning.trained_policy import LearnedPolicy  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt.model.system import Device  # noqa: E402
from lyaopt.simulation import simulate  # noqa: E402

SYSTEM = load_scenario("balanced")
BRIEF = {"episodes": 8, "replications": 4, "decisions_per_episode": 10, "rollout": 10, "minibatch": 20}


def learner_on(system, seed=0, **changes):
    config = preset("shared", **{**BRIEF, "hidden_units": 16, **changes})
    options = {"replications": config.replications, "seed": 5, "decisions": config.decisions_per_episode}
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


def test_a_service_without_tasks_equals_a_missing_one(learner):
    """Other services keep their cuts, values and statistics."""
    network, system = learner.network, learner.environment.system
    first = system.devices[0]
    quiet = replace(first, services=(first.services[0], replace(first.services[1], arrival_rate_per_s=0.0)))
    silent = replace(system, devices=(quiet, *system.devices[1:]))
    rows = learner.environment.observation.copy()
    learner.environment.observer.layout.of_services(rows)[:, 1] = 0.0
    left = np.delete(rows, np.s_[len(SERVICE_FEATURES) : 2 * len(SERVICE_FEATURES)], axis=1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = []
    try:
        for there, seen in ((silent, rows), (without_idle_services(silent), left)):
            network.bind(there)
            answer = answers(learner, seen)
            network.add_observations(torch.from_numpy(seen))
            found.append((*answer, network.services.mean.clone(), network.services.variance.clone()))
            network.load_state_dict(before)
    finally:
        network.bind(system)
    others = [s for s in range(len(system.services)) if s != 1]
    (cuts, *rest), (same_cuts, *same_rest) = found
    torch.testing.assert_close(cuts[:, others], same_cuts)
    for one, other in zip(rest, same_rest, strict=True):
        torch.testing.assert_close(one, other)


def test_devices_affect_each_other_only_through_the_edge(learner):
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


def test_a_network_observes_the_system_of_every_episode():
    config = preset("shared", **{**BRIEF, "hidden_units": 16})
    ranges = Ranges(cpu_capacity_hz=(1e8, 5e9), edge_capacity_hz=(1e8, 2e10))
    environment = CreditedSystems(
        SYSTEM, replications=4, seed=5, decisions=config.decisions_per_episode, ranges=ranges
    )
    learner = PPO(environment, config, 0)
    works = []
    for _ in range(3):
        system = environment.system
        learner.update()
        fresh = PPO(CreditedSystems(system, replications=4), config, 0)
        torch.testing.assert_close(learner.network.task_inputs, fresh.network.task_inputs)
        torch.testing.assert_close(learner.network.cut_inputs, fresh.network.cut_inputs)
        works.append(learner.network.task_inputs)
    assert not torch.equal(works[0], works[1])
    assert not torch.equal(works[1], works[2])


def test_a_thousand_devices_are_learnt_with_memory_linear_in_their_number():
    """Ten times the devices take ten times the elements in the largest tensors, and no more."""
    largest = []
    for count in (100, 1000):
        services = (SYSTEM.devices[0].services[0],)
        devices = tuple(Device(150.0 + 0.1 * m, services) for m in range(count))
        learner = learner_on(replace(SYSTEM, devices=devices), replications=1, episodes=1, minibatch=10)
        sizes = []
        with _Sizes(sizes):
            report = learner.update()
        assert np.isfinite(report.reward)
        largest.append(max(sizes))
    assert 9.0 <= largest[1] / largest[0] <= 10.5


class _Sizes(TorchDispatchMode):
    """Records the number of elements of every tensor."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, (tuple, list)) else (found,):
            if isinstance(tensor, torch.Tensor):
                self.sizes.append(tensor.numel())
        return found
