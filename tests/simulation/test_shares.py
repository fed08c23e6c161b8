"""Allocation by shares: constraints, and exact shares give the exact allocation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from lyaopt.policies import Fixed
from lyaopt.simulation import Decision, Record, Shares, Trace, simulate
from tests.simulation.scenarios import Workload, workloads
from tests.simulation.test_record_invariants import assert_bitwise_equal, backlogs, by_device, carried, rates

EXAMPLES = settings(max_examples=60)
SYSTEM = load_scenario("balanced")
M, S = len(SYSTEM.devices), len(SYSTEM.services)


@dataclass
class SharesPerPeriod:
    """Replays points (P, S), and shares (or None) of each period."""

    points: np.ndarray
    shares: Any
    name: str = "shares"

    def decide(self, observation):
        p = observation.period
        return Decision(self.points[p], shares=self.shares[p])


def random_shares(system: System, rng: np.random.Generator, replications: int = 1) -> Shares:
    """Arbitrary shares, often 0 or 1."""

    def some(count: int) -> np.ndarray:
        plain = rng.random((count, replications))
        return rng.choice([plain, np.zeros_like(plain), np.ones_like(plain)], p=[0.7, 0.15, 0.15])

    devices, services = len(system.devices), len(system.services)
    return Shares(some(devices), some(devices), some(services), some(services), some(services))


def even_shares(system: System, **levels: float) -> Shares:
    devices, services = len(system.devices), len(system.services)
    ones = np.ones(services)
    full = {"cpu_fraction": 1.0, "power_fraction": 1.0} | levels
    return Shares(
        **{name: np.full(devices, level) for name, level in full.items()}, local=ones, rate=ones, edge=ones
    )


def scaled(system: System, shares: Shares) -> np.ndarray:
    """Shares (3, S) scaled to sums of at most one, service by service."""
    table = np.array([np.ravel(values) for values in (shares.local, shares.rate, shares.edge)])
    groups = [[*system.services_of(m)] for m in range(len(system.devices))]
    for stage in range(3):
        for group in groups if stage < 2 else [list(range(len(system.services)))]:
            table[stage, group] /= max(1.0, table[stage, group].sum())
    return table


def run_with_shares(workload: Workload, seed: int) -> tuple[SharesPerPeriod, Record, Any]:
    rng = np.random.default_rng(seed)
    policy = SharesPerPeriod(
        workload.partition, [random_shares(workload.system, rng) for _ in workload.partition]
    )
    trace = Trace(workload.arrivals, workload.channel_gain)
    result = simulate(workload.system, policy, slots=workload.slots, trace=trace, record=True)
    return policy, result.record, result


@given(workloads(), st.integers(0, 2**32))
@EXAMPLES
def test_no_capacity_is_exceeded_and_nothing_served_twice(workload, seed):
    """C.4 to C.10."""
    _, record, _ = run_with_shares(workload, seed)
    system, tau, slack = workload.system, workload.system.slot_duration_s, 1 + 1e-12
    given = rates(record)
    assert (given >= 0.0).all()
    assert (given * tau <= backlogs(record)[:, :-1] * slack).all()
    assert (by_device(system, given[0]) <= system.cpu_capacity_hz * slack).all()
    assert (by_device(system, given[1]) <= carried(system, record) * slack).all()
    assert ((record.power_w >= 0.0) & (record.power_w <= system.max_power_w)).all()
    assert (given[2].sum(axis=-1) <= system.edge_capacity_hz * slack).all()


@given(workloads(), st.integers(0, 2**32))
@EXAMPLES
def test_each_service_gets_its_share_or_what_it_can_use(workload, seed):
    """Recomputed slot by slot from the record's backlogs and channels."""
    policy, record, _ = run_with_shares(workload, seed)
    system, tau = workload.system, workload.system.slot_duration_s
    device, width = np.array(system.device_of_service), system.device_bandwidth_hz
    for ts in range(workload.slots):
        shares = policy.shares[ts // system.slots_per_period]
        cpu_fraction, power_fraction = np.ravel(shares.cpu_fraction), np.ravel(shares.power_fraction)
        snr = power_fraction * system.max_power_w * record.channel_gain[ts] / (width * system.noise_w_per_hz)
        whole = np.array(
            [
                (cpu_fraction * system.cpu_capacity_hz)[device],
                (width * np.log1p(snr) / np.log(2.0))[device],
                np.full(device.size, system.edge_capacity_hz),
            ]
        )
        expected = np.minimum(scaled(system, shares) * whole, backlogs(record)[:, ts] / tau)
        np.testing.assert_allclose(rates(record)[:, ts], expected, rtol=1e-12)


@given(workloads(), st.integers(0, 2**32))
@EXAMPLES
def test_only_what_is_used_costs_energy(workload, seed):
    _, record, _ = run_with_shares(workload, seed)
    system, given, tau = workload.system, rates(record), workload.system.slot_duration_s
    speed = by_device(system, given[0])
    np.testing.assert_allclose(record.local_energy_j, tau * system.energy_coefficient * speed**3, rtol=1e-12)
    np.testing.assert_array_equal(record.transmit_energy_j, tau * record.power_w)
    # The power carries the rates and no more.
    np.testing.assert_allclose(carried(system, record), by_device(system, given[1]), rtol=1e-9, atol=1e-6)


@given(workloads(), st.integers(0, 2**32))
@EXAMPLES
def test_no_task_is_lost(workload, seed):
    _, record, result = run_with_shares(workload, seed)
    queued = np.cumsum(record.arrivals - record.completed, axis=0)
    assert (queued >= 0).all()
    np.testing.assert_array_equal(queued == 0, (backlogs(record)[:, 1:] == 0.0).all(axis=0))
    assert result.born == record.arrivals.sum() == result.completed + result.queued


def exact_shares(system: System, record: Record, ts: int) -> Shares:
    """The shares of an exact allocation of a slot."""
    given, device = rates(record)[:, ts], np.array(system.device_of_service)
    sums = by_device(system, given)
    whole = np.array([sums[0][device], sums[1][device], np.full(device.size, system.edge_capacity_hz)])
    shares = np.divide(given, whole, out=np.zeros_like(given), where=whole > 0.0)
    levels = [
        np.divide(used, most, out=np.zeros_like(used), where=most > 0.0)
        for used, most in ((sums[0], system.cpu_capacity_hz), (record.power_w[ts], system.max_power_w))
    ]
    return Shares(*np.minimum(levels, 1.0), *np.minimum(shares, 1.0))


@given(workloads(most_slots=20))
@EXAMPLES
def test_exact_shares_give_the_exact_allocation(workload):
    """With new shares in every slot, up to rounding."""
    system = replace(workload.system, slots_per_period=1)
    partition = np.repeat(workload.partition, workload.system.slots_per_period, axis=0)[: workload.slots]
    trace = Trace(workload.arrivals, workload.channel_gain, partition)
    exact = simulate(system, None, slots=workload.slots, trace=trace, record=True).record
    policy = SharesPerPeriod(partition, [exact_shares(system, exact, ts) for ts in range(workload.slots)])
    trace = Trace(workload.arrivals, workload.channel_gain)
    shared = simulate(system, policy, slots=workload.slots, trace=trace, record=True).record
    for values, expected in zip(
        [*rates(shared), *backlogs(shared)], [*rates(exact), *backlogs(exact)], strict=True
    ):
        np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-9 * expected.max(initial=0.0))
    np.testing.assert_allclose(shared.power_w, exact.power_w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(shared.local_energy_j, exact.local_energy_j, rtol=1e-9, atol=1e-20)


@given(workloads(most_slots=20), st.integers(0, 2**32))
@settings(max_examples=15)
def test_every_replication_has_shares_of_its_own(workload, seed):
    """Each of three replications equals a run of its own."""
    rng = np.random.default_rng(seed)
    trace = Trace(workload.arrivals, workload.channel_gain)
    shares = random_shares(workload.system, rng, replications=3)
    policy = SharesPerPeriod(workload.partition, [shares] * len(workload.partition))
    together = simulate(workload.system, policy, slots=workload.slots, trace=trace, replications=3)
    for b in range(3):
        own = Shares(**{name: np.asarray(values)[:, b] for name, values in vars(shares).items()})
        alone = simulate(
            workload.system,
            replace(policy, shares=[own] * len(workload.partition)),
            slots=workload.slots,
            trace=trace,
        )
        np.testing.assert_allclose(together.queues[:, :, b], alone.queues[:, :, 0], rtol=1e-12)
        np.testing.assert_allclose(together.local_energy_j[:, b], alone.local_energy_j[:, 0], rtol=1e-12)
        np.testing.assert_allclose(
            together.transmit_energy_j[:, b], alone.transmit_energy_j[:, 0], rtol=1e-12
        )


@given(workloads())
@settings(max_examples=30)
def test_a_policy_may_allocate_in_some_periods_only(workload):
    """Before the first shares, slots equal those of a policy without shares."""
    half = len(workload.partition) // 2
    shares = [None] * half + [even_shares(workload.system)] * (len(workload.partition) - half)
    trace = Trace(workload.arrivals, workload.channel_gain)
    exact = SharesPerPeriod(workload.partition, [None] * len(workload.partition))
    records = [
        simulate(workload.system, policy, slots=workload.slots, trace=trace, record=True).record
        for policy in (SharesPerPeriod(workload.partition, shares), exact)
    ]
    until = half * workload.system.slots_per_period
    np.testing.assert_array_equal(rates(records[0])[:, :until], rates(records[1])[:, :until])


def test_exact_allocation_can_be_restored():
    """After periods of shares that empty all queues, the solvers take over."""
    arrivals = np.zeros((60, S), np.int64)
    arrivals[50] = 1
    trace = Trace(arrivals, np.tile(SYSTEM.mean_channel_gain(), (60, 1)))
    points = np.full((6, S), 1)
    with_shares = SharesPerPeriod(points, [even_shares(SYSTEM)] * 3 + [None] * 3)
    results = [
        simulate(SYSTEM, policy, slots=60, trace=trace, record=True).record
        for policy in (with_shares, SharesPerPeriod(points, [None] * 6))
    ]
    assert_bitwise_equal(*results)


def test_thresholds_without_items_serve_nothing():
    shares = even_shares(SYSTEM, cpu_fraction=0.0, power_fraction=0.0)
    points = np.full((1, S), 1)
    result = simulate(SYSTEM, Constant(points[0], shares), slots=2_000, seed=1)
    assert result.born > 0
    assert result.completed == 0
    assert result.mean_local_energy_j == result.mean_transmit_energy_j == 0.0


@dataclass
class Constant:
    points: np.ndarray
    shares: Shares
    name: str = "constant"

    def decide(self, observation):
        return Decision(self.points, for_good=True, shares=self.shares)


def test_with_shares_all_capacity_is_used_as_with_zero_weights():
    """One service per device: full fractions and shares are optimal if energy costs nothing."""
    devices = tuple(replace(device, services=device.services[:1]) for device in SYSTEM.devices)
    system = replace(SYSTEM, devices=devices, energy_weight_local=0.0, energy_weight_transmit=0.0)
    points = np.full(len(devices), 2)
    by_shares = simulate(system, Constant(points, even_shares(system)), slots=20_000, seed=3)
    # The edge is wide: a fourth of it for each leaves all queues but the last as they are.
    exact = simulate(system, Fixed(points), slots=20_000, seed=3)
    np.testing.assert_allclose(by_shares.queues[:2], exact.queues[:2], rtol=1e-9)
    np.testing.assert_allclose(by_shares.local_energy_j, exact.local_energy_j, rtol=1e-9)
    np.testing.assert_allclose(by_shares.transmit_energy_j, exact.transmit_energy_j, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("cpu_fraction", np.ones(S), r"\$\.shares\.cpu_fraction: policy constant: expected shape \(4,\)"),
        ("edge", np.ones((S, 2)), r"\$\.shares\.edge: .*expected shape \(8,\) or \(8, 1\), got \(8, 2\)"),
        ("rate", np.full(S, -0.1), r"\$\.shares\.rate\[0\]: .*expected a number from 0 to 1, got -0\.1"),
        ("local", np.full(S, np.nan), r"\$\.shares\.local\[0\]: .*from 0 to 1, got nan"),
        ("power_fraction", np.array([1, 1, 1, 2]), r"\$\.shares\.power_fraction\[3\]: .*got 2"),
        ("power_fraction", np.ones(M, bool), r"\$\.shares\.power_fraction: .*expected numbers, got bool"),
    ],
)
def test_bad_shares_are_refused(name, values, message):
    policy = Constant(np.full(S, 1), replace(even_shares(SYSTEM), **{name: values}))
    with pytest.raises(ProblemError, match=message):
        simulate(SYSTEM, policy, slots=10)


def test_shares_leave_each_device_its_own_bandwidth():
    shared = replace(SYSTEM, spectrum="shared")
    shares = Shares(
        cpu_fraction=np.ones(M), power_fraction=np.ones(M), local=np.ones(S), rate=np.ones(S), edge=np.ones(S)
    )
    policy = SharesPerPeriod(np.zeros((40, S), int), [shares] * 40)
    records = [simulate(system, policy, slots=400, seed=2, record=True).record for system in (SYSTEM, shared)]
    assert records[0].rate_bps.any()
    assert_bitwise_equal(*records)
