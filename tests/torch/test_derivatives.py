"""Derivatives of `lyaopt.torch`: torch's own check, both methods beside each other, and ties."""

import numpy as np
import pytest
import torch

import lyaopt.torch as differentiable
from lyaopt.verify.draws import mixed
from lyaopt.verify.random_problems import PLAIN_REGIMES, random_batch

METHODS = ["compiled", "operations"]


def uniform(generator, low, high, *shape):
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)


def of_order_one(name, seed):
    """A problem whose numbers are of order one: its function and its tensors."""
    g = torch.Generator().manual_seed(seed)
    lead, items = (4, 3), (4, 3, 5)
    tensors = {
        "limits": uniform(g, 0.2, 2, *items),
        "weights": uniform(g, 0.2, 4, *items),
        "tau": uniform(g, 0.5, 2, *lead),
    }
    own = {
        "local": {
            "capacity": uniform(g, 0.5, 6, *lead),
            "energy_weight": uniform(g, 0.01, 0.3, *lead),
            "delta": uniform(g, 0.5, 2, 3),
        },
        "transmit": {
            "gain": uniform(g, 0.5, 2, *lead),
            "bandwidth": uniform(g, 0.5, 2, 3),
            "max_power": uniform(g, 0.5, 6, 4, 1),
            "energy_weight": uniform(g, 0.1, 1, *lead),
            "noise": torch.tensor(0.8, dtype=torch.float64),
        },
        "edge": {"capacity": uniform(g, 0.5, 5, *lead)},
    }[name]
    return getattr(differentiable, f"solve_{name}"), tensors | own


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["local", "transmit", "edge"])
def test_gradcheck(name, method, seed):
    function, tensors = of_order_one(name, seed)
    names = list(tensors)

    def differentiable_parts(*values):
        solution = function(**dict(zip(names, values, strict=True)), method=method)
        return tuple(part for part in solution if part.requires_grad)

    inputs = [value.requires_grad_() for value in tensors.values()]
    assert torch.autograd.gradcheck(differentiable_parts, inputs, eps=1e-7, atol=1e-5)


def arguments(batch, dtype=torch.float64):
    """A batch as tensors for `solve_slots`, all to be differentiated by."""
    numbers = {}
    for name in (
        "slot_duration_s",
        "energy_coefficient",
        "energy_weight_local",
        "energy_weight_transmit",
        "edge_capacity_hz",
        "cpu_capacity_hz",
        "max_power_w",
        "channel_gain",
        "bandwidth_hz",
        "local_queue_cycles",
        "transmit_queue_bits",
        "edge_queue_cycles",
    ):
        numbers[name] = torch.tensor(np.asarray(getattr(batch, name)), dtype=dtype, requires_grad=True)
    return numbers


def elasticities(tensors, rng, **options):
    """What a relative change of every input does to a loss in which every part is of the same size."""
    solution = differentiable.solve_slots(**tensors, noise_psd_dbm_per_hz=options.pop("noise"), **options)
    loss = 0.0
    for part in solution[:-1]:
        size = part.detach().abs().amax().clamp(min=1e-30)
        cotangent = torch.from_numpy(rng.uniform(0.5, 1.5, part.shape)).to(part.dtype)
        loss = loss + (part / size * cotangent).sum()
    found = torch.autograd.grad(loss, list(tensors.values()))
    return {name: g * v.detach() for (name, v), g in zip(tensors.items(), found, strict=True)}, solution


# Rounding moves slots of these over a kink, or the optimum itself: tests of the kernels hold them
DEGENERATE = ("near-boundary", "low-signal", "ties", "huge", "tiny")


