"""Every regime with weights, tables, radios or parameters by slot has the property of its name."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np
import pytest

from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.tables import lower_hull
from lyaopt.verify import decimal_reference, random_problems
from lyaopt.verify.decimal_numbers import context
from lyaopt.verify.decimal_resources import cpu_of, radio_resource
from lyaopt.verify.single_slots import radio_of, table_of
from tests.verify.test_random_problems import near, problems

STAGES = (
    ("local_weight", "local_queue_cycles"),
    ("transmit_weight", "transmit_queue_bits"),
    ("edge_weight", "edge_queue_cycles"),
)


def items(regime: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights and limits of each stage of some slots, (M, N)."""
    for slot in problems(regime):
        for weight, queue in STAGES:
            yield getattr(slot, weight), getattr(slot, queue)


def limits(slot: SlotInputs) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """(stage, S, capacity, sum of the limits as a rate) of every device."""
    tau = Decimal(slot.slot_duration_s)
    with localcontext(context()):
        for m in range(len(slot.cpu_capacity_hz)):
            total = decimal_reference.local_optimum(slot, m).total
            yield "local", total, cpu_of(slot, m).capacity, Decimal(slot.local_queue_cycles[m].sum()) / tau
            total = decimal_reference.transmit_optimum(slot, m).total
            waiting = Decimal(slot.transmit_queue_bits[m].sum()) / tau
            yield "transmit", total, radio_resource(slot, m).capacity, waiting


@pytest.mark.parametrize(
    "regime", ["weights", "weight-ties", "weights-huge", "weights-tiny", "by-slot", "cpu-tables", "all-kinds"]
)
def test_wide_regimes_meet_every_limit_in_both_stages(regime: str) -> None:
    seen = set()
    for slot in problems(regime, 2000):
        for stage, total, capacity, waiting in limits(slot):
            bound = "capacity" if near(total, capacity) else "limits" if near(total, waiting) else "energy"
            seen.add((stage, bound if total else "nothing"))
    assert seen >= {(s, b) for s in ("local", "transmit") for b in ("capacity", "limits", "energy")}


def test_weights_come_in_any_order_of_the_limits() -> None:
    signs = [np.sign(np.diff(w, axis=1) * np.diff(q, axis=1)) for w, q in items("weights")]
    assert abs(np.mean(np.concatenate([s.ravel() for s in signs]))) < 0.1
    for weights, queues in items("weights-reversed"):
        for w, q in zip(weights, queues, strict=True):
            assert np.all(np.diff(w[np.argsort(q)]) <= 0)


def test_ties_are_exact_and_their_limits_differ() -> None:
    for weights, queues in items("weight-ties"):
        for w, q in zip(weights, queues, strict=True):
            assert len(np.unique(w)) <= 2
            assert len(np.unique(q)) == len(q)


def test_zeros_are_some_and_all() -> None:
    zero = np.concatenate([np.ravel(w == 0) for w, _ in items("weight-zero")])
    assert 0.4 < np.mean(zero) < 0.9
    assert any(np.all(w == 0) for w, _ in items("weight-zero"))
    free = [np.all(np.equal(slot.energy_weight_local, 0)) for slot in problems("weight-zero")]
    assert 0.05 < np.mean(free) < 0.5


def test_one_weight_dominates_by_orders_of_magnitude() -> None:
    for weights, _ in items("weight-dominates"):
        if weights.shape[1] > 1:
            ranked = np.sort(weights, axis=1)
            assert np.all(ranked[:, -1] > 1e-2 * ranked[:, -2])
    ratios = [np.ptp(np.log10(weights)) for weights, _ in items("weight-dominates") if weights.size > 1]
    assert max(ratios) > 25


def test_zero_limits_lie_beside_positive_weights() -> None:
    zero = np.concatenate([np.ravel(q == 0) for _, q in items("limit-zero")])
    assert 0.3 < np.mean(zero) < 0.8
    assert all(np.all(w > 0) for w, _ in items("limit-zero"))


