"""Properties of the optimum with weights, tables, measured radios, and parameters by slot."""

from __future__ import annotations

from dataclasses import replace
from decimal import localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt import SlotBatch, solve_slots
from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt._kernels.slot.general_edge import general_edge_many
from lyaopt._kernels.slot.general_local import general_local_many
from lyaopt._kernels.slot.general_transmit import general_transmit_many
from lyaopt.verify.cvxpy_reference import solve_reference
from lyaopt.verify.decimal_numbers import context, exact
from lyaopt.verify.decimal_reference import edge_optimum, local_optimum
from lyaopt.verify.decimal_resources import cpu_of
from lyaopt.verify.random_problems import PLAIN_REGIMES, random_batch, take_slot
from tests.slot.general_slots import (
    RATES,
    SERVED,
    STEADY,
    general_batches,
    methods,
    one_slot,
    verdict_of,
    verdicts,
    weighted,
    with_items,
)

GAP = 1e-12
VIOLATION = 1e-14


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal up to rounding of the total of a device; the last axis are services."""
    scale = np.max(expected, axis=tuple(range(1, expected.ndim)), keepdims=True, initial=0.0)
    assert np.all(np.abs(found - expected) <= 1e-9 * np.abs(expected) + 1e-9 * scale)


@given(general_batches(), methods)
def test_solutions_are_feasible_and_optimal_in_decimals(batch: SlotBatch, method: str) -> None:
    for verdict in verdicts(batch, solve_slots(batch, method)):
        assert verdict.relative_gap <= GAP
        assert verdict.max_violation <= VIOLATION


@given(general_batches(), methods)
def test_certificates_are_small_and_never_too_small(batch: SlotBatch, method: str) -> None:
    solution = solve_slots(batch, method)
    certificate = solution.certificate
    assert np.all((certificate.relative_gap >= 0) & (certificate.relative_gap <= GAP))
    assert np.all((certificate.max_violation >= 0) & (certificate.max_violation <= VIOLATION))
    for gap, verdict in zip(certificate.relative_gap, verdicts(batch, solution), strict=True):
        assert verdict.relative_gap <= gap + 1e-14


@given(
    general_batches(slots=1),
    st.sampled_from([("local_cpu_hz", 0.5), ("rate_bps", 0.1), ("edge_cpu_hz", 1 - 1e-6), ("power_w", 1)]),
    st.sampled_from(["local_multiplier", "transmit_multiplier", "edge_multiplier"]),
    st.sampled_from([0.5, 1.0, 1 + 1e-9, 2.0]),
)
def test_the_certificate_bounds_the_gap_of_allocations_that_are_not_optimal(
    batch: SlotBatch, less: tuple[str, float], multiplier: str, factor: float
) -> None:
    """Weak duality for any allocation and multipliers: the optimum is within the gap."""
    best = solve_slots(batch)
    (name, share), moved = less, getattr(best, multiplier) * factor
    worse = replace(best, **{name: getattr(best, name) * share, multiplier: moved})
    verdict = verdict_of(take_slot(batch, 0), worse, 0)
    assert worse.certificate.relative_gap[0] >= verdict.relative_gap * (1 - 1e-9) - 1e-14


@pytest.mark.parametrize("regime", ["cpu-tables", "cpu-table-boundary", "measured-radios"])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_certificate_counts_segments_used_and_left_out(regime: str, factor: float, share: float) -> None:
    """Too little served at too high a multiplier, and the other ways round."""
    batch = random_batch(regime, 20, np.random.default_rng(2), 2, 3)
    best = solve_slots(batch)
    moved = {name: getattr(best, name) * factor for name in ("local_multiplier", "transmit_multiplier")}
    less = {name: getattr(best, name) * share for name in ("local_cpu_hz", "rate_bps")}
    worse = replace(best, **moved, **less)
    for gap, verdict in zip(worse.certificate.relative_gap, verdicts(batch, worse), strict=True):
        assert gap >= verdict.relative_gap * (1 - 1e-9) - 1e-14


def test_rates_never_add_up_beyond_a_free_segment() -> None:
    """One ulp beyond would cost a multiple of all that the one item with weight gains."""
    rng = np.random.default_rng(5)
    queues = np.stack([rng.uniform(1e8, 1e9, (500, 1)), rng.uniform(1e5, 1e6, (500, 1))], axis=2)
    nothing = np.zeros_like(queues)
    batch = SlotBatch(
        0.183, 0.0, 1e30, 0.0, 0.0, 1e9, 0.0, np.zeros((500, 1)), 1.0, queues, nothing, nothing,
        local_weight=nothing + np.array([0.0, 1.0]), cpu_points=[[(3.35e7, 0.0), (1.6e8, 1.0)]],
    )  # fmt: skip
    for method in ("exact", "bisection"):
        solution = solve_slots(batch, method)
        assert solution.certificate.relative_gap.max() <= 1e-15
        np.testing.assert_allclose(solution.local_cpu_hz.sum(axis=2), 3.35e7, rtol=1e-15)


def test_an_item_that_ends_where_a_segment_does_has_a_multiplier_of_its_own() -> None:
    """Q / tau may round to beyond the segment, whose slope is not the price of anything served."""
    tau, hz = np.random.default_rng(6).uniform(0.001, 0.1, 500), 1.1e8
    queues, nothing = (hz * tau)[:, None, None], np.zeros((500, 1, 1))
    batch = SlotBatch(
        tau, 0.0, 1e8, 0.0, 0.0, 1e9, 0.0, np.zeros((500, 1)), 1.0, queues, nothing, nothing,
        local_weight=nothing + 1.0, cpu_points=[[(hz, 0.5), (2 * hz, 100.0)]],
    )  # fmt: skip
    solution = solve_slots(batch)
    assert np.any(queues[:, 0, 0] / tau > hz)
    assert np.all(solution.local_multiplier <= 1.0)
    assert solution.certificate.relative_gap.max() <= GAP


@given(general_batches(STEADY))
def test_exact_and_bisection_have_the_same_rates(batch: SlotBatch) -> None:
    exact_, bisection = solve_slots(batch), solve_slots(batch, "bisection")
    for name in (*RATES, "power_w"):
        assert_close(getattr(bisection, name), getattr(exact_, name))


@given(general_batches(STEADY))
def test_selection_and_sorting_have_the_same_rates(batch: SlotBatch) -> None:
    """Selection takes over above `NETWORK_ITEMS` items; it solves fewer as well."""
    sorted_, selected = solve_slots(batch), solve_slots(batch)
    for name in SERVED:
        getattr(selected, name)[...] = np.nan
    general_local_many(batch._general_local, selected._local_allocation)
    general_transmit_many(batch._general_transmit, selected._transmit_allocation)
    general_edge_many(batch._general_edge, selected._edge_allocation)
    for name in (*RATES, "power_w"):
        assert_close(getattr(selected, name), getattr(sorted_, name))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["weights", "weight-ties", "cpu-tables", "all-kinds"]))
@settings(max_examples=10)
def test_many_services_are_optimal(seed: int, regime: str) -> None:
    batch = random_batch(regime, 2, np.random.default_rng(seed), 2, NETWORK_ITEMS + 50)
    for method in ("exact", "bisection"):
        solution = solve_slots(batch, method)
        assert solution.certificate.relative_gap.max() <= GAP
        assert solution.certificate.max_violation.max() <= VIOLATION


@given(general_batches(slots=1), methods)
@settings(max_examples=30)
def test_a_convex_solver_agrees_to_its_own_accuracy(batch: SlotBatch, method: str) -> None:
    slot, ours = take_slot(batch, 0), solve_slots(batch, method)
    theirs = solve_reference(slot)
    ours_is = verdict_of(slot, ours, 0)
    found = (theirs.local_cpu_hz, theirs.rate_bps, theirs.edge_cpu_hz, theirs.power_w)
    assert ours_is.pool_gap <= GAP
    for name, rates in zip(("local", "transmit", "edge"), found[:3], strict=True):
        value, scale = getattr(theirs.objective, name), np.abs(ours.objective).sum()
        assert abs(value - ours.objective[("local", "transmit", "edge").index(name), 0]) <= 1e-4 * scale
        assert np.all(np.isfinite(rates))


@given(general_batches(), st.randoms(use_true_random=False))
def test_services_can_be_renamed(batch: SlotBatch, random: object) -> None:
    services = batch.shape[2]
    order = random.sample(range(services), services)  # type: ignore[attr-defined]
    first, second = solve_slots(batch), solve_slots(with_items(batch, lambda values: values[..., order]))
    for name in ("local_cpu_hz", "rate_bps"):
        assert_close(getattr(second, name), getattr(first, name)[..., order])
    for verdict in verdicts(
        batch, replace(second, **{n: getattr(second, n)[..., np.argsort(order)] for n in RATES})
    ):
        assert verdict.relative_gap <= GAP


@given(general_batches(), methods)
def test_equal_items_are_served_equally(batch: SlotBatch, method: str) -> None:
    doubled = with_items(batch, lambda values: np.repeat(values, 2, axis=2))
    solution = solve_slots(doubled, method)
    for name in RATES:
        rates = getattr(solution, name)
        np.testing.assert_array_equal(rates[..., ::2], rates[..., 1::2])


@given(general_batches(), methods)
def test_items_of_equal_weight_get_equal_shares_of_their_limits(batch: SlotBatch, method: str) -> None:
    tied = replace(batch, **{n: np.ones_like(w) * w[..., :1] for n, w in weighted(batch).items()})
    solution, tau = solve_slots(tied, method), np.reshape(batch.slot_duration_s, (-1, 1, 1))
    for name, limits in (("local_cpu_hz", batch.local_queue_cycles), ("rate_bps", batch.transmit_queue_bits)):
        with np.errstate(invalid="ignore"):
            shares = getattr(solution, name) / (limits / tau)
        assert np.all(np.nanmax(shares, axis=2, initial=0) - np.nanmin(shares, axis=2, initial=1) <= 1e-13)


@given(general_batches(), methods)
def test_heavier_items_are_served_first(batch: SlotBatch, method: str) -> None:
    solution, tau = solve_slots(batch, method), np.reshape(batch.slot_duration_s, (-1, 1, 1))
    weights = list(weighted(batch).values())
    limits = [batch.local_queue_cycles, batch.transmit_queue_bits, batch.edge_queue_cycles]
    multipliers = [
        solution.local_multiplier[..., None],
        solution.transmit_multiplier[..., None],
        solution.edge_multiplier[:, None, None],
    ]
    for name, w, limit, nu in zip(RATES, weights, limits, multipliers, strict=True):
        rates, nu = getattr(solution, name), np.broadcast_to(nu, w.shape)
        open_ = rates < limit / tau
        assert np.all(w[open_] <= nu[open_])
        assert np.all(w[rates > 0] >= nu[rates > 0] * (1 - 1e-14))


@given(general_batches(), methods, st.integers(-10, 10))
def test_the_unit_of_weights_does_not_matter(batch: SlotBatch, method: str, exponent: int) -> None:
    """w and U times 4^k: the same bits, as square roots are exact, too."""
    unit = 4.0**exponent
    scaled = replace(
        batch,
        **{name: values * unit for name, values in weighted(batch).items()},
        energy_weight_local=batch.energy_weight_local * unit,
        energy_weight_transmit=batch.energy_weight_transmit * unit,
    )
    same = replace(batch, **weighted(batch))
    first, second = solve_slots(same, method), solve_slots(scaled, method)
    for name in (*RATES, "power_w", "cpu_hz"):
        np.testing.assert_array_equal(getattr(second, name), getattr(first, name))
    np.testing.assert_array_equal(second.local_multiplier, first.local_multiplier * unit)


@given(general_batches(STEADY), methods, st.floats(1, 100), st.integers(0, 2**16))
def test_more_weight_never_gives_less(batch: SlotBatch, method: str, factor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = rng.integers(batch.shape[1]), rng.integers(batch.shape[2])
    heavier = {name: values.copy("F") for name, values in weighted(batch).items()}
    for values in heavier.values():
        values[:, m, n] *= factor
    before, after = solve_slots(batch, method), solve_slots(replace(batch, **heavier), method)
    for name in RATES:
        slack = 1e-10 * getattr(before, name).max(axis=(1, 2))
        assert np.all(getattr(after, name)[:, m, n] >= getattr(before, name)[:, m, n] - slack)


@given(general_batches(STEADY), methods, st.integers(0, 3))
def test_an_item_without_weight_changes_nothing_for_the_others(
    batch: SlotBatch, method: str, exponent: int
) -> None:
    limit = np.median(batch.local_queue_cycles) * 10.0**exponent
    shape = (*batch.shape[:2], 1)

    def beside(values: np.ndarray, added: float) -> np.ndarray:
        return np.concatenate([values, np.full(shape, added)], axis=2)

    fields = {name: beside(values, 0.0) for name, values in weighted(batch).items()}
    for name in ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles"):
        fields[name] = beside(getattr(batch, name), limit)
    before, after = solve_slots(batch, method), solve_slots(replace(batch, **fields), method)
    for name, weights in zip(RATES, weighted(batch).values(), strict=True):
        # those without weight themselves share with it what is free
        kept = weights > 0
        found, expected = getattr(after, name)[..., :-1] * kept, getattr(before, name) * kept
        assert_close(found, expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from(PLAIN_REGIMES), methods, st.sampled_from([1, 2, 4, 7, 20]))
def test_weights_equal_to_the_backlogs_are_the_papers_problem(
    seed: int, regime: str, method: str, services: int
) -> None:
    plain = random_batch(regime, 3, np.random.default_rng(seed), 2, services)
    general = replace(plain, **{name: values.copy("F") for name, values in weighted(plain).items()})
    for verdict in verdicts(plain, solve_slots(general, method)):
        assert verdict.relative_gap <= GAP
        assert verdict.max_violation <= VIOLATION
    if regime not in ("low-signal", "near-boundary"):
        for name in (*RATES, "power_w"):
            found, expected = (getattr(solve_slots(b, method), name) for b in (general, plain))
            assert_close(found, expected)


@given(general_batches(), methods)
def test_a_batch_is_its_slots_one_by_one(batch: SlotBatch, method: str) -> None:
    """Parameters by slot too: the same bits as a loop over slots."""
    whole = solve_slots(batch, method)
    for index in range(batch.shape[0]):
        given_weights = replace(one_slot(batch, index), **weighted(one_slot(batch, index)))
        alone = solve_slots(given_weights, method)
        again = solve_slots(replace(batch, **weighted(batch)), method)
        for name in SERVED:
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(again, name)[index])
        for name in RATES:
            assert_close(getattr(again, name), getattr(whole, name))


@given(general_batches(), methods)
def test_energies_and_objectives_are_those_of_the_allocation(batch: SlotBatch, method: str) -> None:
    solution = solve_slots(batch, method)
    for i in range(batch.shape[0]):
        slot = take_slot(batch, i)
        with localcontext(context()):
            power = [
                cpu_of(slot, m).power(exact(total)) for m, total in enumerate(solution.cpu_hz[i].tolist())
            ]
        expected = np.array([float(p) for p in power]) * slot.slot_duration_s
        np.testing.assert_allclose(solution.local_energy_j[i], expected, rtol=1e-13)
        optima = [local_optimum(slot, m) for m in range(batch.shape[1])]
        gains = float(sum(optimum.gross_gain for optimum in optima))
        best = float(sum(optimum.objective for optimum in optima))
        assert abs(solution.objective[0, i] - best) <= GAP * gains
        edge = edge_optimum(slot)
        assert abs(solution.objective[2, i] - float(edge.objective)) <= GAP * float(edge.gross_gain)


@given(general_batches(), st.floats(0, 3))
def test_prices_are_subgradients_of_the_optimal_value(batch: SlotBatch, factor: float) -> None:
    """The value is convex in every capacity: it stays above each of its tangents."""
    solution = solve_slots(batch)
    moved = replace(
        batch,
        cpu_capacity_hz=batch.cpu_capacity_hz * factor,
        edge_capacity_hz=batch.edge_capacity_hz * factor,
    )
    for i in range(batch.shape[0]):
        before, after = take_slot(batch, i), take_slot(moved, i)
        for m in range(batch.shape[1]):
            first, second = local_optimum(before, m), local_optimum(after, m)
            change = float(after.cpu_capacity_hz[m] - before.cpu_capacity_hz[m])
            tangent = float(first.objective) - solution.local_price[i, m] * change
            slack = 10 * GAP * float(first.gross_gain + second.gross_gain) * (1 + factor)
            assert float(second.objective) >= tangent - slack


def test_a_free_segment_is_shared_by_items_without_weight() -> None:
    """Nothing has any weight: rates add up to the end of what is free, and the certificate holds."""
    rng = np.random.default_rng(3)
    queues = rng.uniform(1e6, 3e6, (50, 1, 3))
    nothing = np.zeros_like(queues)
    batch = SlotBatch(
        0.013, 1e-28, 1e9, 0.0, 0.0, np.array([1e9]), np.zeros(1), np.zeros((50, 1)), np.ones(1),
        queues, nothing, nothing, local_weight=nothing, cpu_points=[[(1.1e8, 0.0), (5e8, 1.0)]],
    )  # fmt: skip
    solution = solve_slots(batch)
    np.testing.assert_allclose(solution.cpu_hz, 1.1e8, rtol=1e-15)
    assert solution.certificate.relative_gap.max() <= 1e-15
    assert max(v.relative_gap for v in verdicts(batch, solution)) <= 1e-15
    wasted = replace(solution, local_cpu_hz=solution.local_cpu_hz * 2)
    assert wasted.certificate.relative_gap.min() > 1e-2


@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("apart", [False, True])
def test_power_pays_for_what_is_sent_beside_a_weak_signal(method: str, apart: bool) -> None:
    """Where 1 + p eta has few digits, an item served whole takes its own power, not that of its weight."""
    slots, signal, bandwidth, tau = 5000, 1e-12, 1e6, 0.01
    gain = signal * bandwidth * np.linspace(0.7, 1.4, slots)[:, None]
    bits = bandwidth / np.log(2) * tau
    energy_weight = 5e-14 * bits * signal * bandwidth / np.log(2)
    floor = (energy_weight * np.log(2) / gain)[..., None]
    # two items of floor bits take p eta = 2 floor / bits, which the weight of the second is worth, just
    weights = floor + floor * (2 * floor / bits) * np.array([2.0, 1.0])
    limits = 2 * floor * np.array([0.4, 0.6]) if apart else weights
    nothing = np.zeros_like(weights)
    batch = SlotBatch(
        slot_duration_s=tau,
        energy_coefficient=0.0,
        energy_weight_local=0.0,
        energy_weight_transmit=energy_weight,
        edge_capacity_hz=0.0,
        cpu_capacity_hz=1.0,
        max_power_w=1.0,
        channel_gain=gain,
        bandwidth_hz=bandwidth,
        local_queue_cycles=nothing,
        transmit_queue_bits=limits,
        edge_queue_cycles=nothing,
        noise_psd_dbm_per_hz=30.0,
        transmit_weight=weights if apart else None,
    )
    certificate = solve_slots(batch, method).certificate
    assert certificate.relative_gap.max() <= GAP
    assert certificate.max_violation.max() <= VIOLATION


def test_a_capacity_may_cut_a_segment_of_a_table() -> None:
    """Half of the second segment, and the price of a hertz more: what it serves less what it costs."""
    points = [(1e8, 1.0), (3e8, 5.0)]
    batch = SlotBatch(
        1.0, 0.0, 1.0, 0.0, 0.0, 2e8, 0.0, np.zeros((1, 1)), 1.0,
        np.full((1, 1, 1), 1e9), np.zeros((1, 1, 1)), np.zeros((1, 1, 1)),
        local_weight=np.full((1, 1, 1), 1e-7), cpu_points=[points],
    )  # fmt: skip
    solution = solve_slots(batch)
    assert solution.cpu_hz[0, 0] == 2e8
    assert solution.local_energy_j[0, 0] == pytest.approx(3.0, rel=1e-15)
    assert solution.local_price[0, 0] == pytest.approx(1e-7 - 2e-8, rel=1e-15)
    beyond = solve_slots(replace(batch, cpu_capacity_hz=4e8))
    assert beyond.cpu_hz[0, 0] == 3e8
    assert beyond.local_price[0, 0] == 0.0