@pytest.mark.parametrize("regime", [name for name in PLAIN_REGIMES if name not in DEGENERATE])
def test_methods_agree_in_every_regime(regime):
    rng = np.random.default_rng(len(regime))
    batch = random_batch(regime, 40, rng, 3, 4)
    tensors = arguments(batch)
    (compiled, by_kernels), (operations, in_torch) = (
        elasticities(tensors, np.random.default_rng(1), method=method, noise=batch.noise_psd_dbm_per_hz)
        for method in METHODS
    )
    for part, twin in zip(by_kernels[:-1], in_torch[:-1], strict=True):
        scale = part.detach().abs().amax()
        assert ((part - twin).abs() <= 1e-12 * scale).all()
    for name, values in compiled.items():
        scale = values.abs().amax()
        assert torch.allclose(values, operations[name], rtol=1e-8, atol=1e-9 * float(scale)), name


def test_float32_stays_close():
    rng = np.random.default_rng(2)
    batch = mixed(200, rng, 3, 2)
    wide, _ = elasticities(arguments(batch), np.random.default_rng(1), noise=batch.noise_psd_dbm_per_hz)
    for method in METHODS:
        narrow, solution = elasticities(
            arguments(batch, torch.float32),
            np.random.default_rng(1),
            method=method,
            noise=batch.noise_psd_dbm_per_hz,
        )
        assert {part.dtype for part in solution} == {torch.float32}
        for name, values in wide.items():
            close = (values - narrow[name]).abs() <= 1e-3 * values.abs().amax()
            assert close.float().mean() > 0.99, (method, name)


@pytest.mark.parametrize("method", METHODS)
def test_tied_items_share_alike(method):
    weights = torch.ones(6, dtype=torch.float64, requires_grad=True)
    limits = torch.full((6,), 0.5, dtype=torch.float64, requires_grad=True)
    solution = differentiable.solve_local(
        limits, weights=weights, capacity=9.0, energy_weight=1.0, delta=1.0, method=method
    )
    assert torch.allclose(solution.cpu_hz, torch.full((6,), (1 / 3) ** 0.5 / 6, dtype=torch.float64))
    solution.total_hz.backward()
    # S = sqrt(w / 3): by all weights together 1 / (2 sqrt(3))
    assert torch.allclose(weights.grad, torch.full((6,), 0.5 / 3**0.5 / 6, dtype=torch.float64))
    assert torch.allclose(limits.grad, torch.zeros(6, dtype=torch.float64), atol=1e-15)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["local", "transmit", "edge"])
def test_permuted_items_have_permuted_derivatives(name, method):
    function, tensors = of_order_one(name, 7)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(1))
    cotangent = torch.arange(1.0, 6.0, dtype=torch.float64)
    results = []
    for index in (slice(None), order):
        moved = {n: v[..., index] if n in ("limits", "weights") else v for n, v in tensors.items()}
        moved = {n: v.detach().clone().requires_grad_() for n, v in moved.items()}
        (function(**moved, method=method)[0] * cotangent[index]).sum().backward()
        results.append({n: v.grad for n, v in moved.items()})
    for n, expected in results[0].items():
        expected = expected[..., order] if n in ("limits", "weights") else expected
        assert torch.allclose(results[1][n], expected, rtol=1e-10, atol=1e-12), n


def test_a_mean_over_samples_is_a_gradient():
    """The gradient of a batch is the sum of those of its slots, alone."""
    rng = np.random.default_rng(3)
    batch = mixed(6, rng, 2, 3)
    tensors = arguments(batch)
    noise = batch.noise_psd_dbm_per_hz
    whole = differentiable.solve_slots(**tensors, noise_psd_dbm_per_hz=noise)
    together = torch.autograd.grad(whole.objective.sum(), list(tensors.values()))
    alone = [torch.zeros_like(v) for v in tensors.values()]
    for b in range(6):
        one = {n: v[b] if v.ndim and v.shape[0] == 6 else v for n, v in tensors.items()}
        solution = differentiable.solve_slots(**one, noise_psd_dbm_per_hz=noise)
        parts = torch.autograd.grad(solution.objective, list(tensors.values()))
        alone = [a + p for a, p in zip(alone, parts, strict=True)]
    for name, a, t in zip(tensors, alone, together, strict=True):
        assert torch.allclose(a, t, rtol=1e-9), name
