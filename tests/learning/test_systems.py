"""The vector environment: observations and rewards recomputed by NumPy; seeds, episodes and buffers."""

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.learning import VectorSystems
from lyaopt.learning.credited import CreditedSystems
from lyaopt.learning.observer import DEVICE_FEATURES, SERVICE_FEATURES
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import Decision, Simulator, slot_costs
from lyaopt.simulation.policy import Replay
from tests.learning.worlds import SHADOWED, WITHOUT_ZERO, ragged_system, random_points, with_learning

QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
RATES = ("local_cpu_hz", "rate_bps", "edge_cpu_hz")
BUFFERS = ("observation", "final_observation", "reward", "energy", "backlog")
PERIODS = 30
WORLDS = {
    "ragged": ragged_system(),
    "shadowed": ragged_system(channel=SHADOWED),
    "balanced": load_scenario("balanced"),
}


def record_of(system, points, seed, episode=0):
    """Record of replication 0 with points (P, S), by the documented seed of the episode."""
    key = int(np.random.SeedSequence([seed, episode]).generate_state(1, np.uint64)[0])
    simulator = Simulator(system, Replay(points), seed=key, record=True)
    simulator.run(len(points) * system.slots_per_period)
    return simulator.result().record


def expected_features(system, record, points, period):
    """Features of services (S, 12) and devices (M, 3) at the end of a period, as documented."""
    slots = system.slots_per_period
    during = slice(period * slots, (period + 1) * slots)
    services = []
    noise = system.device_bandwidth_hz * system.noise_w_per_hz
    full = system.device_bandwidth_hz * np.log2(1.0 + system.max_power_w * system.mean_channel_gain() / noise)
    for s, service in enumerate(system.services):
        m = system.device_of_service[s]
        profile, k = service.profile, points[period, s]
        work = system.cycles_per_mac * profile.total_macs
        task = (work, profile.input_bits, work)
        top = (system.devices[m].cpu_capacity_hz, full[m], system.edge_capacity_hz)
        done = profile.cuts[k].macs / profile.total_macs
        queues = [getattr(record, name)[:, s] for name in QUEUES]
        services.append(
            [q[during].mean() / w for q, w in zip(queues, task, strict=True)]
            + [
                getattr(record, name)[during, s].mean() / most if most > 0.0 else 0.0
                for name, most in zip(RATES, top, strict=True)
            ]
            + [done, profile.cuts[k].bits / profile.input_bits, 1.0 - done]
            + [q[(period + 1) * slots] / w for q, w in zip(queues, task, strict=True)]
        )
    devices = []
    for m, device in enumerate(system.devices):
        rate = record.rate_bps[during][:, system.device_of_service == m].sum(axis=1).mean()
        channel = record.channel_gain[during, m].mean() / system.mean_channel_gain()[m]
        power = record.power_w[during, m].mean()
        able = device.max_power_w > 0.0
        devices.append(
            [power / device.max_power_w if able else 0.0, rate / full[m] if able else 0.0, np.log10(channel)]
        )
    return np.array(services), np.array(devices)


@pytest.mark.parametrize("features", [(), ("channel",)])
@pytest.mark.parametrize("system", WORLDS.values(), ids=WORLDS)
def test_observations_are_those_of_a_recorded_run(system, features):
    systems = VectorSystems(system, replications=3, seed=4, features=features)
    points = random_points(systems, PERIODS)
    record = record_of(system, points[:, 0], 4)
    layout = systems.observer.layout
    assert layout.service_features == len(SERVICE_FEATURES)
    assert layout.device_features == len(DEVICE_FEATURES) - 1 + len(features)
    waited = 0.0
    for period in range(PERIODS):
        systems.step(points[period])
        services, devices = expected_features(system, record, points[:, 0], period)
        row = systems.observation[0]
        np.testing.assert_allclose(layout.of_services(row), services, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            layout.of_devices(row), devices[:, : layout.device_features], rtol=1e-5, atol=1e-6
        )
        waited += services[:, :3].sum()
    assert waited > 0.0


