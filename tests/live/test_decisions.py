"""Policies are asked with what was measured."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lyaopt import Device, System, make_policy
from lyaopt.errors import ProblemError
from lyaopt.live.decisions import Decisions
from lyaopt.live.measured_state import Backlogs, backlogs_of
from lyaopt.policies.paired_trials import SearchOptions
from lyaopt.policies.price_policy import price
from lyaopt.simulation import Decision
from lyaopt.simulation.policy import Replay
from lyaopt.simulation.shares import Shares
from tests.live.systems import measured_service

HEAD, TAIL, BITS = (0.0, 0.020, 0.050), (0.040, 0.015, 0.0), (60_000, 30_000, 0)


@pytest.fixture(scope="module")
def system() -> System:
    service = measured_service(HEAD, TAIL, BITS)
    devices = Device(150.0, (service, service), cpu_capacity_hz=1e9), Device(160.0, (service,))
    return System(devices, edge_capacity_hz=2e9, energy_weight_local=1e6, energy_weight_transmit=1e6)


def row(queue, tasks, amount, left):
    return {"queue": queue, "tasks": tasks, "amount": amount, "left": left}


DEVICES = [
    {"local": [row(1, 2, 0.03, 0.01)], "radio": [row(0, 1, 5e4, 2e4)]},
    {"local": [row(0, 1, 0.02, 0.02)], "radio": []},
]
EDGE = {"edge": [row([1, 0], 3, 0.06, 0.005)]}
AMOUNTS = [[0.0, 3e7, 3e7], [5e4, 0.0, 0.0], [0.0, 0.0, 1.2e8]]


class Seeing:
    name = "seeing"

    def __init__(self, answer) -> None:
        self.answer, self.seen = answer, []

    def decide(self, observation):
        names = (
            "period",
            "backlog",
            "mean_backlog",
            "mean_service",
            "mean_power_w",
            "channel_gain",
            "mean_gain",
        )
        self.seen.append({name: getattr(observation, name) for name in (*names, "points")})
        return Decision(self.answer)


def test_seconds_and_bits_become_backlogs(system):
    found = backlogs_of(system, DEVICES, EDGE)
    assert found.amounts.tolist() == [pytest.approx(each) for each in AMOUNTS]  # 1.5 GHz is the default F^l
    assert found.tasks.tolist() == [[0, 2, 1], [1, 0, 0], [0, 0, 3]]
    assert found.left[0].tolist() == pytest.approx([1.0, 1e7, 3e7])
    assert found.left[2, 2] == pytest.approx(1e7)


def test_a_policy_sees_what_was_measured(system):
    policy = Seeing(np.array([2, 0, 1]))
    decisions = Decisions(policy, system, seed=3)
    backlogs = backlogs_of(system, DEVICES, EDGE)
    empty = replace(backlogs, amounts=0.0 * backlogs.amounts, tasks=0 * backlogs.tasks)
    points = decisions.decide(0, empty, None, np.zeros(3, np.int64))
    assert points.tolist() == [2, 0, 1]
    gains = np.linspace(1e-10, 2e-10, 20).reshape(10, 2)
    rates, power = np.arange(9.0).reshape(3, 3), np.array([0.1, 0.2])
    decisions.served(rates, power)
    decisions.decide(1, backlogs, gains, points)
    first, second = policy.seen
    assert (first["period"], second["period"]) == (0, 1)
    assert not first["backlog"].any()
    assert first["channel_gain"][:, 0] == pytest.approx(system.mean_channel_gain())
    assert second["backlog"][:, :, 0] == pytest.approx(backlogs.amounts)
    assert second["mean_backlog"][:, :, 0] == pytest.approx(0.5 * backlogs.amounts)
    assert second["mean_service"][:, :, 0] == pytest.approx(rates)
    assert second["mean_power_w"][:, 0] == pytest.approx(power)
    assert second["channel_gain"][:, 0] == pytest.approx(gains[-1])
    assert second["mean_gain"][:, 0] == pytest.approx(gains.mean(axis=0))
    assert second["points"][:, 0].tolist() == [2, 0, 1]


def test_plans_of_several_periods_are_followed_before_the_next_question(system):
    plan = np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2]])[:, :, None]
    policy = Seeing(plan)
    decisions, backlogs = Decisions(policy, system, 0), backlogs_of(system, DEVICES, EDGE)
    found = [decisions.decide(period, backlogs, None, np.zeros(3, np.int64))[0] for period in range(5)]
    assert found == [0, 1, 2, 0, 1]
    assert len(policy.seen) == 2


def test_the_cuts_of_a_trace_can_be_repeated_and_stay(system):
    decisions = Decisions(Replay(np.array([[0, 1, 2], [2, 1, 0]])), system, 0)
    backlogs = backlogs_of(system, DEVICES, EDGE)
    found = [decisions.decide(p, backlogs, None, np.zeros(3, np.int64)).tolist() for p in range(4)]
    assert found == [[0, 1, 2], [2, 1, 0], [2, 1, 0], [2, 1, 0]]


def test_prices_choose_by_what_waits(system):
    short = SearchOptions(slots=2000, replications=2)
    policy = price(system, short, waiting_cost_j_per_s=0.5)
    decisions = Decisions(policy, system, 0)
    backlogs = backlogs_of(system, DEVICES, EDGE)
    expected = policy.rule.points(system, backlogs.amounts, backlogs.tasks, backlogs.left)
    assert decisions.decide(0, backlogs, None, np.zeros(3, np.int64)).tolist() == expected.tolist()
    # Where bits of many tasks wait, a task sends none; where cycles of many wait, it leaves none behind.

    def waiting(stage: int, amount: float) -> Backlogs:
        amounts, tasks = np.zeros((3, 3)), np.zeros((3, 3), np.int64)
        amounts[stage], tasks[stage] = amount, 50
        return replace(backlogs, amounts=amounts, tasks=tasks)

    full_radio, full_cpu = waiting(1, 3e6), waiting(0, 2.5e9)
    assert (decisions.decide(1, full_radio, None, np.zeros(3, np.int64)) == 2).all()
    assert (decisions.decide(2, full_cpu, None, np.zeros(3, np.int64)) == 0).all()


@pytest.mark.parametrize("name", ["greedy", "random", "middle"])
def test_policies_by_name_answer(system, name):
    decisions = Decisions(make_policy(name, system), system, 0)
    found = decisions.decide(0, backlogs_of(system, DEVICES, EDGE), None, np.zeros(3, np.int64))
    assert found.shape == (3,)
    assert ((found >= 0) & (found <= 2)).all()


def test_policies_that_need_more_than_is_measured_are_refused(system):
    with pytest.raises(ProblemError, match="planning"):
        Decisions(SimpleNamespace(name="planning"), system, 0)  # type: ignore[arg-type]

    class Sharing:
        name = "sharing"

        def decide(self, observation):
            halves = np.full(3, 0.3)
            return Decision(np.zeros(3, int), shares=Shares(np.ones(2), np.ones(2), halves, halves, halves))

    with pytest.raises(ProblemError, match="allocates"):
        Decisions(Sharing(), system, 0).decide(0, backlogs_of(system, DEVICES, EDGE), None, np.zeros(3, int))
    with pytest.raises(ProblemError, match=r"K = 2"):
        Decisions(Seeing([3, 0, 0]), system, 0).decide(
            0, backlogs_of(system, DEVICES, EDGE), None, np.zeros(3, int)
        )
