"""LyaPPO over the price rule: it begins with the rule's run, and is rewarded for what the rule minimises."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from lyaopt.errors import ProblemError  # noqa: E402
from lyaopt.learning import best_checkpoint, load_policy, preset  # noqa: E402
from lyaopt.learning.algorithms import ALGORITHMS  # noqa: E402
from lyaopt.learning.architectures import make_network  # noqa: E402
from lyaopt.learning.credited import CreditedSystems  # noqa: E402
from lyaopt.learning.environment import shape_of  # noqa: E402
from lyaopt.learning.lyappo import LyaPPO  # noqa: E402
from lyaopt.learning.price_rules import PricedScenario  # noqa: E402
from lyaopt.learning.priced_observer import MOST_GAP, PricedObserver  # noqa: E402
from lyaopt.learning.priced_systems import PricedSystems  # noqa: E402
from lyaopt.learning.run_folder import LOG, RunFolder  # noqa: E402
from lyaopt.learning.shared_network import SharedActorCritic  # noqa: E402
from lyaopt.learning.start_training import begin  # noqa: E402
from lyaopt.learning.trained_policy import LearnedPolicy  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt.model.system import Device, Service, System  # noqa: E402
from lyaopt.policies import price_rule  # noqa: E402
from lyaopt.policies.holding_costs import HoldingCosts  # noqa: E402
from lyaopt.policies.price_cuts import costs_alone  # noqa: E402
from lyaopt.policies.price_policy import Price  # noqa: E402
from lyaopt.policies.price_tables import CELLS, TASKS, plain_tables  # noqa: E402
from lyaopt.simulation import Decision, simulate  # noqa: E402
from lyaopt.simulation.costs import slot_costs, task_costs  # noqa: E402
from lyaopt.simulation.state import State  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from tests.learning.worlds import SHADOWED, ragged_system, random_points  # noqa: E402

SYSTEM = ragged_system()
SLOW = replace(
    SYSTEM, channel=SHADOWED, devices=(*SYSTEM.devices[:2], replace(SYSTEM.devices[2], max_power_w=0.3))
)
ALONE = System((Device(180.0, (Service("alexnet", arrival_rate_per_s=4.0),)),), slots_per_period=7)
BRIEF = {"replications": 2, "rollout": 5, "decisions_per_episode": 10, "episodes": 4, "minibatch": 10}


@pytest.fixture(autouse=True)
def _brief(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(best_checkpoint, "_SLOTS", 300)
    monkeypatch.setattr(best_checkpoint, "_REPLICATIONS", 4)


def configured(**changes):
    return preset("best", **{**BRIEF, "allocation": "price", "checks": 1, "critic_first": 0, **changes})


def untrained(system, rule, config):
    systems = PricedSystems(system, rule, replications=2, features=config.features)
    network = make_network(shape_of(systems), 1, replace(config, credit="joint"), torch.Generator(), system)
    return LearnedPolicy(network, "begins", config.features, PricedScenario(rule, system))


@pytest.mark.parametrize("theta", [None, 0.05])
@pytest.mark.parametrize("system", [SYSTEM, SLOW], ids=["fast", "slow"])
def test_before_any_update_the_run_is_that_of_the_rule_slot_by_slot(system, theta):
    rule = price_rule(system, theta, rounds=0)
    policies = untrained(system, rule, configured()), Price(rule, theta)
    learnt, priced = (simulate(system, each, slots=1500, seed=5, record=True) for each in policies)
    assert priced.completed > 50
    for name in ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles", "rate_bps", "power_w"):
        np.testing.assert_array_equal(getattr(learnt.record, name), getattr(priced.record, name))
    np.testing.assert_array_equal(learnt.record.latency_slots, priced.record.latency_slots)
    assert learnt.rule == "price"


def test_what_a_task_adds_alone_is_what_the_tables_say():
    rule = price_rule(SYSTEM, 0.05, rounds=0)
    observer = PricedObserver(SYSTEM, (), rule)
    costs = HoldingCosts.of_tasks(SYSTEM, 0.05)
    expected = costs_alone(SYSTEM, costs, plain_tables(SYSTEM, costs, CELLS, TASKS))
    found = observer.costs(State(SYSTEM, 3, 0, None, 3))
    tried = np.isfinite(found[0])
    assert tried[:2].sum(axis=1).min() > 1
    assert tried[2].sum() == 1, "a device without power computes everything"
    for each in found:
        np.testing.assert_allclose(each[tried], expected[tried], 1e-9)
    gaps = observer.gaps(State(SYSTEM, 1, 0, None, 1))[0]
    assert (gaps.argmin(axis=1) == rule.cuts.usual).all()
    assert ((gaps == 0.0).sum(axis=1) == 1).all()
    assert (gaps[~tried] == MOST_GAP).all()
    least = expected.min(axis=1, keepdims=True)
    wide = tried & (gaps > 1e-5)
    np.testing.assert_allclose(gaps[wide], ((expected - least) / least)[wide], 1e-6)


class Replayed:
    """Takes one table of points after the other."""

    name = "replayed"

    def __init__(self, points):
        self.points = iter(points)

    def decide(self, observation):
        return Decision(next(self.points).T)


@pytest.mark.parametrize("theta", [None, np.array([0.05, 0.2, 0.01])])
def test_rewards_are_the_costs_of_a_simulation_with_the_same_cuts(theta):
    rule = price_rule(SYSTEM, theta, rounds=0)
    systems = PricedSystems(SYSTEM, rule, replications=3, seed=4, decisions=1000)
    points, rewards, energies = random_points(systems, 40), [], []
    for each in points:
        systems.step(each)
        rewards.append(systems.reward.astype(float))
        energies.append(systems.energy.sum(axis=1))
    key = int(np.random.SeedSequence([4, 0]).generate_state(1, np.uint64)[0])
    slots = 40 * SYSTEM.slots_per_period
    under = simulate(
        SYSTEM, Replayed(points), slots=slots, replications=3, seed=key, rule=replace(rule, cuts=None)
    )
    energy = under.local_energy_j + under.transmit_energy_j
    np.testing.assert_allclose(np.mean(energies, axis=0), energy.sum(axis=0), 1e-9)
    if theta is None:
        cost = slot_costs(SYSTEM, energy, under.queues)
    else:
        cost = SYSTEM.learning.reward_energy_weight * task_costs(SYSTEM, energy, under.mean_tasks, theta)
    np.testing.assert_allclose(np.mean(rewards, axis=0), -cost.sum(axis=0), 1e-5)
    assert under.mean_tasks.sum() > 1.0


def test_a_restored_environment_counts_the_time_of_tasks_that_were_there():
    rule = price_rule(SYSTEM, 0.05, rounds=0)
    first, second = (PricedSystems(SYSTEM, rule, replications=3, seed=4, decisions=100) for _ in range(2))
    points = random_points(first, 30)
    for each in points[:20]:
        first.step(each)
    second.restore(first.snapshot())
    for each in points[20:]:
        first.step(each)
        second.step(each)
        np.testing.assert_array_equal(first.reward, second.reward)
        np.testing.assert_array_equal(first.parts, second.parts)
        np.testing.assert_array_equal(first.observation, second.observation)


def test_the_parts_of_devices_are_the_reward_and_the_waiting_at_the_edge_of_others():
    rule = price_rule(ALONE, 0.05, rounds=0)
    systems = PricedSystems(ALONE, rule, replications=3, decisions=100)
    for each in random_points(systems, 30):
        systems.step(each)
        np.testing.assert_allclose(systems.parts[:, 0], systems.reward, 1e-5)
    scarce = replace(SYSTEM, edge_capacity_hz=1e7)
    systems = PricedSystems(scarce, price_rule(scarce, 0.05, rounds=0), replications=2, decisions=100)
    offload = np.zeros((2, 3), np.int64)
    offload[:, 2] = SYSTEM.cut_counts[2] - 1
    for _ in range(60):
        systems.step(offload)
    waiting = systems._state.layout.by_service(systems._state.kernel_state.queue_links[:, 2])[2].sum(axis=0)
    assert waiting.min() > 0
    weight = SYSTEM.learning.reward_energy_weight * SYSTEM.slot_duration_s * 0.05
    np.testing.assert_allclose(systems.reward - systems.parts.sum(axis=1), 2 * weight * waiting, 1e-3)


def test_without_prices_nothing_changes():
    """Networks, observations and rewards of the paper's allocation are those of a plain environment."""
    config = preset("best", **BRIEF, start="nothing")
    assert config == preset("best", **BRIEF, start="nothing", allocation="backlog")
    systems = ALGORITHMS["lyappo"].systems(SYSTEM, replications=2, features=config.features)
    assert type(systems) is CreditedSystems
    network = make_network(shape_of(systems), 3, config, torch.Generator(), SYSTEM)
    assert type(network) is SharedActorCritic
    points = random_points(systems, 20)
    key = int(np.random.SeedSequence([0, 0]).generate_state(1, np.uint64)[0])
    rewards = []
    for each in points:
        systems.step(each)
        rewards.append(systems.reward.astype(float))
    slots = 20 * SYSTEM.slots_per_period
    plain = simulate(SYSTEM, Replayed(points), slots=slots, replications=2, seed=key)
    cost = slot_costs(SYSTEM, plain.local_energy_j + plain.transmit_energy_j, plain.queues).sum(axis=0)
    np.testing.assert_allclose(np.mean(rewards, axis=0), -cost, 1e-5)
    assert plain.rule is None


