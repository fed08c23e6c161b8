"""`solution.gradient()` where inputs are positive: differences of objectives, in the promised shapes."""

import dataclasses

import numpy as np
import pytest

import lyaopt

SHAPE = (2, 3)


def slot(rng, **changes):
    """A slot in which every limit may bind."""
    fields = {
        "slot_duration_s": 0.01,
        "energy_coefficient": 1e-28,
        "energy_weight_local": 1e17,
        "energy_weight_transmit": 1e13,
        "edge_capacity_hz": 2e10,
        "cpu_capacity_hz": rng.uniform(0.3e9, 1.5e9, SHAPE[0]),
        "max_power_w": rng.uniform(0.1, 0.3, SHAPE[0]),
        "channel_gain": rng.exponential(3e-11, SHAPE[0]),
        "bandwidth_hz": rng.uniform(1e5, 5e5, SHAPE[0]),
        "local_queue_cycles": rng.uniform(0, 3e7, SHAPE),
        "transmit_queue_bits": rng.uniform(0, 1e6, SHAPE),
        "edge_queue_cycles": rng.uniform(0, 1e8, SHAPE),
    }
    return fields | changes


def weighted(rng):
    return {
        "local_weight": rng.uniform(0, 3e7, SHAPE),
        "transmit_weight": rng.uniform(0, 1e6, SHAPE),
        "edge_weight": rng.uniform(0, 1e8, SHAPE),
    }


def measured(rng):
    return {
        "cpu_points": [[(2e8, 0.01), (6e8, 0.1), (1e9, 0.4)], None],
        "radio": [None, (2e6, 0.2)],
    }


VARIANTS = {
    "plain": lambda rng: {},
    "weighted": weighted,
    "measured": measured,
    "both": lambda rng: weighted(rng) | measured(rng),
    "shared": lambda rng: {"spectrum": "shared"},
}


def total(fields):
    return lyaopt.solve_slot(lyaopt.SlotProblem(**fields)).objective.total


def moved(fields, name, index, step):
    """The fields with one number of one of them moved by a relative step; and by how much."""
    if name in ("radio_rate_bps", "radio_power_w"):
        entries = list(fields.get("radio", (None,) * SHAPE[0]))
        if entries[index[0]] is None:
            return fields, 0.0
        pair, which = list(entries[index[0]]), int(name == "radio_power_w")
        by = pair[which] * step
        pair[which] += by
        entries[index[0]] = tuple(pair)
        return fields | {"radio": entries}, by
    values = np.array(fields[name], dtype=float)
    assert values[index], "test_gradient_boundaries.py has inputs of 0"
    by = abs(values[index]) * step
    values[index] += by
    return fields | {name: values if values.ndim else float(values)}, by


def difference(fields, name, index, gain, accuracy):
    """(central difference, its error), or None where one-sided differences disagree."""
    up, by = moved(fields, name, index, 1e-6)
    if by == 0.0:
        return 0.0, 0.0
    down, _ = moved(fields, name, index, -1e-6)
    values = [total(f) for f in (down, fields, up)]
    left, right = (values[1] - values[0]) / by, (values[2] - values[1]) / by
    error = accuracy * gain / by
    if abs(left - right) > 1e-3 * max(abs(left), abs(right)) + 10 * error:
        return None
    return (left + right) / 2, error


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_field_is_a_difference_of_objectives(variant, seed):
    rng = np.random.default_rng([seed, len(variant)])
    fields = slot(rng) | VARIANTS[variant](rng)
    fields["noise_psd_dbm_per_hz"] = -174.0
    solution = lyaopt.solve_slot(lyaopt.SlotProblem(**fields))
    gradient = solution.gradient()
    gain = abs(solution.objective.total)
    accuracy = 1e-12 if variant == "shared" else 1e-14
    for field in dataclasses.fields(gradient):
        found = np.asarray(getattr(gradient, field.name))
        own = fields | {w: fields.get(w, fields[q]) for w, q in WEIGHTS.items() if w == field.name}
        if field.name == "noise_w_per_hz":
            watts = 10 ** ((-174.0 - 30) / 10)
            np.testing.assert_allclose(found * watts * np.log(10) / 10, gradient.noise_psd_dbm_per_hz)
            continue
        for index in np.ndindex(found.shape):
            expected = difference(own, field.name, index, gain, accuracy)
            if expected is not None:
                np.testing.assert_allclose(
                    found[index],
                    expected[0],
                    rtol=1e-4,
                    atol=20 * expected[1],
                    err_msg=f"{field.name}{index}",
                )


WEIGHTS = {
    "local_weight": "local_queue_cycles",
    "transmit_weight": "transmit_queue_bits",
    "edge_weight": "edge_queue_cycles",
}


def batch_of(problems, **changes):
    stacked = {
        name: np.stack([p[name] for p in problems])
        for name in ("channel_gain", *WEIGHTS, *WEIGHTS.values())
        if name in problems[0]
    }
    return lyaopt.SlotBatch(**(problems[0] | stacked | changes))


@pytest.mark.parametrize("variant", ["plain", "weighted"])
def test_slots_of_a_batch_have_their_own_gradients(variant):
    rng = np.random.default_rng(3)
    first = slot(rng) | VARIANTS[variant](rng)
    problems = []
    for _ in range(4):
        own = slot(rng) | VARIANTS[variant](rng)
        problems.append(
            first | {n: own[n] for n in ("channel_gain", *WEIGHTS, *WEIGHTS.values()) if n in own}
        )
    found = lyaopt.solve_slots(batch_of(problems)).gradient()
    for b, fields in enumerate(problems):
        expected = lyaopt.solve_slot(lyaopt.SlotProblem(**fields)).gradient()
        for field in dataclasses.fields(found):
            np.testing.assert_allclose(
                getattr(found, field.name)[b], getattr(expected, field.name), rtol=1e-12, err_msg=field.name
            )


def test_shapes_follow_the_inputs():
    rng = np.random.default_rng(4)
    problems = [slot(rng) for _ in range(5)]
    shared = lyaopt.solve_slots(batch_of(problems)).gradient()
    own = lyaopt.solve_slots(batch_of(problems, energy_coefficient=np.full((5, 2), 1e-28))).gradient()
    assert shared.energy_coefficient.shape == (5,)
    assert own.energy_coefficient.shape == (5, 2)
    np.testing.assert_allclose(own.energy_coefficient.sum(axis=1), shared.energy_coefficient)
    assert shared.cpu_capacity_hz.shape == shared.radio_power_w.shape == (5, 2)
    assert shared.local_weight.shape == (5, *SHAPE)
    one = lyaopt.solve_slot(lyaopt.SlotProblem(**problems[0])).gradient()
    assert isinstance(one.slot_duration_s, float)
    assert one.max_power_w.shape == (2,)


def test_prices_are_gradients():
    rng = np.random.default_rng(5)
    solution = lyaopt.solve_slots(batch_of([slot(rng) for _ in range(20)]))
    gradient = solution.gradient()
    np.testing.assert_allclose(gradient.edge_capacity_hz, -solution.edge_price)
    np.testing.assert_allclose(gradient.cpu_capacity_hz, -solution.local_price)


def test_nothing_has_a_gradient_of_nothing():
    rng = np.random.default_rng(6)
    fields = slot(rng) | {q: np.empty((2, 0)) for q in WEIGHTS.values()}
    gradient = lyaopt.solve_slot(lyaopt.SlotProblem(**fields)).gradient()
    assert gradient.local_queue_cycles.shape == (2, 0)
    assert gradient.edge_capacity_hz == 0.0
