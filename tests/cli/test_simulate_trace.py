"""`lyaopt simulate --trace`: what is printed beside a run is of the trace, not of the scenario's law."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import energy_bound
from lyaopt.model.scenarios import format_scenario, load_scenario
from lyaopt.model.system import OperatingPoint
from lyaopt.policies import is_searched, make_policy, policy_names
from lyaopt.simulation import Trace, load_trace
from lyaopt_cli.main import run
from lyaopt_cli.support.tuning import tuned_to

SYSTEM = load_scenario("default")
TAU = SYSTEM.slot_duration_s


def printed(capsysbinary, *arguments, scenario="default"):
    assert run(["simulate", scenario, "--json", *arguments]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def trace_of(kind, tmp_path, slots=300):
    """A trace that the scenario's law would hardly bring."""
    rng = np.random.default_rng(3)
    arrivals, gain = np.zeros((slots, 8), np.int64), np.full((slots, 4), 1e-9)
    if kind == "two tasks":
        arrivals[5, 0] = arrivals[11, 3] = 1
    elif kind == "one slot of work":
        arrivals[0, :] = 1
    elif kind == "bursts":
        arrivals[::50] = rng.poisson(2.0, arrivals[::50].shape)
        gain = 1e-10 * rng.exponential(size=gain.shape)
    elif kind == "weak, then strong":
        arrivals[:] = rng.poisson(0.01, arrivals.shape)
        gain[: slots // 2] = 1e-13
    path = tmp_path / "trace.npz"
    np.savez(path, arrivals=arrivals, channel_gain=gain)
    return str(path)


def least_power_w(rates_needed, gain):
    """Water-filling of one device by bisection on the level: the textbook's, in one line each."""
    width, most = SYSTEM.device_bandwidth_hz[0], SYSTEM.max_power_w[0]
    floor = width * SYSTEM.noise_w_per_hz / gain
    low, high = 0.0, floor.max() + most
    for _ in range(200):
        level = 0.5 * (low + high)
        power = np.clip(level - floor, 0.0, most)
        enough = (width * np.log2(1.0 + power / floor)).sum() >= rates_needed
        low, high = (low, level) if enough else (level, high)
    return np.clip(high - floor, 0.0, most).sum()


KINDS = ["two tasks", "one slot of work", "bursts", "weak, then strong", "nothing"]
POLICIES = ["middle", "all-local", "all-offload", "greedy", "random"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warmup", ["0", "100"])
def test_no_energy_is_below_the_bound_beside_it(capsysbinary, tmp_path, kind, warmup):
    chosen = [part for name in POLICIES for part in ("--policy", name)]
    common = ["--trace", trace_of(kind, tmp_path), "--warmup", warmup, "--replications", "3"]
    for document in printed(capsysbinary, *common, *chosen, "--bound"):
        assert document["bound"] == "LB2"
        assert 0.0 <= document["bound_energy_j"] <= document["mean_energy_j"]
        assert "over_bound_at_latency" not in document


@pytest.mark.parametrize("policy", ["middle", "all-offload", "all-local"])
def test_the_bound_is_the_least_energy_of_the_work_that_was_done(capsysbinary, tmp_path, policy):
    trace, record = trace_of("bursts", tmp_path), str(tmp_path / "record.npz")
    arguments = ("--trace", trace, "--policy", policy, "--warmup", "40", "--record", record, "--bound")
    (document,) = printed(capsysbinary, *arguments)
    with np.load(record) as file:
        cycles = np.add.reduceat(file["local_cpu_hz"][40:].sum(axis=0), [0, 2, 4, 6]) * TAU
        rate = np.add.reduceat(file["rate_bps"][40:].sum(axis=0), [0, 2, 4, 6])
        gain = file["channel_gain"][40:]
    span = len(gain) * TAU
    local = (SYSTEM.energy_coefficient * span * (cycles / span) ** 3).sum()
    transmit = TAU * sum(least_power_w(rate[m], gain[:, m]) for m in range(4))
    assert document["bound_energy_j"] * len(gain) == pytest.approx(local + transmit, rel=1e-6)


def test_a_trace_may_cost_less_than_the_law(capsysbinary, tmp_path):
    """The reported case: two tasks over a strong channel, of which the scenario's LB1 is no bound."""
    trace = trace_of("two tasks", tmp_path, slots=100_000)
    (document,) = printed(capsysbinary, "--trace", trace, "--policy", "all-offload", "--bound")
    assert document["bound_energy_j"] <= document["mean_energy_j"] < energy_bound(SYSTEM).energy_j


def test_without_a_trace_the_bound_is_that_of_the_law(capsysbinary):
    (document,) = printed(capsysbinary, "--slots", "50", "--bound")
    assert document["bound"] == "LB1"
    assert document["bound_energy_j"] == energy_bound(SYSTEM).energy_j


def test_nothing_is_set_over_a_bound_of_the_law(capsysbinary, tmp_path):
    """With waiting costs too: LB3 is of the scenario's arrivals and channels."""
    trace = trace_of("two tasks", tmp_path)
    (document,) = printed(capsysbinary, "--trace", trace, "--policy", "middle", "--waiting-cost", "0.01")
    assert document["waiting_cost_j_per_s"] == 0.01
    assert document["over_bound"] is None
    assert run(["simulate", "default", "--trace", trace, "--waiting-cost", "0.01", "--bound"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "LB3" not in text
    assert "for the work done on this trace (LB2)" in text


def test_what_the_bound_does_not_know_is_refused_in_one_line(capsysbinary, tmp_path):
    points = (OperatingPoint(1e9, 0.5), OperatingPoint(1.5e9, 1.0))
    tables = replace(SYSTEM, devices=(*SYSTEM.devices[:3], replace(SYSTEM.devices[3], cpu_points=points)))
    path = tmp_path / "s.toml"
    path.write_text(format_scenario(tables))
    assert run(["simulate", str(path), "--trace", trace_of("bursts", tmp_path), "--bound"]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert "$.devices[3].cpu_points: LB2 knows cubic CPUs" in line


# --- what policies are tuned to


def test_searched_policies_say_that_they_are_judged_in_sample(capsysbinary, tmp_path):
    trace = trace_of("bursts", tmp_path)
    chosen = [part for name in ("best-fixed", "greedy", "table", "middle") for part in ("--policy", name)]
    *tuned, middle = printed(capsysbinary, "--trace", trace, *chosen)
    for document in tuned:
        assert document["tuned"] == {"on": "trace", "first_slots": 300, "in_sample": True}
    assert "tuned" not in middle
    again = make_policy("best-fixed", SYSTEM, traces=[load_trace(trace, SYSTEM)])
    assert tuned[0]["partition"] == again.points.tolist()
    assert run(["simulate", "default", "--trace", trace, "--policy", "best-fixed"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "Tuned    on the first 300 slots of the trace, which are judged too (in-sample)\n" in text


def test_a_part_of_the_trace_may_be_kept_for_the_judgement(capsysbinary, tmp_path):
    """What comes later in the trace changes nothing of the policy, and what is searched is not measured."""
    first = trace_of("bursts", tmp_path)
    with np.load(first) as file:
        arrays = dict(file)
    options = ["--policy", "best-fixed", "--policy", "all-local", "--search-slots", "200"]
    found, other = printed(capsysbinary, "--trace", first, *options)
    assert found["tuned"] == {"on": "trace", "first_slots": 200, "in_sample": False}
    assert found["warmup"] == other["warmup"] == 200
    arrays["channel_gain"][200:] = 1e-13
    arrays["arrivals"][200:] += 1
    np.savez(tmp_path / "other.npz", **arrays)
    again, _ = printed(capsysbinary, "--trace", str(tmp_path / "other.npz"), *options)
    assert again["partition"] == found["partition"]
    assert again["mean_energy_j"] != found["mean_energy_j"]


def test_without_a_trace_nothing_is_said_of_tuning(capsysbinary):
    (document,) = printed(capsysbinary, "--slots", "50", "--policy", "greedy")
    assert "tuned" not in document


def test_what_cannot_be_searched_says_what_it_is_tuned_to(tmp_path):
    part = Trace(np.zeros((40, 8), np.int64), np.ones((40, 4)))
    (tmp_path / "run.json").write_text("{}")
    assert tuned_to(str(tmp_path), SYSTEM, part, 0).document() == {"on": "training"}
    assert "trained on, not to the trace" in tuned_to(str(tmp_path), SYSTEM, part, 0).words()
    assert tuned_to("mine:Policy", SYSTEM, part, 0).document() == {"on": "module"}
    for name in policy_names():
        tuned = tuned_to(name, SYSTEM, part, 0)
        searched = is_searched(name) or name == "greedy"
        assert (tuned is not None) == searched, name
        assert not searched or tuned.document()["on"] == "trace"
    slow, drawn = load_scenario("shadowing"), replace(part, drawn="channel_gain")
    for name in ("price", "value"):
        assert "law" not in tuned_to(name, SYSTEM, part, 0).words()
        for tuned in (tuned_to(name, slow, part, 0), tuned_to(name, SYSTEM, drawn, 0)):
            assert "prices of channels are of the scenario's law" in tuned.words()
            assert tuned.document()["of_law"] == "prices of channels are of the scenario's law"
    assert "roll-outs draw from the scenario's law" in tuned_to("planning", SYSTEM, part, 0).words()


def test_search_slots_need_a_trace_that_is_longer(capsysbinary, tmp_path):
    trace = trace_of("bursts", tmp_path)
    for arguments in (["--search-slots", "20"], ["--trace", trace, "--search-slots", "300"]):
        assert run(["simulate", "default", *arguments]) == 2
        captured = capsysbinary.readouterr()
        assert captured.out == b""
        assert len(captured.err.decode().splitlines()) == 1
