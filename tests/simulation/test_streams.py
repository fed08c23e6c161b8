"""Gains and arrivals of a system: their keys, and the distributions that the settings define."""

import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lyaopt._kernels.simulation.stream_options import AMPLITUDE_IMAGINARY, AMPLITUDE_REAL, DISTANCE
from lyaopt._kernels.toolchain.jit import CORE
from lyaopt.errors import ProblemError
from lyaopt.model.system import Arrivals, Channel, Device, Service, System
from lyaopt.simulation.streams import make_streams

SLOW = Channel(shadowing_std_db=6.0, fading_correlation=0.9, walk_m_per_sqrt_s=30.0)
BURSTS = Arrivals(busy_rate_factor=4.0, busy_share=0.2, busy_duration_s=0.5)


ON_OFF = {"on_duration_s": 0.1, "off_duration_s": 0.05, "off_rate_per_s": 10.0}


def make_system(channel=None, arrivals=None, counts=(2, 3, 1), rate=40.0, law="poisson", every=1, **settings):
    plain = Service("alexnet", arrival_rate_per_s=rate)
    own = Service("alexnet", arrival_rate_per_s=rate, arrivals=law)
    devices = tuple(
        Device(170.0 + 10.0 * m, tuple(plain if (n + 1) % every else own for n in range(count)))
        for m, count in enumerate(counts)
    )
    return System(devices, channel=channel or Channel(), arrivals=arrivals or Arrivals(), **settings)


def draw(streams, pieces):
    starts = np.cumsum([0, *pieces[:-1]])
    gains = [streams.draw_gains(int(s), n) for s, n in zip(starts, pieces, strict=True)]
    arrivals = [streams.draw_arrivals(int(s), n) for s, n in zip(starts, pieces, strict=True)]
    return np.concatenate(gains), np.concatenate(arrivals)


def by_system(draws, devices):
    """Gains (T, M, B) and arrivals (T, N, M, B)."""
    return [values.reshape(*values.shape[:-1], devices, -1) for values in draws]


VARIANTS = {
    "plain": make_system(),
    "no fading": make_system(Channel(fading="none", fading_correlation=0.5, shadowing_std_db=3.0)),
    "slow": make_system(SLOW, BURSTS),
    "many": make_system(SLOW, BURSTS, rate=5000.0),
    "periodic": make_system(arrivals=BURSTS, law={"kind": "periodic", "jitter_s": 0.04}),
    "batches": make_system(law={"kind": "batches", "batch_size": 2.5, "batch_law": "geometric"}),
    "on and off": make_system(arrivals=BURSTS, law={"kind": "on-off", **ON_OFF}, every=2),
}


