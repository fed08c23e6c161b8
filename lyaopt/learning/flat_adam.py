"""Adam over the weights of a network, which lie one after the other in one array."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lyaopt._kernels.learning import adam as kernel

_DECAYS = 0.9, 0.999
_LEAST = 1e-5
_ALIGNED = 16
"""Weights begin at multiples of so many numbers: whole lines of the cache."""


class FlatAdam:
    """Adam (Kingma and Ba 2015), one compiled call for all weights.

    The weights of the network become views of one array, and so do their gradients and moments; the network
    itself does not notice. Only one such optimiser may hold a network.

    Parameters
    ----------
    network : torch.nn.Module
        Of weights in single precision.
    learning_rate : float
        Step size; may be changed between steps.
    """

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._weights = dict(network.named_parameters())
        sizes = [-(-weight.numel() // _ALIGNED) * _ALIGNED for weight in self._weights.values()]
        self._flat, self._gradient, self._first, self._second = torch.zeros(4, sum(sizes))
        self._steps = 0
        self._sizes = sizes
        self._gradients = self._views(self._gradient)
        for name, view in self._views(self._flat).items():
            view.copy_(self._weights[name].data)
            self._weights[name].data = view
        self._moments = {"exp_avg": self._views(self._first), "exp_avg_sq": self._views(self._second)}

    def _views(self, flat: Tensor) -> dict[str, Tensor]:
        """The part of each weight in `flat`, in the shape of the weight."""
        parts = zip(self._weights.items(), flat.split(self._sizes), strict=True)
        return {name: part[: weight.numel()].view(weight.shape) for (name, weight), part in parts}

    def zero_grad(self) -> None:
        """Set all gradients to 0; the next ones are added in place."""
        self._gradient.zero_()
        for name, weight in self._weights.items():
            weight.grad = self._gradients[name]

    def step(self, largest: float = math.inf) -> float:
        """Change the weights by one step.

        Parameters
        ----------
        largest : float
            Largest norm of the gradient; a longer one is scaled down.

        Returns
        -------
        float
            Norm of the gradient as it was.
        """
        self._steps += 1
        settings = kernel.Step(self._steps, self.learning_rate, *_DECAYS, _LEAST, largest)
        arrays = self._gradient, self._first, self._second, self._flat
        norm: float = kernel.adam.trusting(settings, *(array.numpy() for array in arrays))
        return norm

    def state(self) -> dict[str, Tensor]:
        """Name the moments of the weights, as PyTorch's Adam does; views, not copies."""
        named = {}
        for name in self._weights:
            named[f"{name}.step"] = torch.tensor(float(self._steps))
            named |= {f"{name}.{key}": views[name] for key, views in self._moments.items()}
        return named

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue with moments as `state` names them; without any, from the first step."""
        self._steps = 0
        for name in self._weights:
            for key, views in self._moments.items():
                views[name].zero_()
                if f"{name}.{key}" in state:
                    views[name].copy_(state[f"{name}.{key}"])
                    self._steps = int(state[f"{name}.step"])