def test_the_best_network_is_never_dearer_than_the_rule_on_its_trials():
    rule = price_rule(SYSTEM, 0.05, rounds=0)
    config = configured(checks=2, episodes=8, learning_rate=0.05, waiting_cost_j_per_s=0.05)
    options = {"replications": 2, "decisions": 10, "features": config.features}
    learner = LyaPPO(PricedSystems(SYSTEM, rule, **options), config, 0)
    learner._start()
    start = float(learner._best._costs.mean())
    learner._start = lambda: None
    reports = [learner.update() for _ in range(config.updates)]
    assert sum("check_cost" in report.measures for report in reports) == 2
    assert float(learner._best._costs.mean()) <= start


def test_a_training_remembers_its_allocation(tmp_path):
    folder = RunFolder(tmp_path / "run")
    changes = {**BRIEF, "checks": 1, "critic_first": 0, "waiting_cost_j_per_s": 0.05}
    with folder.locked():
        training = begin(folder, SYSTEM, "lyappo", allocation="price", seed=3, **changes)
        training.run()
    policy = load_policy(tmp_path / "run")
    assert policy.rule.cuts is None
    np.testing.assert_array_equal(policy.waiting_cost_j_per_s, [0.05] * 3)
    result = simulate(ragged_system(), policy, slots=300)
    assert result.rule == "price"
    other = replace(SYSTEM, edge_capacity_hz=2e9)
    with pytest.raises(ProblemError, match=r"\$\.policy: trained under the prices of another scenario"):
        simulate(other, policy, slots=300)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"allocation": "auction"}, r'\$\.allocation: expected "backlog" or "price", got "auction"'),
        ({"waiting_cost_j_per_s": 0.0}, r"\$\.waiting_cost_j_per_s: expected a finite number > 0"),
        ({"allocation": "backlog", "waiting_cost_j_per_s": 0.1}, r"\$\.waiting_cost_j_per_s: expected none"),
        ({"start": "table"}, r'\$\.start: expected "nothing"'),
        ({"network": "flat"}, r'\$\.allocation: expected "backlog" for a flat network'),
    ],
)
def test_wrong_configurations_are_refused(changes, words):
    with pytest.raises(ProblemError, match=words):
        configured(**changes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--allocation", "auction"], '$.allocation: expected "backlog" or "price"'),
        (["--allocation", "price", "--preset", "paper"], '$.allocation: expected "backlog" for a flat'),
        (["--allocation", "price", "--algorithm", "ppo-joint"], "$.allocation: expected"),
        (["--allocation", "price", "--algorithm", "ddpg"], "$.allocation"),
        (["--waiting-cost", "0.1"], "$.waiting_cost_j_per_s: expected none"),
        (["--allocation", "price", "--vary", "distance_m=10:20"], "$.ranges: expected none"),
    ],
)
def test_wrong_options_are_refused_in_one_line(tmp_path, capsys, options, words):
    assert run(["train", "balanced", *options, "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "run" / LOG).exists()


def test_the_command_trains_and_simulates_under_prices(tmp_path, capsys):
    out = str(tmp_path / "run")
    brief = ["--preset", "shared", "--episodes", "1", "--replications", "1"]
    options = ["--allocation", "price", "--waiting-cost", "0.01", *brief, "--out", out]
    assert run(["train", "balanced", *options, "--json"]) == 0
    capsys.readouterr()
    assert run(["simulate", "balanced", "--policy", out, "--slots", "400", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    policy = load_policy(out)
    expected = simulate(load_scenario("balanced"), policy, slots=400)
    assert document["mean_local_energy_j"] == expected.local_energy_j.sum()
