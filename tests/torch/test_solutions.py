"""Solutions of `lyaopt.torch`: what they are, what is refused, and a problem reported broken elsewhere."""

import numpy as np
import pytest
import torch

import lyaopt
import lyaopt.torch as differentiable
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from lyaopt.verify.draws import mixed
from tests.torch.test_derivatives import METHODS, arguments


@pytest.mark.parametrize("method", METHODS)
def test_solutions_are_those_of_solve_slots(method):
    batch = mixed(50, np.random.default_rng(0), 3, 4)
    expected = lyaopt.solve_slots(batch)
    found = differentiable.solve_slots(
        **arguments(batch), noise_psd_dbm_per_hz=batch.noise_psd_dbm_per_hz, method=method
    )
    for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "cpu_hz", "power_w"):
        np.testing.assert_allclose(getattr(found, name).detach().numpy(), getattr(expected, name), rtol=1e-9)
    np.testing.assert_allclose(found.objective.detach().numpy(), expected.objective.sum(axis=0), rtol=1e-12)


def test_gradients_of_the_objective_are_those_of_the_solution():
    batch = mixed(20, np.random.default_rng(1), 3, 2)
    tensors = arguments(batch)
    solution = differentiable.solve_slots(**tensors, noise_psd_dbm_per_hz=batch.noise_psd_dbm_per_hz)
    solution.objective.sum().backward()
    expected = lyaopt.solve_slots(batch).gradient()
    for name, values in tensors.items():
        by_slot = getattr(expected, name)
        whole = by_slot if values.ndim and values.shape[0] == 20 else by_slot.sum(axis=0)
        np.testing.assert_allclose(values.grad.numpy(), whole, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [50, 1000])