@pytest.mark.parametrize("system", WORLDS.values(), ids=WORLDS)
def test_the_reward_is_the_cost_of_the_period_means(system):
    system = with_learning(
        system, reward_energy_weight=300.0, reward_backlog_weight=0.7, backlog_share_edge=0.5
    )
    systems = VectorSystems(system, replications=2, seed=9)
    points = random_points(systems, PERIODS)
    record = record_of(system, points[:, 0], 9)
    slots = system.slots_per_period
    for period in range(PERIODS):
        systems.step(points[period])
        during = slice(period * slots, (period + 1) * slots)
        energies = [
            getattr(record, f"{stage}_energy_j")[during].mean(axis=0) for stage in ("local", "transmit")
        ]
        queues = np.stack([getattr(record, name)[during].mean(axis=0) for name in QUEUES])
        cost = slot_costs(system, energies[0] + energies[1], queues).sum()
        np.testing.assert_allclose(systems.reward[0], -cost, rtol=1e-6)
        np.testing.assert_allclose(systems.energy[0], [e.sum() for e in energies], rtol=1e-9)
        energy, backlog = systems.energy.sum(axis=1), systems.backlog
        np.testing.assert_allclose(systems.reward, -(300.0 * energy + 0.7 * backlog), rtol=1e-6)


def test_before_the_first_period_everything_is_empty():
    systems = VectorSystems(ragged_system(), replications=2, features=["channel"])
    layout = systems.observer.layout
    services = layout.of_services(systems.observation)
    assert not services[..., :6].any()
    assert not services[..., 9:].any()
    np.testing.assert_allclose(layout.of_devices(systems.observation), 0.0, atol=1e-12)


def trajectory(systems, points):
    """All observations, and the ends of episodes."""
    seen = [np.array(systems.observation)]
    ends = []
    for line in points:
        ends.append(systems.step(line))
        seen.append(np.concatenate([systems.observation, systems.reward[:, None]], axis=1))
        if ends[-1]:
            seen.append(np.array(systems.final_observation))
    return seen, ends


def assert_same(one, other, replications=slice(None), of=slice(None)):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(a[replications], b[of])
    assert one[1] == other[1]


@pytest.mark.parametrize("seed", [3, [3, 5, 11]])
def test_equal_seeds_give_equal_bits(seed):
    system = ragged_system(channel=SHADOWED)
    first = VectorSystems(system, replications=3, seed=seed, decisions=8)
    points = random_points(first, 20)
    expected = trajectory(first, points)
    beside = VectorSystems(system, replications=5, seed=8, decisions=6)
    again = VectorSystems(system, replications=3, seed=seed, decisions=8)
    seen, ends = [np.array(again.observation)], []
    for line in points:
        beside.step(random_points(beside, 1)[0])
        more, end = trajectory(again, line[None])
        seen += more[1:]
        ends += end
    assert_same((seen, ends), expected)
    again.seed(seed)
    again.reset()
    assert_same(trajectory(again, points), expected)


def test_a_replication_draws_the_same_in_any_number_of_replications():
    """Within a block of replications and in later blocks."""
    system = load_scenario("balanced")
    many = VectorSystems(system, replications=70, seed=2, decisions=8)
    few = VectorSystems(system, replications=3, seed=2, decisions=8)
    points = random_points(many, 20)
    assert_same(trajectory(many, points), trajectory(few, points[:, :3]), slice(3))
    seeds = list(range(100, 170))
    many.seed(seeds)
    many.reset()
    expected = trajectory(many, points)
    for b in (0, 41, 69):
        alone = VectorSystems(system, replications=1, seed=[seeds[b]], decisions=8)
        assert_same(trajectory(alone, points[:, [b]]), expected, slice(None), slice(b, b + 1))


