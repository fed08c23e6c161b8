"""Solutions of `lyaopt.torch`: what they are, what is refused, and a problem reported broken elsewhere."""

import numpy as np
import pytest
import torch

import lyaopt
import lyaopt.torch as differentiable
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
def test_nothing_is_solved_and_differentiated(shape, method):
    limits = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    capacity = torch.ones((), dtype=torch.float64, requires_grad=True)
    solution = differentiable.solve_edge(limits, capacity=capacity, method=method)
    (solution.cpu_hz.sum() + solution.objective.sum()).backward()
    assert limits.grad.shape == shape
    assert capacity.grad == 0.0


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
    "type": ({"limits": torch.ones(2, dtype=torch.int64)}, "float32 or float64"),
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


def test_second_derivatives_are_refused():
    limits = torch.ones(2, dtype=torch.float64, requires_grad=True)
    solution = differentiable.solve_edge(limits, capacity=1.0)
    (first,) = torch.autograd.grad(solution.cpu_hz.square().sum(), limits, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_inputs_changed_in_place_are_noticed():
    limits = torch.ones(2, dtype=torch.float64, requires_grad=True)
    doubled = limits * 2
    solution = differentiable.solve_edge(doubled, capacity=1.0)
    doubled.mul_(3)
    with pytest.raises(RuntimeError, match="inplace"):
        solution.objective.backward()
