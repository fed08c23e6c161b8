"""Points and shares set by one network: its distribution, its systems, its learning."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt.errors import ProblemError  # noqa: E402
from lyaopt.evaluation import evaluate  # noqa: E402
from lyaopt.learning import load_policy, preset  # noqa: E402
from lyaopt.learning.joint_network import JointPPO, Normals, make_joint_network  # noqa: E402
from lyaopt.learning.joint_systems import JointSystems  # noqa: E402
from lyaopt.learning.networks import Shape  # noqa: E402
from lyaopt.learning.objective import Choices, Returns, losses_of, terms_of  # noqa: E402
from lyaopt.learning.run_folder import RunFolder  # noqa: E402
from lyaopt.learning.start_training import begin, resume  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt.policies import middle  # noqa: E402
from lyaopt.simulation import Decision, Shares, Simulator, simulate  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from tests.learning.environments import Probe  # noqa: E402
from tests.learning.test_ppo import NORMALISED, SMALL  # noqa: E402
from tests.learning.test_training import BRIEF, log_of  # noqa: E402
from tests.learning.worlds import ragged_system, random_points  # noqa: E402

BOTH = pytest.mark.parametrize("config", [SMALL, NORMALISED], ids=["plain", "normalised"])
SYSTEM = load_scenario("balanced")
RAGGED = SimpleNamespace(devices=[None] * 3, device_of_service=np.array([0, 0, 2]))
SHAPE = Shape(features=3, choices=(3, 2, 4), first_choice=0)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def some_normals(n=5, seed=0):
    """Four numbers of two parts, of one and of three."""
    torch.manual_seed(seed)
    table = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    mean, log_deviation = torch.randn(n, 4, dtype=torch.float64), 0.3 * torch.randn(4, dtype=torch.float64)
    return mean, log_deviation, Normals(mean, log_deviation, table)


def test_densities_and_entropies_are_those_of_torch():
    mean, log_deviation, normals = some_normals()
    each = torch.distributions.Normal(mean, log_deviation.exp())
    numbers = mean + torch.randn_like(mean)
    log, entropy = each.log_prob(numbers), each.entropy()
    torch.testing.assert_close(normals.log_prob(numbers), torch.stack([log[:, 0], log[:, 1:].sum(-1)], -1))
    torch.testing.assert_close(normals.entropy(), torch.stack([entropy[:, 0], entropy[:, 1:].sum(-1)], -1))


def test_densities_and_entropies_by_integration():
    mean, log_deviation, _ = some_normals(n=1)
    both = torch.ones(2, 1, dtype=torch.float64)
    normals = Normals(mean[:, :2], log_deviation[:2], both)
    axes = [torch.linspace(-9, 9, 1201, dtype=torch.float64) + mean[0, i] for i in range(2)]
    grid = torch.cartesian_prod(*axes)
    cell = (18 / 1200) ** 2
    log = Normals(mean[:, :2].expand(len(grid), -1), log_deviation[:2], both).log_prob(grid)[:, 0]
    assert float(log.exp().sum() * cell) == pytest.approx(1.0, abs=1e-9)
    assert float(-(log.exp() * log).sum() * cell) == pytest.approx(float(normals.entropy()), abs=1e-7)


def test_draws_follow_the_density():
    mean, log_deviation, _ = some_normals(n=1)
    normals = Normals(mean.expand(100_000, -1), log_deviation, torch.eye(4, dtype=torch.float64))
    drawn = normals.sample(torch.Generator().manual_seed(1))
    np.testing.assert_allclose(drawn.mean(0), mean[0], atol=0.02)
    np.testing.assert_allclose(drawn.std(0), log_deviation.exp(), rtol=0.02)
    correlation = np.corrcoef(drawn.numpy().T) - np.eye(4)
    assert np.abs(correlation).max() < 0.02


def ragged_network(config=SMALL, parts=2):
    network = make_joint_network(SHAPE, parts, config, torch.Generator().manual_seed(2), RAGGED)
    with torch.no_grad():
        network.shares_layer.weight.normal_(generator=torch.Generator().manual_seed(3))
    return network


def orders_of(network, latents):
    points = torch.zeros(len(latents), len(SHAPE.choices))
    return network.step_arguments(torch.cat([points, latents], -1))


def test_shares_of_competing_services_sum_to_one():
    network = ragged_network()
    latents = torch.randn(50, 2 * 3 + 3 * 3)
    _, levels, shares = orders_of(network, latents)
    np.testing.assert_allclose(levels, torch.sigmoid(latents[:, :6]).view(-1, 2, 3), rtol=1e-5)
    local = latents[:, 6:9]
    np.testing.assert_allclose(shares[:, 0, :2], local[:, :2].softmax(-1), rtol=1e-5)
    np.testing.assert_array_equal(shares[:, :2, 2], 1.0)
    np.testing.assert_allclose(shares[:, 1, :2].sum(-1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(shares[:, 2], latents[:, 12:].softmax(-1), rtol=1e-5)


@pytest.mark.parametrize("size", [0.0, 50.0, 1e3, 3e38])
def test_any_latent_numbers_are_shares(size):
    network = ragged_network()
    latents = size * torch.sign(torch.randn(50, 15))
    _, levels, shares = orders_of(network, latents)
    for values in (levels, shares):
        assert ((values >= 0.0) & (values <= 1.0)).all()
    np.testing.assert_allclose(shares[:, 2].sum(-1), 1.0, rtol=1e-12)


def test_the_probability_of_an_action_is_the_product_of_its_parts():
    network = ragged_network().double()
    with torch.no_grad():
        distribution = network.actions(torch.randn(7, 3, dtype=torch.float64))
        actions = distribution.draw(torch.Generator().manual_seed(0))[0]
        of, entropy = distribution.log_prob_and_entropy(actions)
        torch.testing.assert_close(of, distribution.log_prob(actions))
        assert of.shape == entropy.shape == (7, 3 + 3)
        # The second device has no services: of its numbers only the levels are left.
        assert float(entropy[0, 4]) == pytest.approx(2 * (np.log(0.6) + 0.5 * np.log(2 * np.pi * np.e)))
        assert not torch.equal(of, distribution.log_prob(distribution.mode()))
        assert (distribution.log_prob(distribution.mode()) >= of - 1e-12)[:, 3:].all()


@BOTH
def test_gradient_against_finite_differences(config):
    config = replace(config, normalise_returns=False)
    network = ragged_network(config).double()
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        distribution = network.actions(features)
        actions = distribution.draw(generator)[0]
        old = distribution.log_prob(actions) + 0.3 * torch.randn(
            12, 6, generator=generator, dtype=torch.float64
        )
    advantage = torch.randn(12, 6, generator=generator, dtype=torch.float64)
    met = torch.rand(12, 6, generator=generator) < 0.5
    returns = Returns(features, torch.randn(12, 2, generator=generator, dtype=torch.float64))
    minibatch = Choices(features, actions, old, met, advantage), returns
    losses_of(network, *minibatch, terms_of(config, 0.1))[0].backward()
    for weight in network.parameters():
        flat, place = weight.data.view(-1), weight.numel() // 2
        before, at = float(flat[place]), []
        for step in (1e-6, -1e-6):
            flat[place] = before + step
            at.append(losses_of(network, *minibatch, terms_of(config, 0.1))[0].item())
        flat[place] = before
        assert float(weight.grad.view(-1)[place]) == pytest.approx((at[0] - at[1]) / 2e-6, rel=1e-5, abs=1e-8)


class Sharing(Probe):
    """One step; the reward falls with the distance of levels, shares and points from the best ones."""

    devices_with_shares = 2
    system = SimpleNamespace(
        devices=[None, None], device_of_service=np.array([0, 0, 1]), cut_counts=np.array([2, 2, 2])
    )
    levels = np.array([[0.8, 0.5], [0.25, 0.6]])
    shares = np.array([[0.7, 0.3, 1.0], [0.4, 0.6, 1.0], [0.2, 0.3, 0.5]])
    points = np.array([1, 0, 1])

    def __init__(self, seed=0):
        super().__init__(seed=seed, choices=(2, 2, 2))

    def step(self, points, levels, shares):
        self.shares_given = levels, shares
        return super().step(points)

    def pay(self, points):
        levels, shares = self.shares_given
        self.reward[:] = -((levels - self.levels) ** 2).sum((1, 2)) - ((shares - self.shares) ** 2).sum(
            (1, 2)
        )
        self.reward -= 0.5 * (points != self.points).sum(1)


def learnt(config, seed=0):
    ppo = JointPPO(Sharing(), config, seed)
    for _ in range(config.updates):
        ppo.update()
    return ppo.network


@BOTH
def test_the_best_shares_are_found(config):
    network = learnt(replace(config, episodes=16 * 200, learning_rate=5e-3))
    with torch.no_grad():
        mode = network.actions(network.normalised(torch.zeros(1, 1))).mode()
    points, levels, shares = network.step_arguments(mode)
    np.testing.assert_array_equal(points[0], Sharing.points)
    np.testing.assert_allclose(levels[0], Sharing.levels, atol=0.08)
    np.testing.assert_allclose(shares[0], Sharing.shares, atol=0.08)
    assert network.log_deviation[:4].mean() < np.log(0.5)  # of the levels: less exploration


@BOTH
def test_the_first_minibatch_has_the_policy_that_collected_it(config, monkeypatch):
    seen = []

    def spy(network, choices, *rest):
        with torch.no_grad():
            now = network.actions(choices.features).log_prob(choices.actions)
        seen.append(float((now - choices.log_probability).abs().max()))
        return losses_of(network, choices, *rest)

    monkeypatch.setattr("lyaopt.learning.ppo.losses_of", spy)
    ppo = JointPPO(Sharing(), config, 0)
    for _ in range(5):
        seen.clear()
        ppo.update()
        assert seen[0] < 1e-5
        assert max(seen[1:]) > 1e-3


def test_equal_seeds_give_equal_bits():
    config = replace(NORMALISED, episodes=16 * 5)
    first, second, other = (learnt(config, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def random_orders(systems, steps, seed=0):
    rng = np.random.default_rng(seed)
    devices, services = len(systems.system.devices), systems.choices.size
    levels = rng.random((steps, systems.replications, 2, devices))
    shares = rng.random((steps, systems.replications, 3, services))
    return zip(random_points(systems, steps, seed), levels, shares, strict=True)


@dataclass
class Orders:
    """Step arguments for one system, as a policy."""

    step_arguments: list
    name: str = "step_arguments"

    def decide(self, observation):
        points, levels, shares = (array[0] for array in self.step_arguments[observation.period])
        return Decision(points, shares=Shares(*levels, *shares))


def test_systems_and_simulations_agree():
    """Energies and backlogs of each period agree with a simulation of the same decisions."""
    system = ragged_system()
    systems = JointSystems(system, replications=1, seed=3, decisions=1000)
    step_arguments = list(random_orders(systems, 60))
    simulator = Simulator(system, Orders(step_arguments))
    key = np.random.SeedSequence([3, 0]).generate_state(1, np.uint64)[0]
    simulator._state.restart(int(key), np.arange(1))
    energy = []
    for period in range(60):
        systems.step(*step_arguments[period])
        simulator.run(system.slots_per_period)
        energy.append(systems.energy[0].sum())
        np.testing.assert_array_equal(simulator._state.backlog(), systems._state.backlog())
    result = simulator.result()
    total = result.mean_local_energy_j + result.mean_transmit_energy_j
    assert total > 0.0
    np.testing.assert_allclose(np.mean(energy), total, rtol=1e-12)


def test_parts_of_devices_add_up_to_the_reward():
    """Parts of devices include the waiting of their own work at the edge."""
    system = ragged_system(3.0)
    systems = JointSystems(replace(system, edge_capacity_hz=4e7), replications=5, seed=3, decisions=6)
    left = 0.0
    for step_arguments in random_orders(systems, 13):
        systems.step(*step_arguments)
        np.testing.assert_allclose(systems.parts.sum(axis=1), systems.reward, rtol=1e-4)
        left = max(left, systems._state.backlog()[2].max())
    assert left > 0.0


def test_shares_left_out_stay_as_they_were():
    one, other = (JointSystems(ragged_system(), replications=4, seed=1) for _ in range(2))
    for t, (points, levels, shares) in enumerate(random_orders(one, 20)):
        if t == 0:
            shares_given = levels, shares
        one.step(points, *shares_given)
        other.step(points, *(shares_given if t == 0 else ()))
        np.testing.assert_array_equal(one.observation, other.observation)


def test_decisions_without_tasks_have_no_effect():
    """For a device without backlog, other shares give bit-identical results."""
    first, second = (JointSystems(SYSTEM, replications=3, seed=5) for _ in range(2))
    services, devices = len(SYSTEM.services), len(SYSTEM.devices)
    free = 0
    for points, levels, shares in random_orders(first, 150, seed=1):
        first.step(points, levels, shares)
        idle = ~first.met[:, services:]
        free += int(idle.sum())
        levels, shares = levels.copy(), shares.copy()
        # Edge shares stay: scaling couples them.
        levels.swapaxes(1, 2)[idle] = 0.5
        shares[:, :2].swapaxes(1, 2)[idle[:, SYSTEM.device_of_service]] = 0.1
        second.step(points, levels, shares)
        np.testing.assert_array_equal(first.observation, second.observation)
        np.testing.assert_array_equal(first.reward, second.reward)
    assert 0 < free < 150 * 3 * devices


@pytest.mark.parametrize(
    ("levels", "shares", "message"),
    [
        (np.full((2, 2, 3), 1.5), np.ones((2, 3, 3)), r"\$\.fractions\[0\]\[0\]\[0\]: .*0 to 1, got 1\.5"),
        (np.ones((2, 2, 3)), np.full((2, 3, 3), np.nan), r"\$\.shares\[0\]\[0\]\[0\]: .*got nan"),
        (np.ones((2, 2, 3)), np.ones((2, 3, 2)), r"\$\.shares: expected float64 of shape \(2, 3, 3\)"),
        (np.ones((2, 2, 3), int), np.ones((2, 3, 3)), r"\$\.fractions: expected float64 .*, got int64"),
    ],
)
def test_bad_orders_are_refused(levels, shares, message):
    systems = JointSystems(ragged_system(), replications=2)
    with pytest.raises(ProblemError, match=message):
        systems.step(random_points(systems, 1)[0], levels, shares)


def test_devices_do_not_share_a_network_that_sets_shares():
    with pytest.raises(ProblemError, match=r"\$\.network: expected a flat network"):
        JointPPO(JointSystems(SYSTEM), preset("shared"), 0)


def train(path, stop_after=None, **changes):
    folder = RunFolder(path)
    with folder.locked():
        if folder.has_document:
            training = resume(folder, SYSTEM, "ppo-joint")
        else:
            training = begin(folder, SYSTEM, "ppo-joint", **BRIEF, **changes)
        return training.run(lambda line: line["update"] != stop_after)


@pytest.mark.parametrize("preset", ["paper", "tuned"])
def test_a_stopped_training_continues_bit_for_bit(tmp_path, preset):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(whole, preset=preset).finished
    for stop in (1, 4):
        assert not train(broken, stop, preset=preset).finished
    assert train(broken).finished
    assert log_of(whole) == log_of(broken)
    expected, found = (RunFolder(path).load_checkpoint()[0] for path in (whole, broken))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_the_command_trains_and_its_policy_is_simulated(tmp_path, capsysbinary):
    out = str(tmp_path / "run")
    brief = ["--episodes", "2", "--replications", "2"]
    assert run(["train", "balanced", "--algorithm", "ppo-joint", *brief, "--json", "--out", out]) == 0
    assert json.loads(capsysbinary.readouterr().out)["finished"]
    assert run(["simulate", "balanced", "--policy", out, "--slots", "2000", "--json"]) == 0
    found = json.loads(capsysbinary.readouterr().out)
    assert found["policy"] == "ppo-joint"
    assert found["mean_local_energy_j"] + found["mean_transmit_energy_j"] > 0.0
    assert found["born"] == found["completed"] + found["queued"]
    assert run(["train", "balanced", "--algorithm", "lyappo", "--out", out, "--resume"]) == 2
    assert b"$.algorithm: expected 'ppo-joint'" in capsysbinary.readouterr().err


def test_a_trained_policy_sets_points_and_shares(tmp_path):
    train(tmp_path)
    policy = load_policy(tmp_path)
    scores = evaluate(SYSTEM, [policy, middle(SYSTEM)], replications=2, slots=1_000, warmup=0).scores
    assert scores[0].result.born == scores[1].result.born
    weights = policy.network.shares_layer
    with torch.no_grad():
        weights.weight.zero_()
        weights.bias.fill_(-1e3)  # levels of zero
    nothing = simulate(SYSTEM, policy, slots=1_000, seed=1)
    assert nothing.mean_local_energy_j == nothing.mean_transmit_energy_j == 0.0


def test_a_policy_for_other_devices_is_refused(tmp_path):
    train(tmp_path)
    devices = list(SYSTEM.devices)
    fewer = replace(devices[0], services=devices[0].services[:1])
    extra = replace(devices[0], id="extra", services=devices[0].services[1:])
    other = replace(SYSTEM, devices=(fewer, extra, *devices[1:]))
    with pytest.raises(ProblemError, match="trained for other devices"):
        simulate(other, load_policy(tmp_path), slots=10)