def test_near_boundary_slots_sit_on_a_boundary_when_sorted_by_weight() -> None:
    close = []
    for slot in problems("weights-near-boundary"):
        k = slot.energy_weight_local * slot.energy_coefficient
        pairs = zip(slot.local_weight, slot.local_queue_cycles, slot.cpu_capacity_hz, strict=True)
        for weights, queues, capacity in pairs:
            order = np.argsort(-weights)
            prefix = np.cumsum(queues[order]) / slot.slot_duration_s
            affordable = np.sqrt(weights[order] / (3 * k))
            ratios = [prefix / affordable, prefix / capacity, affordable / capacity]
            close.append(np.abs(np.log(ratios)).min() < 1e-14)
    assert np.mean(close) == 1


def test_parameters_differ_by_slot_by_device_and_by_both() -> None:
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for batch in random_problems.batches("by-slot", 10_000, seed=5):
        slots, devices, _ = batch.shape
        names = {(): "one", (slots,): "slot", (slots, devices): "both"}
        for name in ("slot_duration_s", "edge_capacity_hz", "cpu_capacity_hz", "energy_weight_transmit"):
            shape = np.shape(getattr(batch, name))
            shapes.setdefault(name, set()).add(names.get(shape, "device") if shape else "one")
    assert shapes["slot_duration_s"] >= {"one", "slot"}
    assert shapes["cpu_capacity_hz"] >= {"device", "both"}
    assert shapes["energy_weight_transmit"] >= {"one", "device", "both"}


def test_tables_are_of_all_kinds() -> None:
    seen = set()
    for slot in problems("cpu-tables", 5000):
        for m in range(len(slot.cpu_capacity_hz)):
            table = table_of(slot, m)
            seen.add("one point" if len(table) == 1 else "many")
            seen.add("convex" if len(lower_hull(table)) == len(table) else "not convex")
            capacity, hz = slot.cpu_capacity_hz[m], [point[0] for point in table]
            seen.add("cut" if hz[0] < capacity < hz[-1] else "whole" if capacity >= hz[-1] else "first")
            seen.add("free" if table[0][1] == 0 else "costs")
    assert seen == {"one point", "many", "convex", "not convex", "cut", "whole", "first", "free", "costs"}


def test_weights_meet_slopes_and_prices_exactly_and_by_an_ulp() -> None:
    exact, ulp = 0, 0
    for slot in problems("cpu-table-boundary"):
        for m, weights in enumerate(slot.local_weight):
            hull = np.array([(0.0, 0.0), *lower_hull(table_of(slot, m))])
            slopes = slot.energy_weight_local * np.diff(hull[:, 1]) / np.diff(hull[:, 0])
            exact += np.sum(weights[:, None] == slopes)
            off = np.abs(weights[:, None] - slopes)
            ulp += np.sum((off > 0) & (off <= 2 * np.spacing(slopes)))
    assert exact > 100
    assert ulp > 10
    exact = 0
    for slot in problems("measured-radio-boundary"):
        for m, weights in enumerate(slot.transmit_weight):
            rate, power = radio_of(slot, m)
            exact += np.sum(weights == slot.energy_weight_transmit * power / rate) if rate else 0
    assert exact > 100


def test_measured_radios_include_silence_and_free_ones() -> None:
    rates, powers = [], []
    for slot in problems("measured-radios"):
        rates += [radio[0] for radio in slot.radio]
        powers += [radio[1] for radio in slot.radio]
    assert 0.02 < np.mean(np.array(rates) == 0) < 0.3
    assert 0.02 < np.mean(np.array(powers) == 0) < 0.3


def test_devices_of_all_kinds_lie_side_by_side() -> None:
    seen = set()
    for slot in problems("all-kinds"):
        for m in range(len(slot.cpu_capacity_hz)):
            seen.add((table_of(slot, m) is None, radio_of(slot, m) is None))
    assert len(seen) == 4
