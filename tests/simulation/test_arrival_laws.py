"""Arrivals that are not Poisson: periodic, in batches, on and off, replayed."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from lyaopt.errors import ProblemError
from lyaopt.model.system import ArrivalLaw, Arrivals, Device, Service, System
from lyaopt.simulation.streams import make_streams

TAU = "0.01"


def system_of(*services: Service, **settings) -> System:
    return System((Device(180.0, services),), slot_duration_s=float(TAU), **settings)


def service(rate: float, **law) -> Service:
    return Service("alexnet", arrival_rate_per_s=rate, arrivals=ArrivalLaw(**law))


def counts_of(system: System, slots: int, replications: int = 1, seed: int = 1) -> np.ndarray:
    """New tasks (slots, services, replications)."""
    return make_streams(system, seed, range(replications)).draw_arrivals(0, slots)


def slots_of(times: list[Fraction], slots: int) -> list[int]:
    """Counts of tasks in slots, in exact arithmetic."""
    found = Counter(math.floor(time / Fraction(TAU)) for time in times)
    return [found[slot] for slot in range(slots)]


@pytest.mark.parametrize("rate", ["30", "25", "29.97", "7", "120", "250", "0.3"])
@pytest.mark.parametrize("phase", ["0", "0.07", "0.29", "1.003"])
def test_periodic_tasks_come_when_exact_arithmetic_says(rate, phase):
    slots = 20_000
    found = counts_of(system_of(service(float(rate), kind="periodic", phase_s=float(phase))), slots)
    number = int(Fraction(rate) * slots * Fraction(TAU)) + 2
    times = [Fraction(phase) + i / Fraction(rate) for i in range(number)]
    assert found[:, 0, 0].tolist() == slots_of(times, slots)


def test_drawn_phases_are_uniform_and_of_each_service():
    law = {"kind": "periodic"}
    found = counts_of(system_of(service(2.0, **law), service(2.0, **law)), 200, 4000)
    first = found.argmax(axis=0)
    for phases in first:
        assert stats.chisquare(np.bincount(phases, minlength=50)).pvalue > 1e-4
    assert abs(np.corrcoef(first)[0, 1]) < 4.5 / math.sqrt(4000)
    np.testing.assert_array_equal(found[:50], found[50:100])
    assert (found.sum(axis=0) == 4).all()


def test_jitter_is_uniform_and_loses_no_task():
    law = {"kind": "periodic", "phase_s": 0.0}
    found = counts_of(system_of(service(2.0, jitter_s=0.2, **law)), 50, 20_000)[:, 0]
    assert (found.sum(axis=0) == 1).all()
    late = np.bincount(found.argmax(axis=0), minlength=50)
    assert not late[20:].any()
    assert stats.chisquare(late[:20]).pvalue > 1e-4
    # Over many periods each is late by itself, and tasks may overtake each other.
    long = counts_of(system_of(service(40.0, jitter_s=0.2, **law)), 4000)[:, 0, 0].cumsum()
    on_time = counts_of(system_of(service(40.0, **law)), 4000)[:, 0, 0].cumsum()
    assert (long <= on_time).all()
    assert (long[20:] >= on_time[:-20]).all()
    assert (long[1:-1] != on_time[1:-1]).any()


def moments(found: np.ndarray) -> tuple[float, float]:
    return float(found.mean()), float(found.var())


def assert_mean_and_variance(found: np.ndarray, mean: float, variance: float) -> None:
    """Of counts that are independent over the last axis, whose sums over the first one are looked at."""
    sums = found.sum(axis=0).astype(float)
    error = sums.std() / math.sqrt(sums.size)
    assert sums.mean() == pytest.approx(mean, abs=4.5 * error)
    spread = math.sqrt(((sums - sums.mean()) ** 4).mean() / sums.size)
    assert sums.var() == pytest.approx(variance, abs=4.5 * spread)


@pytest.mark.parametrize(("law", "size"), [("fixed", 4.0), ("geometric", 4.0), ("geometric", 1.0)])
@pytest.mark.parametrize("rate", [8.0, 3000.0])
def test_batches_have_the_mean_and_dispersion_of_their_law(law, size, rate):
    system = system_of(service(rate, kind="batches", batch_size=size, batch_law=law))
    found = counts_of(system, 40, 20_000)[:, 0]
    tasks = rate * 40 * float(TAU)
    square = size * size + (size * (size - 1.0) if law == "geometric" else 0.0)
    assert_mean_and_variance(found, tasks, tasks / size * square)
    if law == "fixed":
        assert not (found % 4).any()
    none = (found == 0).mean()
    expected = math.exp(-rate * float(TAU) / size)
    assert none == pytest.approx(expected, abs=4.5 * math.sqrt(expected / found.size) + 1e-12)


def test_batches_of_one_slot_have_sizes_of_their_own():
    system = system_of(service(1e4, kind="batches", batch_size=20.0, batch_law="geometric"))
    found = counts_of(system, 1, 20_000)[0, 0]  # five batches a slot
    assert_mean_and_variance(found[None], 100.0, 5.0 * (400.0 + 380.0))


def test_on_and_off_has_the_mean_and_dispersion_of_its_chain():
    on, off, rate, slots, tau = 0.3, 0.7, 20.0, 100, float(TAU)
    system = system_of(service(rate, kind="on-off", on_duration_s=on, off_duration_s=off))
    found = counts_of(system, slots, 20_000)[:, 0]
    mean, share = rate * tau, on / (on + off)
    forgotten = math.exp(-tau * (1.0 / on + 1.0 / off))
    pairs = sum(forgotten ** abs(i - j) for i in range(slots) for j in range(slots))
    variance = slots * mean + (mean / share) ** 2 * share * (1.0 - share) * pairs
    assert_mean_and_variance(found, slots * mean, variance)


def test_on_and_off_is_what_bursts_of_the_same_numbers_are():
    bursts = Arrivals(busy_rate_factor=4.0, busy_share=0.2, busy_duration_s=0.5)
    off = 20.0 * bursts.quiet_rate_factor
    law = {"on_duration_s": 0.5, "off_duration_s": bursts.quiet_duration_s, "off_rate_per_s": off}
    other = system_of(service(20.0, kind="on-off", **law), service(20.0))
    found = counts_of(other, 3000, 8)
    np.testing.assert_array_equal(
        found[:, 0], counts_of(system_of(service(20.0), arrivals=bursts), 3000, 8)[:, 0]
    )
    # Bursts of the scenario are of Poisson services only, and leave the others alone.
    mixed = counts_of(system_of(*other.devices[0].services, arrivals=bursts), 3000, 8)
    np.testing.assert_array_equal(mixed[:, 0], found[:, 0])
    assert (mixed[:, 1] != found[:, 1]).any()


def times_file(tmp_path, lines: list[str]) -> str:
    path = tmp_path / "times.txt"
    path.write_text("# seconds\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_replayed_times_come_in_their_slots_again_and_again(tmp_path):
    lines = ["0", "0.07", "0.07", "0.29", "0.301", "1.5", "1.509"]
    law = {"kind": "replayed", "times": times_file(tmp_path, lines), "length_s": 1.6, "phase_s": 0.02}
    system = system_of(Service("alexnet", arrivals=ArrivalLaw(**law)))
    assert system.arrival_rate_per_s[0] == pytest.approx(7 / 1.6)
    times = [Fraction("0.02") + Fraction(t) + c * Fraction("1.6") for c in range(4) for t in lines]
    found = counts_of(system, 640, 3)
    for replication in range(3):
        assert found[:, 0, replication].tolist() == slots_of(times, 640)


def test_a_recording_ends_a_mean_gap_after_its_last_task(tmp_path):
    law = ArrivalLaw(kind="replayed", times=times_file(tmp_path, ["1", "2", "4"]))
    assert law.recording_s == 5.5
    assert law.own_rate_per_s == pytest.approx(3 / 5.5)


def test_drawn_phases_begin_somewhere_in_the_recording(tmp_path):
    law = {"kind": "replayed", "times": times_file(tmp_path, ["0", "0.3"]), "length_s": 1.0}
    found = counts_of(system_of(Service("alexnet", arrivals={**law, "phase_s": "drawn"})), 300, 6000)[:, 0]
    np.testing.assert_array_equal(found[:100], found[100:200])
    assert (found[:100].sum(axis=0) == 2).all()
    assert stats.chisquare(found[:100].sum(axis=1)).pvalue > 1e-4


def test_tasks_that_come_faster_than_slots_are_all_there(tmp_path):
    lines = [f"{i * 0.001:.3f}" for i in range(5)]
    law = {"kind": "replayed", "times": times_file(tmp_path, lines), "length_s": 0.005}
    found = counts_of(system_of(Service("alexnet", arrivals=law), service(5000.0, kind="periodic")), 300)
    assert found[:, 0, 0].tolist() == [10] * 300
    assert found[:, 1, 0].tolist() == [50] * 300


@pytest.mark.parametrize("law", [{"kind": "periodic"}, {"kind": "batches", "batch_size": 2}])
def test_nothing_comes_at_rate_0_and_too_much_is_refused(law):
    assert not counts_of(system_of(service(0.0, **law)), 100).any()
    with pytest.raises(ProblemError, match=r"^\$\.devices\[0\]\.services\[0\]\.arrival_rate_per_s: expected"):
        make_streams(system_of(service(1e9, **law)), 1)


def test_too_much_while_a_service_is_on_is_refused():
    """A mean of 0.02 tasks a slot in a millionth of the slots would be 20,000 there; in less, too many."""
    law = {"kind": "on-off", "on_duration_s": 1.0}
    make_streams(system_of(service(2.0, **law, off_duration_s=1e6)), 1)
    steady = {"off_duration_s": 5e8, "off_rate_per_s": 2.0}
    make_streams(system_of(service(2.0, **law, **steady)), 1)  # on is as off
    with pytest.raises(ProblemError, match=r"^\$\.devices\[0\]\.services\[0\]\.arrival_rate_per_s: expected"):
        make_streams(system_of(service(2.0, **law, off_duration_s=5e8)), 1)