def test_replications_episodes_and_seeds_differ():
    system = ragged_system()
    systems = VectorSystems(system, replications=4, seed=1, decisions=10)
    other = VectorSystems(system, replications=4, seed=2, decisions=10)
    points = np.repeat(random_points(systems, 1)[:, :1], 4, axis=1)[0]
    rewards = []
    for _ in range(3):
        for run in (systems, other):
            total = np.zeros(4)
            while not run.step(points):
                total += run.reward
            rewards.append(total)
    assert np.unique(np.concatenate(rewards)).size == 24


def test_episodes_are_truncated_all_together():
    system = ragged_system()
    systems = VectorSystems(system, replications=3, seed=6, decisions=5)
    points = random_points(systems, 17)
    first = systems.observation.copy()
    ends = []
    for line in points:
        before = systems.observation.copy()
        ends.append(systems.step(line))
        if ends[-1]:
            assert not np.array_equal(systems.final_observation, before)
            np.testing.assert_array_equal(systems.observation, first)
    assert ends == [step % 5 == 4 for step in range(17)]
    assert (systems.episode, systems.taken) == (3, 2)


def test_the_last_observation_is_that_of_a_continued_episode():
    system = ragged_system()
    cut, whole = (VectorSystems(system, replications=3, seed=6, decisions=n) for n in (5, 6))
    for line in random_points(cut, 5):
        truncated = cut.step(line)
        assert not whole.step(line)
    assert truncated
    np.testing.assert_array_equal(cut.final_observation, whole.observation)
    np.testing.assert_array_equal(cut.reward, whole.reward)
    np.testing.assert_array_equal(cut.backlog, whole.backlog)


def test_finished_tasks_take_no_memory():
    systems = VectorSystems(ragged_system(load=10.0), replications=3, decisions=5)
    room = None
    for line in random_points(systems, 203):
        if systems.step(line):
            assert systems._state.task_counts()[2].sum() == 0
            room = room or systems._state.room
    assert systems._state.take_finished().size == 0
    assert systems._state.room == room


def test_episodes_are_as_long_as_the_scenario_says():
    system = with_learning(ragged_system(), decisions_per_episode=4)
    systems = VectorSystems(system)
    assert [systems.step(line) for line in random_points(systems, 4)] == [False, False, False, True]


def test_buffers_stay_where_they_are_and_are_shared_with_torch():
    torch = pytest.importorskip("torch")
    systems = VectorSystems(ragged_system(), replications=3, decisions=4)
    arrays = {name: getattr(systems, name) for name in BUFFERS}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    for line in random_points(systems, 9):
        systems.step(line)
        for name in BUFFERS:
            assert getattr(systems, name) is arrays[name]
            assert tensors[name].data_ptr() == arrays[name].ctypes.data
            np.testing.assert_array_equal(tensors[name].numpy(), arrays[name])
    assert tensors["final_observation"].abs().sum() > 0.0
    assert all(arrays[name].dtype == np.float32 for name in BUFFERS[:3])


def test_choices_are_those_of_the_scenario():
    systems = VectorSystems(ragged_system())
    assert systems.choices.tolist() == [len(s.profile.cuts) for s in systems.system.services]
    assert systems.first_choice == 0
    assert VectorSystems(ragged_system(learning=WITHOUT_ZERO)).first_choice == 1


@pytest.mark.parametrize("excluded", [False, True])
def test_points_that_are_not_allowed_are_refused(excluded):
    settings = {"learning": WITHOUT_ZERO} if excluded else {}
    systems = VectorSystems(ragged_system(**settings), replications=2)
    good = random_points(systems, 1)[0]
    for wrong in (systems.first_choice - 1, systems.choices[1]):
        points = good.copy()
        points[1, 1] = wrong
        with pytest.raises(ProblemError, match=r"expected a cut from") as caught:
            systems.step(points)
        assert caught.value.path == "$.points[1][1]"
    for points in (good[:1], good[:, :2], good.astype(np.int32)):
        with pytest.raises(ProblemError, match=r"expected int64 of shape \(2, 3\)"):
            systems.step(points)


