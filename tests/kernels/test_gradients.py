"""Gradient kernels against 60-digit differences, in every regime, with weights apart from limits."""

from decimal import Decimal

import numpy as np
import pytest

from lyaopt._kernels.slot.edge_gradient import edge_gradient
from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
)
from lyaopt._kernels.slot.gradient_types import Cotangents, EdgeGradient, LocalGradient, TransmitGradient
from lyaopt._kernels.slot.local_gradient import local_gradient
from lyaopt._kernels.slot.transmit_gradient import transmit_gradient
from lyaopt.slot.batch import device_lanes, slot_lanes
from lyaopt.verify.draws import mixed
from lyaopt.verify.random_problems import PLAIN_REGIMES, REGIMES, random_batch
from tests.support.decimal_lanes import exact, precise, solve
from tests.support.lane_gradients import allocation_of, derivative, lanes_of

KERNELS = {
    GeneralLocalProblem: (local_gradient, LocalGradient),
    GeneralTransmitProblem: (transmit_gradient, TransmitGradient),
    GeneralEdgeProblem: (edge_gradient, EdgeGradient),
}
NO_CURVE = (np.full(2, -1), np.empty((0, 0)), np.empty((0, 0)))
NO_RADIO = (np.zeros(2, dtype=np.int64), np.empty(0), np.empty(0))


def general(batch, weights=None):
    """The three problems of a batch; `weights` maps limits to weights."""
    weights = weights or (lambda limits: limits)
    one = lambda value: np.array([value])  # noqa: E731
    tau = one(batch.slot_duration_s)
    local, transmit = device_lanes(batch.local_queue_cycles), device_lanes(batch.transmit_queue_bits)
    edge = slot_lanes(batch.edge_queue_cycles)
    return (
        GeneralLocalProblem(
            weights(local).copy(), local, batch.cpu_capacity_hz, tau, one(batch.energy_weight_local),
            one(batch.energy_coefficient), *NO_CURVE,
        ),
        GeneralTransmitProblem(
            weights(transmit).copy(), transmit, device_lanes(batch.channel_gain), batch.bandwidth_hz,
            batch.max_power_w, tau, one(batch.energy_weight_transmit), batch.noise_w_per_hz, *NO_RADIO,
        ),
        GeneralEdgeProblem(weights(edge).copy(), edge, one(batch.edge_capacity_hz), tau),
    )  # fmt: skip


def gradient_of(problem, allocation, cotangents):
    kernel, kind = KERNELS[type(problem)]
    shape = problem.weights.shape
    gradient = kind(
        np.full(shape, np.nan), np.full(shape, np.nan), *np.full((len(kind._fields) - 2, shape[1]), np.nan)
    )
    kernel(problem, allocation, cotangents, gradient)
    return gradient


def drawn_cotangents(problem, rng, parts):
    """Positive, so that sums do not cancel; each part of the loss is of the size of V."""
    lanes = problem.weights.shape[1]
    items = rng.uniform(0.5, 1.5, problem.weights.shape) if "allocation" in parts else np.empty((0, 0))
    lane = rng.uniform(0.5, 1.5, lanes) if "allocation" in parts else np.empty(0)
    if isinstance(problem, GeneralEdgeProblem):
        lane = np.empty(0)
    value = rng.uniform(0.5, 1.5, lanes) if "value" in parts else np.zeros(1)
    return Cotangents(items, lane, value)


def of_one_lane(cotangents, lane, items):
    def entry(array, *index):
        return Decimal(float(array[index])) if array.size else Decimal(0)

    value = cotangents.value[lane % cotangents.value.size]
    return (
        [entry(cotangents.items, i, lane) for i in range(items)],
        entry(cotangents.lane, lane),
        Decimal(float(value)),
    )


def compare(problem, parts, rng, least):
    """Compare all derivatives of a problem that exist; at least the share `least` of them must."""
    allocation = allocation_of(problem)
    cotangents = drawn_cotangents(problem, rng, parts)
    gradient = gradient_of(problem, allocation, cotangents)
    items = problem.weights.shape[0]
    compared = left_out = 0
    for number, lane in enumerate(lanes_of(problem)):
        own = of_one_lane(cotangents, number, items)
        size, rounding = judged(lane, own, allocation[0][:, number])
        for name, value in lane.numbers.items():
            for index in range(items) if isinstance(value, list) else [None]:
                expected = derivative(lane, name, index, own)
                if expected is None:
                    left_out += 1
                    continue
                found = getattr(gradient, name)[(number,) if index is None else (index, number)]
                at = value if index is None else value[index]
                tolerance = (1e-8 + rounding) * abs(float(expected)) + 1e-13 * size / at
                assert abs(found - float(expected)) <= tolerance, (lane, name, index, found, float(expected))
                compared += 1
    assert compared >= least * (compared + left_out), (compared, left_out)


