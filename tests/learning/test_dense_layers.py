"""Layers, their gradients and the steps of Adam, against PyTorch in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from lyaopt._kernels.learning import dense as kernel  # noqa: E402
from lyaopt.learning.dense_layers import Dense, DenseLayers, dense_layer  # noqa: E402
from lyaopt.learning.flat_adam import FlatAdam  # noqa: E402

ACTIVATIONS = {kernel.IDENTITY: nn.Identity(), kernel.TANH: nn.Tanh(), kernel.POSITIVE_PART: nn.ReLU()}
# Rows and columns with and without a rest: rows are taken in blocks of 96 and by six, columns by 16.
SIZES = [(1, 1, 1), (7, 5, 4), (97, 108, 33), (625, 128, 128), (200, 24, 64), (13, 300, 17)]


def some(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def gradients(x, weight, bias, upstream, activation, dtype):
    """Outputs and gradients of the three arguments."""
    parts = [part.detach().to(dtype).requires_grad_() for part in (x, weight, bias)]
    out = dense_layer(*parts, activation)
    out.backward(upstream.to(dtype))
    return [out.detach(), *(part.grad for part in parts)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), SIZES)
def test_a_layer_and_its_gradient_against_pytorch_in_double(rows, inputs, outputs, activation):
    x, weight = some(rows, inputs), some(outputs, inputs, seed=1) / math.sqrt(inputs)
    arguments = x, weight, some(outputs, seed=2), some(rows, outputs, seed=3), activation
    found, exact = (gradients(*arguments, dtype) for dtype in (torch.float32, torch.float64))
    for one, other in zip(found, exact, strict=True):
        scale = float(other.abs().max()) or 1.0
        assert float((one.double() - other).abs().max()) < 3e-6 * scale


def test_double_precision_is_pytorch():
    x, weight, bias = (some(*size, seed=4).double() for size in ((9, 5), (3, 5), (3,)))
    assert torch.equal(
        dense_layer(x, weight, bias, kernel.TANH), torch.tanh(nn.functional.linear(x, weight, bias))
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_row_does_not_depend_on_the_rows_beside_it(activation):
    x, weight, bias = some(200, 108), some(33, 108, seed=1), some(33, seed=2)
    whole = dense_layer(x, weight, bias, activation)
    for first, last in ((0, 1), (5, 12), (90, 200)):
        assert torch.equal(dense_layer(x[first:last], weight, bias, activation), whole[first:last])


def test_leading_dimensions_and_empty_inputs():
    layer = Dense(5, 3)
    x = some(4, 6, 5)
    torch.testing.assert_close(layer(x), nn.functional.linear(x, layer.weight, layer.bias))
    assert layer(x[:0]).shape == (0, 6, 3)
    layer(x[:0]).sum().backward()
    assert not layer.weight.grad.any()


def test_without_a_gradient_outputs_are_the_same_bits():
    layers = DenseLayers(Dense(7, 20), nn.Tanh(), Dense(20, 6), nn.ReLU())
    x = some(11, 7)
    with torch.inference_mode():
        inferred = layers(x)
    assert torch.equal(inferred, layers(x).detach())


def test_nan_is_not_hidden():
    x, weight, bias = some(3, 4), some(2, 4), some(2)
    x[1, 2] = math.nan
    for activation in ACTIVATIONS:
        found = dense_layer(x, weight, bias, activation).isnan()
        assert found[1].all()
        assert not found[[0, 2]].any()


def test_inputs_of_another_number_are_refused():
    with pytest.raises(ValueError, match="expected 5 inputs, got 4"):
        Dense(5, 3)(some(2, 4))


def test_a_kernel_that_trusts_its_caller_gives_the_same_bits():
    x, weight, bias = (some(*size).numpy() for size in ((9, 5), (3, 5), (3,)))
    checked, trusting = np.empty((2, 9, 3), np.float32)
    kernel.dense(x, weight, bias, kernel.TANH, checked)
    kernel.dense.trusting(x, weight, bias, kernel.TANH, trusting)
    np.testing.assert_array_equal(checked, trusting)
    with pytest.raises(TypeError):
        kernel.dense(x.astype(float), weight, bias, kernel.TANH, checked)


def networks():
    """Two equal networks, of which one is PyTorch's."""
    ours = nn.Sequential(Dense(5, 7), nn.Tanh(), Dense(7, 3))
    theirs = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("largest", [math.inf, 0.5])
def test_steps_are_those_of_pytorch(largest):
    ours, theirs = networks()
    flat, adam = FlatAdam(ours, 1e-2), torch.optim.Adam(theirs.parameters(), 1e-2, eps=1e-5)
    for number in range(20):
        flat.learning_rate = adam.param_groups[0]["lr"] = 1e-2 / (1 + number)
        x = 3.0 * some(8, 5, seed=number)
        flat.zero_grad()
        adam.zero_grad()
        for network in (ours, theirs):
            network(x).square().sum().backward()
        norm = nn.utils.clip_grad_norm_(theirs.parameters(), largest)
        adam.step()
        assert flat.step(largest) == pytest.approx(float(norm), rel=1e-4)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_a_restored_optimiser_continues_bit_for_bit():
    first, second = nn.Sequential(Dense(5, 7), nn.Tanh()), nn.Sequential(Dense(5, 7), nn.Tanh())
    optimisers = [FlatAdam(network, 1e-2) for network in (first, second)]

    def step(network, optimiser, seed):
        optimiser.zero_grad()
        network(some(8, 5, seed=seed)).square().sum().backward()
        optimiser.step()

    for seed in range(3):
        step(first, optimisers[0], seed)
    second.load_state_dict(first.state_dict())
    optimisers[1].restore({name: value.clone() for name, value in optimisers[0].state().items()})
    for network, optimiser in zip((first, second), optimisers, strict=True):
        step(network, optimiser, 9)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_gradient_that_is_not_finite_is_reported():
    network = nn.Sequential(Dense(2, 2))
    optimiser = FlatAdam(network, 1e-2)
    optimiser.zero_grad()
    network[0].weight.grad[0, 0] = math.nan
    assert np.isnan(optimiser.step(0.5))