def test_points_may_have_any_memory_layout():
    plain, other = (VectorSystems(ragged_system(), replications=2, seed=1) for _ in range(2))
    lines = random_points(plain, 20)
    lines.flags.writeable = False
    for line in lines:
        plain.step(line)
        other.step(np.asfortranarray(line))
    np.testing.assert_array_equal(plain.observation, other.observation)
    assert plain.observation.any()


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"replications": 0}, "$.replications"),
        ({"decisions": 0}, "$.decisions"),
        ({"seed": -1}, "$.seed"),
        ({"seed": [1, 2, 3]}, "$.seed"),
        ({"seed": 0.5}, "$.seed"),
        ({"features": ["weather"]}, "$.features"),
        ({"features": "channel"}, "$.features"),
    ],
)
def test_wrong_arguments_are_refused(settings, path):
    with pytest.raises(ProblemError) as caught:
        VectorSystems(ragged_system(), **{"replications": 2, **settings})
    assert caught.value.path == path


class Watching:
    """Replays points, and records the observations of a learned policy."""

    name = "watching"

    def __init__(self, observer, points):
        self.observer, self.points, self.seen = observer, points, []

    def decide(self, observation):
        self.seen.append(self.observer.see(observation))
        return Decision(self.points[observation.period].T)


def test_a_policy_has_the_same_observations_in_simulation_and_training():
    system = ragged_system(channel=SHADOWED)
    systems = VectorSystems(system, replications=3, seed=4, features=["channel"])
    points = random_points(systems, PERIODS)
    seen = [systems.observation.copy()]
    for line in points[:-1]:
        systems.step(line)
        seen.append(systems.observation.copy())
    policy = Watching(systems.observer, points)
    key = int(np.random.SeedSequence([4, 0]).generate_state(1, np.uint64)[0])
    Simulator(system, policy, replications=3, seed=key).run(PERIODS * system.slots_per_period)
    np.testing.assert_array_equal(policy.seen, seen)


def test_a_channel_without_gain_has_the_lowest_feature():
    systems = VectorSystems(ragged_system(), features=["channel"])
    systems._state.kernel_state.sums.devices[:] = 0.0
    systems.observer.write(systems._state, systems.observation)
    assert (systems.observer.layout.of_devices(systems.observation)[..., -1] == -10.0).all()


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("taken", [0, 7, 20, 29])
def test_systems_continue_from_a_snapshot_bit_for_bit(name, taken):
    """Within an episode, at its start, and with more waiting tasks than the tables of new systems hold."""
    system = WORLDS[name]
    options = {"replications": 5, "seed": 3, "decisions": 20, "features": ("channel",)}
    first, second = (CreditedSystems(system, **options) for _ in range(2))
    points = random_points(first, PERIODS + 10)
    for step in points[:taken]:
        first.step(step)
    second.step(points[0])
    second.restore(first.snapshot())
    for step in points[taken:]:
        assert first.step(step) == second.step(step)
        for buffer in (*BUFFERS, "parts", "joined", "edge", "met"):
            if buffer != "final_observation" or first.episode > taken // 20:
                np.testing.assert_array_equal(getattr(first, buffer), getattr(second, buffer))


def test_a_snapshot_holds_any_number_of_tasks():
    first, second = (VectorSystems(ragged_system(60.0), replications=3, decisions=100) for _ in range(2))
    points = random_points(first, 80)
    for step in points[:60]:
        first.step(step)
    assert first._state.room[0] > second._state.room[0]
    second.restore(first.snapshot())
    for step in points[60:]:
        first.step(step)
        second.step(step)
        np.testing.assert_array_equal(first.observation, second.observation)