def judged(lane, own, served):
    """The size of the loss, and the error of the allocation, which a gradient taken at it inherits.

    It is more than rounding only where the signal is so low that q0, rounded, moves the optimum.
    """
    with precise():
        numbers = exact(lane.numbers)
        answer = solve(lane, numbers)
        gain = numbers["tau"] * sum(w * f for w, f in zip(numbers["weights"], answer.rates, strict=True))
        out = answer.total if lane.kind == "local" else answer.power
        size = sum(g * f for g, f in zip(own[0], answer.rates, strict=True)) + own[1] * out + own[2] * gain
    rates = np.array([float(f) for f in answer.rates])
    error = np.abs(rates - served).max() / max(rates.max(), 1e-300)
    return float(size), 4 * error if error > 1e-12 else 0.0


# Shares of derivatives that exist at least, where they are less than usual
LEAST = {
    "near-boundary": 0.0,
    "zero-capacity": 0.2,
    "zero-queue": 0.2,
    "ties": 0.3,
    "zero-power": 0.3,
    "zero-channel": 0.2,
    "low-signal": 0.3,
}
PARTS = pytest.mark.parametrize("parts", [("value",), ("allocation",), ("allocation", "value")], ids="+".join)


# Weights that equal the price of energy: several allocations are optimal, and none of them has derivatives
AMBIGUOUS = ("cpu-table-boundary", "measured-radio-boundary")


@PARTS
@pytest.mark.parametrize("regime", [name for name in REGIMES if name not in AMBIGUOUS])
@pytest.mark.parametrize("kind", range(3), ids=["local", "transmit", "edge"])
def test_gradients_are_differences(regime, kind, parts):
    rng = np.random.default_rng([kind, len(parts), len(regime)])
    batch = random_batch(regime, 2, rng, 2, 3)
    problem = (batch._general_local, batch._general_transmit, batch._general_edge)[kind]
    compare(problem, parts, rng, LEAST.get(regime, 0.7 if regime in PLAIN_REGIMES else 0.0))


@pytest.mark.parametrize("regime", PLAIN_REGIMES)
@pytest.mark.parametrize("kind", range(3), ids=["local", "transmit", "edge"])
def test_gradients_with_weights_are_differences(regime, kind):
    rng = np.random.default_rng([kind, len(regime), 1])
    batch = random_batch(regime, 2, rng, 2, 3)
    problem = general(batch, lambda limits: limits * rng.uniform(0.1, 10, limits.shape))[kind]
    compare(problem, ("allocation", "value"), rng, LEAST.get(regime, 0.7))


@PARTS
@pytest.mark.parametrize("capacity", [0.3, 2.0], ids=["capacity", "table"])
def test_cpus_with_tables(parts, capacity):
    rng = np.random.default_rng(5)
    batch = mixed(40, rng, 2, 3)
    problem = general(batch, lambda limits: limits * rng.uniform(0.1, 10, limits.shape))[0]
    ends = np.array([[0.2, 0.6, 1.0, 1.0], [0.5, 0.8, 0.9, 1.0]]) * batch.cpu_capacity_hz[:, None]
    steps = np.array([[1.0, 3.0, 9.0, np.inf], [2.0, 3.0, 4.0, 8.0]])
    typical = np.median(problem.weights) / problem.energy_weight
    problem = problem._replace(
        curve=np.array([1, 0]),
        curve_hz=ends,
        curve_slope=steps * typical * rng.uniform(0.1, 1),
        capacity=capacity * batch.cpu_capacity_hz,
    )
    compare(problem, parts, rng, 0.7)