def test_capped_simplex(method, count):
    """Maximise mu'x, 0 <= x <= cap, sum x = 1: cvxpylayers issue 205, at count = 1000 and cap = 0.002."""
    generator = torch.Generator().manual_seed(count)
    mu = torch.randn(8, count, generator=generator, dtype=torch.float64)
    cap = torch.full((8, 1), 2.0 / count, dtype=torch.float64, requires_grad=True)
    weights = (mu - mu.amin(-1, keepdim=True)).requires_grad_()
    certify = method == "compiled"
    solution = differentiable.solve_edge(cap, weights=weights, capacity=1.0, method=method, certify=certify)
    x = solution.cpu_hz
    # half of all coordinates at the cap, the best ones
    best = mu.sort(-1, descending=True).values[:, : count // 2].sum(-1) * 2.0 / count
    np.testing.assert_allclose((mu * x.detach()).sum(-1), best, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(x.detach().sum(-1), 1.0, rtol=1e-14)
    assert bool((x >= 0).all() & (x <= cap).all())
    if certify:
        assert solution.relative_gap.max() <= 1e-14
    (mu * x).sum().backward()
    # a vertex: it does not move with mu, and V moves with the cap as the served items do
    assert torch.equal(weights.grad, torch.zeros_like(weights))


def test_a_partly_served_coordinate_moves_with_the_cap():
    mu = torch.tensor([3.0, 2.0, 1.0, 0.5], dtype=torch.float64)
    cap = torch.tensor([0.4], dtype=torch.float64, requires_grad=True)
    solution = differentiable.solve_edge(cap, weights=mu, capacity=1.0)
    np.testing.assert_allclose(solution.cpu_hz.detach(), [0.4, 0.4, 0.2, 0.0])
    (mu * solution.cpu_hz).sum().backward()
    np.testing.assert_allclose(cap.grad, [3 + 2 - 2 * 1])


def test_numbers_are_not_rounded():
    solution = differentiable.solve_edge(0.1, weights=torch.ones(3, dtype=torch.float64), capacity=0.7)
    assert solution.cpu_hz.tolist() == [0.1] * 3


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("method", METHODS)
def test_leading_axes(shape, method):
    generator = torch.Generator().manual_seed(0)
    limits = torch.rand(*shape, 4, generator=generator, dtype=torch.float64)
    solution = differentiable.solve_local(limits, capacity=1.0, energy_weight=0.1, delta=1.0, method=method)
    assert solution.cpu_hz.shape == (*shape, 4)
    assert solution.total_hz.shape == solution.objective.shape == solution.multiplier.shape == shape
    flat = differentiable.solve_local(
        limits.reshape(-1, 4), capacity=1.0, energy_weight=0.1, delta=1.0, method=method
    )
    assert torch.equal(flat.cpu_hz.reshape(solution.cpu_hz.shape), solution.cpu_hz)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
@pytest.mark.parametrize("each", [False, True])
def test_nothing_is_solved_and_differentiated(shape, each, method):
    limits = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    capacity = torch.ones(shape[:1] if each else (), dtype=torch.float64, requires_grad=True)
    solution = differentiable.solve_edge(limits, capacity=capacity, method=method)
    (solution.cpu_hz.sum() + solution.objective.sum()).backward()
    assert limits.grad.shape == shape
    assert not capacity.grad.any()


def test_certificates():
    batch = mixed(30, np.random.default_rng(4), 3, 2)
    given = arguments(batch) | {"noise_psd_dbm_per_hz": batch.noise_psd_dbm_per_hz}
    assert differentiable.solve_slots(**given, certify=True).relative_gap.max() <= 1e-12
    assert differentiable.solve_slots(**given).relative_gap.isnan().all()


REFUSALS = {
    "negative": ({"limits": torch.tensor([1.0, -1.0])}, "limits"),
    "nan": ({"weights": torch.tensor([1.0, torch.nan])}, "weights"),
    "tau": ({"tau": 0.0}, "tau"),
    "capacity": ({"capacity": torch.tensor([1.0, -2.0])}, "capacity"),
    "shapes": ({"capacity": torch.ones(2), "tau": torch.ones(3)}, "shapes do not fit"),
    "number": ({"limits": 1.0}, "axis of items"),
    "type": ({"limits": torch.ones(2, dtype=torch.int64)}, r"limits: .* float32 or float64, got int64"),
    "sparse": ({"limits": torch.eye(2).to_sparse()}, r"limits: expected a dense tensor"),
    "list of weights": ({"weights": [[1.0, 2.0]]}, r"weights: expected a tensor, got \[\[1.0, 2.0\]\]"),
    "number of weights": ({"weights": 1.0}, r"weights: expected a tensor, got 1.0"),
    "word": ({"capacity": "x"}, r"capacity: expected a tensor or a number, got 'x'"),
    "array": ({"tau": np.ones(2)}, r"tau: expected a tensor or a number, got array"),
    "none": ({"capacity": None}, r"capacity: expected a tensor or a number, got None"),
    "truth": ({"capacity": True}, r"capacity: expected a tensor or a number, got True"),
    "list": ({"limits": [1.0, 2.0]}, r"limits: expected a tensor or a number"),
    "huge": ({"capacity": 10**400}, r"capacity: expected a finite number"),
    "device": ({"capacity": torch.ones(1, device="meta")}, r"capacity: expected a tensor on cpu"),
    "number of another device": ({"capacity": torch.ones((), device="meta")}, r"capacity: .* on cpu"),
    "limit of another device": (
        {"limits": torch.ones((), device="meta"), "weights": torch.ones(2)},
        r"limits: expected a tensor on cpu",
    ),
    "overflow": ({"tau": 5e-324}, r"limits: the sum of the backlogs over the slot length is not finite"),
    "certificates": ({"certify": np.ones(2)}, r"certify: expected True or False"),
    "methods": ({"method": np.ones(2)}, r"method: expected one of"),
    "method": ({"method": "fast"}, "method"),
    "certify": ({"method": "operations", "certify": True}, "certify"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case):
    changes, expected = REFUSALS[case]
    given = {"limits": torch.ones(2), "capacity": 1.0} | changes
    with pytest.raises(lyaopt.ProblemError, match=expected):
        differentiable.solve_edge(**given)


def test_shared_spectrum_is_refused():
    batch = mixed(2, np.random.default_rng(5), 2, 2)
    with pytest.raises(lyaopt.ProblemError, match="spectrum"):
        differentiable.solve_slots(**arguments(batch), spectrum="shared")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [1, 2])
def test_second_derivatives_are_refused(method, power):
    """Of linear losses, too, whose cotangents require no derivative: they would be 0 in silence."""
    limits = torch.tensor([3.0, 2.0], dtype=torch.float64)
    weights = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    solution = differentiable.solve_local(
        limits, weights=weights * 1.5, capacity=5.0, energy_weight=1.0, delta=1.0, method=method
    )
    (first,) = torch.autograd.grad(solution.cpu_hz.pow(power).sum(), weights, create_graph=True)
    assert first.abs().sum() > 0.0
    loss = first.pow(2).sum() + weights.pow(2).sum()
    with pytest.raises(RuntimeError, match="no second derivatives"):
        torch.autograd.grad(loss, weights, retain_graph=True)
    with pytest.raises(RuntimeError, match="no second derivatives"):
        loss.backward()


SLOTS = {
    "slot_duration_s": 1.0,
    "energy_coefficient": 1.0,
    "energy_weight_local": 0.5,
    "energy_weight_transmit": 0.1,
    "edge_capacity_hz": 1.0,
    "cpu_capacity_hz": 1.0,
    "max_power_w": 1.0,
    "channel_gain": 1.0,
    "bandwidth_hz": 1.0,
    "noise_psd_dbm_per_hz": 30.0,
    **dict.fromkeys(QUEUE_FIELDS, torch.tensor([[[1.0, 2.0], [0.5, 0.25]]], dtype=torch.float64)),
}
LEADING = {
    "cpu_capacity_hz": (5, 2),
    "edge_capacity_hz": (5,),
    "slot_duration_s": (3, 5),
    "channel_gain": (5, 1),
    "edge_weight": (5, 1, 2),
    "energy_coefficient": (2,),
    "transmit_queue_bits": (4, 2, 1),
}


@pytest.mark.parametrize("name", LEADING)
def test_leading_axes_of_one_argument_are_those_of_the_solution(name):
    numbers = torch.linspace(0.5, 2.0, int(np.prod(LEADING[name])), dtype=torch.float64)
    given = SLOTS | {name: numbers.reshape(LEADING[name]).requires_grad_()}
    found = differentiable.solve_slots(**given, certify=True)
    leading = torch.broadcast_shapes((1,), LEADING[name][: len(LEADING[name]) - found_axes(name)])
    assert found.objective.shape == found.relative_gap.shape == leading
    assert found.local_cpu_hz.shape == found.rate_bps.shape == found.edge_cpu_hz.shape == (*leading, 2, 2)
    assert found.power_w.shape == found.cpu_hz.shape == (*leading, 2)
    assert found.relative_gap.max() <= 1e-12
    wide = {key: found.local_cpu_hz.new_zeros((*leading, 2, 2)) + given[key] for key in QUEUE_FIELDS}
    again = differentiable.solve_slots(**given | wide)
    for one, other in zip(found[:-1], again[:-1], strict=True):
        torch.testing.assert_close(one, other, rtol=0.0, atol=0.0)
    found.objective.sum().backward()
    assert given[name].grad.shape == LEADING[name]


def found_axes(name):
    """Axes of an argument behind the leading ones."""
    return (
        2
        if name in (*QUEUE_FIELDS, *WEIGHT_FIELDS)
        else int(name not in ("slot_duration_s", "edge_capacity_hz"))
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(3, 0, 2), (3, 2, 0), (0, 2, 2), (0, 2)])
def test_nothing_in_slots_is_solved_as_by_numpy(shape, method):
    queues = {name: torch.ones(shape, dtype=torch.float64, requires_grad=True) for name in QUEUE_FIELDS}
    certify = method == "compiled"
    found = differentiable.solve_slots(**SLOTS | queues, method=method, certify=certify)
    assert found.edge_cpu_hz.shape == found.rate_bps.shape == shape
    assert found.objective.tolist() == torch.zeros(shape[:-2]).tolist()
    if certify:
        assert found.relative_gap.tolist() == torch.zeros(shape[:-2]).tolist()
    found.objective.sum().backward()
    assert all(values.grad.shape == shape for values in queues.values())


REFUSED_SLOTS = [
    ("local_queue_cycles", [[1.0]], r"^\$\.local_queue_cycles: expected a tensor, got"),
    (
        "edge_queue_cycles",
        None,
        r"^\$\.edge_queue_cycles: expected a tensor of shape \(\.\.\., M, N\), got None",
    ),
    ("edge_queue_cycles", torch.ones(2), r"^\$\.edge_queue_cycles: .*, got shape \(2,\)"),
    ("transmit_weight", [[1.0]], r"^\$\.transmit_weight: expected a tensor, got"),
    ("cpu_capacity_hz", "x", r"^\$\.cpu_capacity_hz: expected a tensor or a number, got 'x'"),
    ("cpu_capacity_hz", -1.0, r"^\$\.cpu_capacity_hz: expected a finite number >= 0, got -1.0"),
    ("bandwidth_hz", torch.tensor([1.0, 0.0]), r"^\$\.bandwidth_hz\[1\]: expected a finite number > 0"),
    ("slot_duration_s", 0.0, r"^\$\.slot_duration_s: expected a finite number > 0"),
    ("edge_capacity_hz", torch.ones(3, dtype=torch.int32), r"^\$\.edge_capacity_hz: .* got int32"),
    ("channel_gain", 1e308, r"^\$\.channel_gain: the signal-to-noise ratio at full power is beyond"),
    ("channel_gain", torch.ones(3), r"^\$: shapes do not fit each other"),
    ("noise_psd_dbm_per_hz", torch.ones(2), r"^\$\.noise_psd_dbm_per_hz: expected a finite number"),
    ("spectrum", np.ones(2), r"^\$\.spectrum: expected one of"),
    ("method", "fast", r"^\$\.method: expected one of"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED_SLOTS)
def test_refusals_of_slots_name_their_argument(name, value, message):
    with pytest.raises(lyaopt.ProblemError, match=message):
        differentiable.solve_slots(**SLOTS | {name: value})


def test_inputs_changed_in_place_are_noticed():
    limits = torch.ones(2, dtype=torch.float64, requires_grad=True)
    doubled = limits * 2
    solution = differentiable.solve_edge(doubled, capacity=1.0)
    doubled.mul_(3)
    with pytest.raises(RuntimeError, match="inplace"):
        solution.objective.backward()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["energy_coefficient", "energy_weight_local", "energy_weight_transmit"])
@pytest.mark.parametrize("kind", ["number", "scalar", "tensor"])
def test_a_signed_zero_is_a_zero(method, name, kind):
    batch = mixed(20, np.random.default_rng(4), 2, 2)
    make = {
        "number": float,
        "scalar": lambda zero: torch.tensor(zero, dtype=torch.float64, requires_grad=True),
        "tensor": lambda zero: torch.full((20, 2), zero, dtype=torch.float64, requires_grad=True),
    }[kind]
    found = []
    for zero in (-0.0, 0.0):
        given = arguments(batch) | {name: make(zero)}
        noise = batch.noise_psd_dbm_per_hz
        solution = differentiable.solve_slots(**given, noise_psd_dbm_per_hz=noise, method=method)
        solution.objective.sum().backward()
        gradient = given[name].grad if kind != "number" else given["local_queue_cycles"].grad
        found.append([solution.objective.detach(), solution.power_w.detach(), gradient])
    for signed, plain in zip(*found, strict=True):
        assert torch.equal(signed, plain)
        assert bool(torch.isfinite(plain).all())
