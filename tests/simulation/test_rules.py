"""Allocation rules: in Python and compiled, against the built-in weights and the slow simulator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from lyaopt import SlotBatch, solve_slots
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.policies.fixed import middle
from lyaopt.simulation import Decision, Shares, Simulator, simulate
from tests.simulation.rules import (
    Everything,
    Recorded,
    backlogs,
    backlogs_compiled,
    everything_compiled,
)
from tests.simulation.scenarios import QUEUES, RATES, Workload, workloads
from tests.simulation.test_record_invariants import (
    EPS,
    assert_bitwise_equal,
    by_device,
    by_device_and_service,
    carried,
    rates,
    slots_of,
)
from tests.support.slow_simulator import SlowSimulator

EXAMPLES = settings(max_examples=25)
SYSTEM = load_scenario("default")
WALKING = replace(
    SYSTEM,
    channel=replace(SYSTEM.channel, walk_m_per_sqrt_s=5.0, fading_correlation=0.9, shadowing_std_db=4.0),
)
SYSTEMS = pytest.mark.parametrize(
    "system",
    [SYSTEM, WALKING, load_scenario("shadowing"), load_scenario("bursty")],
    ids=["default", "walking", "shadowing", "bursty"],
)
BACKLOGS = pytest.mark.parametrize("rule", [backlogs, backlogs_compiled])


@BACKLOGS
@given(workload=workloads())
@EXAMPLES
def test_backlogs_as_weights_give_the_built_in_record(rule, workload):
    result = workload.simulate(rule=rule)
    assert_bitwise_equal(result.record, workload.simulate().record)
    assert result.rule == rule.__name__ if rule is backlogs else rule.name


def assert_same_result(one, other):
    """The same but for the last digit of means: runs in other pieces add up in another order."""
    for name in ("local_energy_j", "transmit_energy_j", "queues"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-13, err_msg=name)
    np.testing.assert_array_equal(one.points, other.points)
    assert (one.born, one.completed, one.queued) == (other.born, other.completed, other.queued)
    np.testing.assert_array_equal(one.latency_percentiles_s(), other.latency_percentiles_s())


@BACKLOGS
@SYSTEMS
def test_many_replications_draw_the_same_with_a_rule(rule, system):
    """Several blocks of replications, warm-up and periods cut short, under a policy of many decisions."""
    known = {"slots": 107, "warmup": 33, "replications": 70, "seed": 9}
    without = simulate(system, make_policy("random", system), **known)
    assert_same_result(simulate(system, make_policy("random", system), rule=rule, **known), without)


@pytest.mark.parametrize("rule", [Everything(), everything_compiled])
def test_a_run_in_pieces_is_the_same(rule):
    whole, pieces = (Simulator(SYSTEM, middle(SYSTEM), replications=3, rule=rule) for _ in range(2))
    whole.run(230)
    first = whole.result()
    for slots in (1, 90, 7, 132):
        pieces.run(slots)
    assert_same_result(first, pieces.result())


@given(workload=workloads())
@EXAMPLES
def test_python_and_compiled_give_the_same_record(workload):
    slowly, fast = (workload.simulate(rule=rule).record for rule in (Everything(), everything_compiled))
    assert_bitwise_equal(slowly, fast)


def test_python_and_compiled_agree_with_drawn_channels():
    system = WALKING
    known = {"slots": 300, "replications": 66, "seed": 2}
    slowly, fast = (
        simulate(system, middle(system), rule=r, **known) for r in (Everything(), everything_compiled)
    )
    assert_same_result(slowly, fast)
    assert not np.array_equal(slowly.queues, simulate(system, middle(system), **known).queues)


# --- what a rule sees


class Spy:
    """Backlogs; notes what it saw."""

    name = "spy"

    def __init__(self):
        self.seen = []

    def __call__(self, seen):
        names = (
            "backlog",
            "channel_gain",
            "waiting",
            "head_left",
            "head_work",
            "head_age_slots",
            "head_age_s",
        )
        last = ("last_rates", "last_cpu_hz", "last_power_w")
        self.seen.append(
            {name: getattr(seen, name)[..., 0] for name in (*names, *last)} | {"slot": seen.slot}
        )
        return tuple(seen.backlog)

    def table(self, name: str) -> np.ndarray:
        return np.array([slot[name] for slot in self.seen])


class Watched(SlowSimulator):
    """Notes the first task of every queue of each slot: number waiting, age, work left, whole work."""

    def __init__(self, system):
        super().__init__(system)
        self.heads, self.slot = [], 0

    def allocate(self, backlog, gain):
        def head(stage, queue):
            if not queue:
                return 0, 0, np.inf, 0.0
            return len(queue), self.slot - queue[0].born, float(queue[0].left), float(queue[0].work[stage])

        self.heads.append([[head(stage, q) for q in queues] for stage, queues in enumerate(self.queues)])
        self.slot += 1
        return super().allocate(backlog, gain)


@given(workload=workloads())
@EXAMPLES
def test_heads_are_those_of_the_slow_simulator(workload: Workload):
    spy, slow = Spy(), Watched(workload.system)
    record = workload.simulate(rule=spy).record
    slow.simulate(workload.arrivals, workload.channel_gain, workload.partition)
    waiting, age, left, work = np.moveaxis(np.array(slow.heads), -1, 0)
    np.testing.assert_array_equal(spy.table("waiting"), waiting)
    np.testing.assert_array_equal(spy.table("head_age_slots"), age)
    np.testing.assert_array_equal(spy.table("head_age_s"), age * workload.system.slot_duration_s)
    np.testing.assert_array_equal(spy.table("head_work"), work)
    np.testing.assert_allclose(spy.table("head_left"), left, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(spy.table("slot"), np.arange(workload.slots))
    np.testing.assert_array_equal(spy.table("channel_gain"), record.channel_gain)
    for stage, (queue, rate) in enumerate(zip(QUEUES, RATES, strict=True)):
        np.testing.assert_array_equal(spy.table("backlog")[:, stage], getattr(record, queue)[:-1])
        np.testing.assert_array_equal(spy.table("last_rates")[1:, stage], getattr(record, rate)[:-1])
    np.testing.assert_array_equal(spy.table("last_power_w")[1:], record.power_w[:-1])
    speed = by_device(workload.system, record.local_cpu_hz)
    np.testing.assert_allclose(spy.table("last_cpu_hz")[1:], speed[:-1], rtol=1e-12)
    assert not spy.table("last_rates")[0].any()


@SYSTEMS
def test_gains_are_those_of_the_slot(system):
    """Drawn ahead for the rule, and drawn again by the slot itself."""
    spy = Spy()
    record = simulate(system, middle(system), slots=120, seed=5, record=True, rule=spy).record
    np.testing.assert_array_equal(spy.table("channel_gain"), record.channel_gain)


# --- what weights do


@given(workload=workloads())
@EXAMPLES
def test_every_slot_is_optimal_for_its_weights(workload):
    rule = Recorded(workload)
    record, system = workload.simulate(rule=rule).record, workload.system
    weights = np.array(rule.weights)
    plain = slots_of(system, record)
    fields = {name: getattr(plain, name) for name in plain.__dataclass_fields__ if not name.startswith("_")}
    for stage, name in enumerate(("local_weight", "transmit_weight", "edge_weight")):
        fields[name] = by_device_and_service(system, weights[:, stage])
    solution = solve_slots(SlotBatch(**fields))
    for name in RATES:
        again = by_device_and_service(system, getattr(record, name))
        np.testing.assert_allclose(again, getattr(solution, name), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(record.power_w, solution.power_w, rtol=1e-12)


@given(workload=workloads())
@EXAMPLES
def test_tasks_and_work_are_conserved_under_any_weights(workload):
    result = workload.simulate(rule=Recorded(workload, 1))
    record, system, tau = result.record, workload.system, workload.system.slot_duration_s
    queued = np.cumsum(record.arrivals - record.completed, axis=0)
    assert (queued >= 0).all()
    assert result.born == result.completed + result.queued == record.arrivals.sum()
    points = np.repeat(record.partition, system.slots_per_period, axis=0)[: workload.slots]
    born = record.arrivals * np.take_along_axis(system.local_cycles.T, points, axis=0)
    queue = record.local_queue_cycles
    expected = queue[:-1] - record.local_cpu_hz * tau + born
    assert (np.abs(queue[1:] - expected) <= 8 * EPS * (queue[:-1] + born)).all()
    exact = 1 + 8 * EPS
    for stage, name in enumerate(QUEUES):
        assert (rates(record)[stage] * tau <= getattr(record, name)[:-1] * exact).all()
    assert (by_device(system, record.local_cpu_hz) <= system.cpu_capacity_hz * exact).all()
    assert (by_device(system, record.rate_bps) <= carried(system, record) * (1 + 1e-12)).all()
    assert (record.edge_cpu_hz.sum(axis=1) <= system.edge_capacity_hz * exact).all()


class SharesInBetween:
    """Shares in every other period."""

    name = "in-between"

    def decide(self, observation):
        system = observation.system
        devices, even = np.ones(len(system.devices)), np.full(len(system.services), 0.5)
        shares = Shares(cpu_fraction=0.5 * devices, power_fraction=devices, local=even, rate=even, edge=even)
        return Decision((system.cut_counts - 1) // 2, shares=shares if observation.period % 2 else None)


@BACKLOGS
def test_shares_go_before_a_rule(rule):
    known = {"slots": 150, "seed": 4, "record": True}
    without = simulate(SYSTEM, SharesInBetween(), **known)
    assert_bitwise_equal(simulate(SYSTEM, SharesInBetween(), rule=rule, **known).record, without.record)


def test_copies_keep_a_compiled_rule_and_its_memory():
    simulator = Simulator(SYSTEM, middle(SYSTEM), seed=3, rule=everything_compiled)
    simulator.run(90)
    state = simulator._state
    copy = state.copies(0, np.zeros(2, np.int64), 3)
    plan = np.repeat(state.kernel_state.points[None], 1, axis=0)
    copy.advance(40, np.repeat(plan, 2, axis=-1))
    state.advance(40, plan)
    for b in range(2):
        np.testing.assert_array_equal(copy.backlog()[..., b], state.backlog()[..., 0])