@PARTS
@pytest.mark.parametrize("measured", [(1, 1), (0, 1)], ids=["both", "one"])
def test_measured_radios(parts, measured):
    rng = np.random.default_rng(6)
    batch = mixed(40, rng, 2, 3)
    problem = general(batch, lambda limits: limits * rng.uniform(0.1, 10, limits.shape))[1]
    lanes = problem.limits.shape[1]
    rate = problem.limits.sum(axis=0) / problem.tau * rng.uniform(0.2, 2, lanes)
    power = np.median(problem.weights, axis=0) * rate / problem.energy_weight * rng.uniform(0.1, 2, lanes)
    problem = problem._replace(measured=np.array(measured), radio_rate=rate, radio_power=power)
    compare(problem, parts, rng, 0.7)


def repeated(array, times, slots):
    """Lanes (..., M B) repeated over slots."""
    by_device = array.reshape(*array.shape[:-1], -1, slots)
    return np.concatenate([by_device] * times, axis=-1).reshape(*array.shape[:-1], -1)


@pytest.mark.parametrize("kind", range(3), ids=["local", "transmit", "edge"])
def test_blocks_and_parameters_of_each_lane(kind):
    """Many blocks, and parameters given by lane or once, write the same bits."""
    rng = np.random.default_rng(7)
    problem = general(mixed(5, rng, 2, 3), lambda limits: limits[::-1])[kind]
    lanes, times, slots = problem.weights.shape[1], 131, 5
    many = {}
    for name, value in problem._asdict().items():
        array = np.asarray(value)
        if name in ("noise", "curve", "measured") or array.size == 0:
            many[name] = value
        elif name in ("weights", "limits", "gain"):
            many[name] = repeated(array, times, slots)
        else:
            many[name] = np.repeat(array, lanes * times // array.size)
    many = type(problem)(**many)
    allocation = allocation_of(problem)
    cotangents = drawn_cotangents(problem, rng, ("allocation", "value"))
    once = gradient_of(problem, allocation, cotangents)
    wide = gradient_of(
        many,
        type(allocation)(*(repeated(array, times, slots) for array in allocation)),
        Cotangents(*(repeated(array, times, slots) for array in cotangents)),
    )
    for name in once._fields:
        np.testing.assert_array_equal(getattr(wide, name), repeated(getattr(once, name), times, slots), name)


@pytest.mark.parametrize("kind", range(3), ids=["local", "transmit", "edge"])
def test_ties_share_alike(kind):
    """At a tie the derivative is symmetric, and the sum over the tied items is that of moving all of them."""
    rng = np.random.default_rng(8)
    problem = general(mixed(50, rng, 2, 2))[kind]
    weight = problem.weights.max(axis=0)
    problem = problem._replace(weights=np.array([weight] * len(problem.weights)))
    allocation = allocation_of(problem)
    same = np.array([rng.uniform(0.5, 1.5, weight.size)] * len(problem.weights))
    cotangents = drawn_cotangents(problem, rng, ("allocation",))._replace(items=same)
    found = gradient_of(problem, allocation, cotangents)
    shares = found.weights / np.where(problem.limits > 0, problem.limits, 1)
    np.testing.assert_allclose(shares, np.broadcast_to(shares[:1], shares.shape), rtol=1e-12)
    for number, lane in enumerate(lanes_of(problem)):
        # one item of all the work behaves as the tied ones together
        numbers = {**lane.numbers, "weights": [weight[number]], "limits": [sum(lane.numbers["limits"])]}
        own = of_one_lane(cotangents, number, 1)
        expected = derivative(type(lane)(lane.kind, numbers), "weights", 0, own)
        if expected is not None:
            np.testing.assert_allclose(found.weights[:, number].sum(), float(expected), rtol=1e-8)


@pytest.mark.parametrize("kind", range(3), ids=["local", "transmit", "edge"])
def test_gradients_follow_the_order_of_items(kind):
    rng = np.random.default_rng(9)
    problem = general(mixed(20, rng, 2, 4))[kind]
    allocation = allocation_of(problem)
    cotangents = drawn_cotangents(problem, rng, ("allocation", "value"))
    order = rng.permutation(problem.weights.shape[0])
    moved = gradient_of(
        problem._replace(weights=problem.weights[order], limits=problem.limits[order]),
        allocation._replace(**{allocation._fields[0]: allocation[0][order]}),
        cotangents._replace(items=cotangents.items[order]),
    )
    found = gradient_of(problem, allocation, cotangents)
    np.testing.assert_allclose(moved.weights, found.weights[order], rtol=1e-12)
    np.testing.assert_allclose(moved.limits, found.limits[order], rtol=1e-9)