@pytest.mark.parametrize("system", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("pieces", [(7, 1, 12), (1,) * 20, (13, 7)])
def test_the_division_of_a_run_changes_nothing(system, pieces):
    whole = draw(make_streams(system, 5, range(4)), (20,))
    for expected, found in zip(whole, draw(make_streams(system, 5, range(4)), pieces), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("system", VARIANTS.values(), ids=VARIANTS)
def test_the_block_changes_nothing(system):
    full = by_system(draw(make_streams(system, 5, range(9)), (6,)), 3)
    for block in (range(3, 4), range(2, 7), range(8, 9)):
        part = by_system(draw(make_streams(system, 5, block), (6,)), 3)
        for expected, found in zip(full, part, strict=True):
            np.testing.assert_array_equal(found, expected[..., block.start : block.stop])


@pytest.mark.parametrize("arrivals", [Arrivals(), BURSTS])
def test_more_devices_and_services_leave_the_others_as_they_were(arrivals):
    small = make_system(SLOW, arrivals, counts=(2, 3))
    large = make_system(SLOW, arrivals, counts=(2, 4, 5))
    gains, tasks = draw(make_streams(small, 5), (10,))
    more_gains, more_tasks = draw(make_streams(large, 5), (10,))
    np.testing.assert_array_equal(more_gains[:, :2], gains)
    np.testing.assert_array_equal(more_tasks[:, :3, 1], tasks[:, :, 1])
    np.testing.assert_array_equal(more_tasks[:, :2, 0], tasks[:, :2, 0])
    assert tasks[:, :2].any()
    assert not tasks[:, 2, 0].any()  # the first device has two services


def test_a_slow_process_does_not_change_other_draws():
    plain = draw(make_streams(make_system(), 5), (10,))
    shadowed = draw(make_streams(make_system(Channel(shadowing_std_db=1e-9)), 5), (10,))
    np.testing.assert_allclose(shadowed[0], plain[0], rtol=1e-8)
    np.testing.assert_array_equal(shadowed[1], plain[1])


# the last two share their low words with others: all 64 bits of the key count
@pytest.mark.parametrize("channel", [Channel(), SLOW])
def test_every_part_of_the_key_matters(channel):
    system = make_system(channel, BURSTS, counts=(2,) * 3)
    alike = replace(system, devices=(system.devices[0],) * 3)
    rows = []
    for seed in (0, 1, 2**32, 2**63):
        gains, tasks = draw(make_streams(alike, seed, range(2)), (40,))
        scale = gains.mean()
        rows += [*(gains.T / scale), *tasks.reshape(40, -1).T.astype(float)]
    assert len({row.tobytes() for row in rows}) == len(rows)
    for row in rows[:6]:
        assert len(np.unique(row)) == 40


def test_gains_and_arrivals_are_independent():
    gains, tasks = draw(make_streams(make_system(counts=(1,), rate=100.0), 3, range(20_000)), (2,))
    rows = np.concatenate([gains, tasks[:, 0]])
    assert np.abs(np.corrcoef(rows) - np.eye(4)).max() < 4.5 / math.sqrt(20_000)


def test_slow_processes_are_independent():
    streams = make_streams(make_system(SLOW, counts=(1,)), 3, range(20_000))
    streams.draw_gains(0, 2)
    found = np.corrcoef(streams.channel_state)
    np.testing.assert_allclose(found, np.eye(len(found)), atol=4.5 / math.sqrt(20_000))


def test_rayleigh_power_is_exponential():
    system = make_system(counts=(1,))
    gains = make_streams(system, 1, range(2000)).draw_gains(0, 200) / system.mean_channel_gain()[0]
    assert stats.kstest(gains.ravel(), "expon").pvalue > 1e-3
    assert stats.kstest(gains.min(axis=0) * 200, "expon").pvalue > 1e-3  # deep fades
    assert abs(np.corrcoef(gains[:-1].ravel(), gains[1:].ravel())[0, 1]) < 4.5 / math.sqrt(gains.size)


def test_without_fading_the_gain_is_its_mean():
    system = make_system(Channel(fading="none"))
    gains = make_streams(system, 1).draw_gains(0, 7)
    np.testing.assert_array_equal(gains, np.broadcast_to(system.mean_channel_gain(), (7, 3)))


def test_shadowing_is_stationary_with_its_autocorrelation():
    channel = Channel(fading="none", shadowing_std_db=6.0, shadowing_sojourn_s=0.2)
    system = make_system(channel, counts=(1,))
    gains = make_streams(system, 2, range(20_000)).draw_gains(0, 61)
    decibels = 10.0 * np.log10(gains / system.mean_channel_gain()[0])
    for slot in (0, 1, 60):
        assert stats.kstest(decibels[slot] / 6.0, "norm").pvalue > 1e-3
    for lag in (1, 20, 60):
        found = np.corrcoef(decibels[0], decibels[lag])[0, 1]
        expected = math.exp(-lag * system.slot_duration_s / 0.2)
        assert found == pytest.approx(expected, abs=4.5 * (1 - expected**2) / math.sqrt(20_000))


def test_correlated_fading_keeps_the_exponential_law():
    system = make_system(Channel(fading_correlation=0.9), counts=(1,))
    streams = make_streams(system, 3, range(20_000))
    rows = [AMPLITUDE_REAL, AMPLITUDE_IMAGINARY]
    amplitudes, powers = [], []
    for slot in range(12):
        powers.append(streams.draw_gains(slot, 1)[0] / system.mean_channel_gain()[0])
        amplitudes.append(streams.channel_state[rows].copy())
    for slot in (0, 1, 11):
        assert stats.kstest(powers[slot], "expon").pvalue > 1e-3
    for lag in (1, 11):
        expected = 0.9**lag
        tolerance = 4.5 / math.sqrt(20_000)
        both = np.corrcoef(amplitudes[0], amplitudes[lag])
        np.testing.assert_allclose(both[:2, 2:], expected * np.eye(2), atol=tolerance)
        # |A|^2 of complex normal amplitudes is correlated by the square
        power = np.corrcoef(powers[0], powers[lag])[0, 1]
        assert power == pytest.approx(expected**2, abs=3 * tolerance)


@pytest.mark.parametrize("pace", [20.0, 5000.0])
def test_walks_start_at_their_distance_and_fill_their_range(pace):
    channel = Channel(fading="none", walk_m_per_sqrt_s=pace, walk_nearest_m=165.0, walk_farthest_m=180.0)
    system = make_system(channel, counts=(1,))
    streams = make_streams(system, 4, range(5000))
    home = streams.draw_gains(0, 1)[0]
    np.testing.assert_array_equal(home, system.mean_channel_gain()[0])
    step = streams.draw_gains(1, 1)[0]
    moved = streams.channel_state[DISTANCE].copy()
    np.testing.assert_allclose(step, channel.mean_gain(moved), rtol=1e-13)
    if pace == 20.0:  # two metres a slot: hardly any has met an end, five metres away
        assert np.std(moved - 170.0) == pytest.approx(2.0, rel=0.06)
    gains = streams.draw_gains(2, 600)
    assert gains.min() >= channel.mean_gain(180.0) * (1 - 1e-13)
    assert gains.max() <= channel.mean_gain(165.0) * (1 + 1e-13)
    final = streams.channel_state[DISTANCE]
    assert stats.kstest(final, stats.uniform(165.0, 15.0).cdf).pvalue > 1e-3


def spells(busy):
    """Lengths of the bursts that begin and end within a run (T, L)."""
    lengths = []
    for column in busy.T:
        edges = np.flatnonzero(np.diff(column.astype(int)))
        starts = edges[np.diff(column.astype(int))[edges] > 0]
        ends = edges[np.diff(column.astype(int))[edges] < 0]
        ends = ends[ends > starts[0]] if starts.size else ends[:0]
        lengths += (ends - starts[: ends.size]).tolist()
    return np.array(lengths)


def test_bursts_keep_the_mean_and_have_their_mean_length():
    slots = 4000
    system = make_system(arrivals=BURSTS, counts=(1,), rate=400.0)
    streams = make_streams(system, 6, range(400))
    busy = np.empty((slots, 400), bool)
    tasks = np.empty((slots, 400), np.int64)
    for slot in range(slots):
        tasks[slot] = streams.draw_arrivals(slot, 1)[0, 0]
        busy[slot] = streams.busy[0]
    start = busy[0].mean()
    assert start == pytest.approx(0.2, abs=4.5 * math.sqrt(0.16 / 400))
    # 40 s are 50 times the memory of the chain, 0.4 s: some 20,000 independent looks
    assert busy.mean() == pytest.approx(0.2, abs=4.5 * math.sqrt(0.16 / 20_000))
    assert tasks[busy].mean() == pytest.approx(4.0 * 4.0, rel=0.01)
    assert tasks[~busy].mean() == pytest.approx(4.0 * 0.25, rel=0.01)
    assert tasks.mean() == pytest.approx(4.0, rel=4.5 * 1.5 / math.sqrt(20_000))
    # seen at slots the mean is one slot of the chance to come back longer at most
    assert spells(busy).mean() * system.slot_duration_s == pytest.approx(0.5, rel=0.05)


def test_bursts_without_quiet_tasks():
    system = make_system(arrivals=Arrivals(5.0, 0.2, 0.05), counts=(1,), rate=500.0)
    streams = make_streams(system, 6, range(50))
    for slot in range(100):
        tasks = streams.draw_arrivals(slot, 1)[0]
        assert not tasks[~streams.busy].any()


def test_no_gain_is_zero_or_infinite():
    for channel in (Channel(), SLOW):
        gains = make_streams(make_system(channel), 1, range(10_000)).draw_gains(0, 20)
        assert gains.min() > 0.0
        assert np.isfinite(gains).all()


@pytest.mark.parametrize(
    ("seed", "rate", "path"),
    [
        (-1, 1.0, "$.seed"),
        (2**64, 1.0, "$.seed"),
        (0, 1e12, "$.devices[0].services[0].arrival_rate_per_s"),
    ],
)
def test_impossible_draws_are_refused(seed, rate, path):
    with pytest.raises(ProblemError) as error:
        make_streams(make_system(rate=rate), seed)
    assert error.value.path == path


def draw_variants():
    answers = {}
    for name, system in VARIANTS.items():
        gains, tasks = draw(make_streams(system, 2**63 + 5, range(2)), (3, 4))
        answers |= {f"{name} gains": gains, f"{name} arrivals": tasks}
    return answers


SCRIPT = """
import sys
import numpy as np
from tests.simulation.test_streams import draw_variants
answers = draw_variants()
assert "numba" not in sys.modules
np.savez(sys.argv[1], **answers)
"""


@pytest.mark.skipif(CORE == "python", reason="compares with the compiled core")
def test_interpreted_draws_are_the_same(tmp_path):
    """Gains up to rounding, as a processor may fuse a product and a sum."""
    file = tmp_path / "draws.npz"
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(file)]
    env = os.environ | {"LYAOPT_CORE": "python"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(file) as found:
        for name, values in draw_variants().items():
            np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=0.0, err_msg=name)
