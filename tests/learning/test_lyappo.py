"""LyaPPO: imitation of a searched policy, warm-up of the critic, and the best checkpoint."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt.errors import ProblemError  # noqa: E402
from lyaopt.learning import (  # noqa: E402
    best_checkpoint,
    imitation,
    preset,
)
from lyaopt.learning import ppo as ppo_module  # noqa: E402
from lyaopt.learning.algorithm_protocol import best_network  # noqa: E402
from lyaopt.learning.algorithms import ALGORITHMS  # noqa: E402
from lyaopt.learning.best_checkpoint import BestCheckpoint  # noqa: E402
from lyaopt.learning.credited import CreditedSystems  # noqa: E402
from lyaopt.learning.imitation import Teacher, imitate  # noqa: E402
from lyaopt.learning.lyappo import LyaPPO  # noqa: E402
from lyaopt.learning.ppo import PPO  # noqa: E402
from lyaopt.learning.ranges import Ranges  # noqa: E402
from lyaopt.learning.trained_policy import LearnedPolicy  # noqa: E402
from lyaopt.model.system import Channel  # noqa: E402
from lyaopt.policies.channel_states import channel_states  # noqa: E402
from lyaopt.policies.channel_table import Table  # noqa: E402
from lyaopt.policies.fixed import Fixed  # noqa: E402
from lyaopt.policies.paired_trials import SearchOptions  # noqa: E402
from lyaopt.simulation import simulate, slot_costs  # noqa: E402
from tests.learning.worlds import WITHOUT_ZERO, ragged_system  # noqa: E402

SYSTEM = ragged_system(0.3)
POINTS = np.array([2, 1, 0])
EARLY, LATE = [2, 1, 10], [8, 30, 10]
"""Stable points: the last device cannot transmit."""


@pytest.fixture(autouse=True)
def _brief(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(best_checkpoint, "_SLOTS", 500)
    monkeypatch.setattr(best_checkpoint, "_REPLICATIONS", 16)
    monkeypatch.setattr(imitation, "_SLOTS", 300)
    monkeypatch.setattr(imitation, "_PERIODS", 60)
    monkeypatch.setattr(imitation, "_STEPS", 300)


def configured(**changes):
    brief = {"replications": 4, "rollout": 5, "decisions_per_episode": 10, "episodes": 16, "minibatch": 10}
    small = {"hidden_units": 16, "checks": 2, "critic_first": 2}
    return preset("best", **brief | small | changes)


def learner(system=SYSTEM, make=LyaPPO, seed=3, ranges=None, **changes):
    config = configured(**changes)
    more = {} if ranges is None else {"ranges": ranges}
    options = {"replications": config.replications, "seed": seed, "decisions": config.decisions_per_episode}
    systems = CreditedSystems(system, features=config.features, **options, **more)
    return make(systems, config, seed)


def teach(monkeypatch, policy):
    monkeypatch.setitem(imitation.TEACHERS, "table", lambda system, *_: Teacher(policy(system), 0))


def choose(network, points, sure=30.0):
    """Let a flat network choose points whatever it sees."""
    with torch.no_grad():
        network.points_layer.weight.zero_()
        bias = network.points_layer.bias.view(network.mask.shape).zero_()
        bias[torch.arange(len(points)), torch.tensor(points)] = sure


@pytest.mark.parametrize("network", ["flat", "shared"])
def test_imitation_learns_the_policy_with_smoothed_labels(monkeypatch, network):
    teach(monkeypatch, lambda system: Fixed(POINTS, "taught"))
    monkeypatch.setattr(imitation, "_STEPS", 1500)
    smoothing, ppo = 0.3, learner(make=PPO, network=network, hidden_units=32)
    imitate(ppo.network, [SYSTEM], start="table", label_smoothing=smoothing, features=("channel",), seed=1)
    rows = torch.from_numpy(ppo.environment.observation)
    with torch.inference_mode():
        found = ppo.network.points(ppo.network.normalised(rows))
        assert (found.mode().numpy() == POINTS).all()
        expected = 1.0 - smoothing + smoothing / SYSTEM.cut_counts
        np.testing.assert_allclose(
            found.log_prob(torch.from_numpy(POINTS).expand(4, 3)).exp()[0], expected, 0.1
        )


def test_imitation_of_a_table_follows_the_observed_channel(monkeypatch):
    system = replace(SYSTEM, channel=Channel(shadowing_std_db=25.0, shadowing_sojourn_s=5.0))
    states = channel_states(system, 2, seed=1, slots=2000, replications=4, traces=())
    points = np.array([EARLY, LATE])
    monkeypatch.setattr(imitation, "_PERIODS", 300)
    monkeypatch.setattr(imitation, "_STEPS", 1500)
    teach(monkeypatch, lambda system: Table(points, states))
    ppo = learner(system, PPO)
    imitate(ppo.network, [system], start="table", label_smoothing=0.1, features=("channel",), seed=1)
    seen = []

    class Compared(LearnedPolicy):
        teacher = Table(points, states)

        def decide(self, observation):
            decision = super().decide(observation)
            seen.append(np.asarray(self.teacher.decide(observation).points) == decision.points)
            return decision

    simulate(system, Compared(ppo.network, features=("channel",)), slots=3000, replications=8, seed=9)
    agreed = np.mean(seen[1:], axis=(0, 2))
    assert (agreed > 0.8).all()


@pytest.mark.parametrize("start", ["best-fixed", "table"])
def test_imitation_of_a_searched_policy_counts_its_slots(start):
    ppo = learner(make=PPO)
    used = imitate(ppo.network, [SYSTEM], start=start, label_smoothing=0.05, features=("channel",), seed=4)
    teacher = imitation.TEACHERS[start](
        SYSTEM, SearchOptions(seed=imitation.search_seed(4, imitation._SEARCH, 0), slots=300, replications=8)
    )
    recorded = imitation._REPLICATIONS * imitation._PERIODS * SYSTEM.slots_per_period
    assert used == teacher.slots + recorded
    assert teacher.slots > 0
    points = np.atleast_2d(teacher.policy.points)[0]
    rows = torch.from_numpy(ppo.environment.observation)
    assert (ppo.network.choose(rows).points == points[:, None]).all()


def test_random_decisions_of_imitation_exclude_cut_zero():
    system = replace(SYSTEM, learning=WITHOUT_ZERO)
    recorded = imitation._Recorded(
        Fixed(system.cut_counts - 1, "last"), SimpleNamespace(see=lambda _: None), np.random.default_rng(0)
    )
    tried = np.asarray(recorded.decide(SimpleNamespace(system=system, replications=2000)).points)
    assert (tried.min(axis=1) == 1).all()
    assert (tried.max(axis=1) == system.cut_counts - 1).all()
    assert (tried != (system.cut_counts - 1)[:, None]).mean() < 0.12


def test_the_best_checkpoint_does_not_depend_on_the_order():
    costs = {}
    for name, points in (("early", EARLY), ("late", LATE)):
        result = simulate(SYSTEM, Fixed(np.array(points), name), slots=500, replications=16, seed=1)
        energy = result.local_energy_j + result.transmit_energy_j
        costs[name] = slot_costs(SYSTEM, energy, result.queues).sum(axis=0).mean()
    better, worse = (EARLY, LATE)[:: 1 if costs["early"] < costs["late"] else -1]
    network = learner(make=PPO, network="flat").network
    for order in ([better, worse], [worse, better]):
        best = BestCheckpoint([SYSTEM], ("channel",), 0)
        tried = []
        for points in order:
            choose(network, points)
            tried.append(best.check(network))
        assert [line["is_best"] for line in tried] == [1.0, float(order[0] is worse)]
        choose(network, better)
        assert torch.equal(best_network(best.state())["points_layer.bias"], network.points_layer.bias)
        assert best.check(network)["is_best"] == 0.0, "no better than itself"
        assert best.used == 3 * 16 * 500


def test_a_stable_network_replaces_an_unstable_one():
    best = BestCheckpoint([SYSTEM], ("channel",), 0)
    cheap, dear = torch.ones(1, 16, dtype=torch.float64), torch.full((1, 16), 2.0, dtype=torch.float64)
    yes, no = torch.tensor(True), torch.tensor(False)
    best._costs, best._stable = cheap, no
    assert best._better(dear, yes)
    best._stable = yes
    assert not best._better(0.5 * cheap, no)
    assert best._better(0.5 * cheap, yes)
    assert not best._better(cheap - torch.linspace(-1.0, 1.01, 16).double(), yes), "within the standard error"


def test_the_critic_learns_first():
    ppo = learner(critic_first=2, start="nothing", checks=0)
    before = {name: value.clone() for name, value in ppo.network.named_parameters()}

    def changed():
        now = dict(ppo.network.named_parameters())
        return {name.split(".")[0] for name in before if not torch.equal(before[name], now[name])}

    for _ in range(2):
        ppo.update()
        assert changed() == {"critic", "value_layer"}
    ppo.update()
    assert {"actor", "query", "key"} <= changed()


def test_the_imitated_policy_is_kept_until_the_actor_learns():
    """The critic, the edge price and the statistics of returns change meanwhile."""
    scarce = replace(SYSTEM, edge_capacity_hz=2e6)
    ppo = learner(scarce, critic_first=4, start="best-fixed", checks=0, decisions_per_episode=40)
    ppo._start()
    rows = torch.from_numpy(np.random.default_rng(1).uniform(0, 3, ppo.environment.observation.shape))

    def done():
        with torch.inference_mode():
            return ppo.network.points(ppo.network.normalised(rows.float())).log_probability

    ppo._start = lambda: None
    before = done()
    for _ in range(4):
        ppo.update()
        torch.testing.assert_close(done(), before)
    assert float(ppo.network.edge_price.prices.max()) > 0.0
    ppo.update()
    assert not torch.allclose(done(), before)


def test_the_first_ratio_is_one_while_prices_change(monkeypatch):
    """The first ratio of probabilities is 1 up to rounding, although the edge price changes."""
    seen, losses_of = [], ppo_module.losses_of

    def spy(network, choices, *rest):
        with torch.no_grad():
            now = network.points(choices.features).log_prob(choices.actions)
        seen.append(float((now - choices.log_probability).abs().max()))
        return losses_of(network, choices, *rest)

    monkeypatch.setattr(ppo_module, "losses_of", spy)
    scarce = replace(ragged_system(3.0), edge_capacity_hz=2e6)
    ppo = learner(scarce, critic_first=0, start="nothing", checks=0, learning_rate=0.02)
    prices = []
    for _ in range(8):
        seen.clear()
        ppo.update()
        prices.append(float(ppo.network.edge_price.prices.max()))
        assert seen[0] < 1e-5
        assert max(seen[1:]) > 1e-3
    assert len(set(prices)) > 4


def test_checks_are_evenly_spaced_and_include_the_start():
    ppo = learner(episodes=40, checks=3)
    tried = {}
    while ppo.done < ppo.config.updates:
        report = ppo.update()
        if "is_best" in report.measures:
            tried[report.update] = report.measures["is_best"]
    assert list(tried) == [8, 14, 20]  # from where the actor begins to learn, after two updates
    assert ppo._best.used == 4 * 16 * 500
    assert ppo.searched > ppo._best.used
    best = best_network(ppo.state())
    same = all(torch.equal(best[name], value) for name, value in ppo.network.state_dict().items())
    assert same == bool(tried[20])


def test_imitation_over_ranges_uses_several_systems(monkeypatch):
    monkeypatch.setattr(imitation, "_STEPS", 20)
    ppo = learner(ranges=Ranges(edge_capacity_hz=(1e8, 1e10)), episodes=8)
    capacities = {system.edge_capacity_hz for system in ppo._systems}
    assert len(capacities) == 8
    assert min(capacities) > 1e8
    assert max(capacities) < 1e10
    report = ppo.update()
    assert np.isfinite(report.reward)


def test_imitation_over_numbers_of_services_leaves_out_services_without_arrivals(monkeypatch):
    monkeypatch.setattr(imitation, "_STEPS", 20)
    ppo = learner(ranges=Ranges(services_per_device=(1, 2)), episodes=8)
    counts = {len(device.services) for system in ppo._systems for device in system.devices}
    assert counts == {0, 1, 2}  # one device has none
    report = ppo.update()
    assert np.isfinite(report.reward)
    assert ppo.searched > 0


@pytest.mark.parametrize("field", [{"start": "table"}, {"checks": 3}])
def test_ppo_joint_has_no_start_and_no_checks(field):
    algorithm = ALGORITHMS["ppo-joint"]
    config = algorithm.configure("tuned", SYSTEM.learning, field)
    systems = algorithm.systems(SYSTEM, replications=2)
    with pytest.raises(ProblemError, match=rf"\$\.{next(iter(field))}: expected"):
        algorithm.learner(systems, config, 0)
