"""Networks for tests of runs: small enough to be exported in no time."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def build() -> tuple[nn.Module, tuple[Any, ...]]:
    layers = (
        nn.Conv2d(3, 8, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 49, 4),
    )
    return nn.Sequential(*layers), (torch.rand(1, 3, 32, 32),)


def unlike() -> tuple[nn.Module, tuple[Any, ...]]:
    """Weights that the seed does not fix: they are other ones in each process."""
    module, inputs = build()
    with torch.no_grad():
        import os

        module[0].weight += 1e-3 * (os.getpid() % 1000)
    return module, inputs


def broken() -> nn.Module:
    raise RuntimeError("no such weights")
