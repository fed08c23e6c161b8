"""A small network to try a run with."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from lyaopt.io.extras import needs_extra


def build() -> tuple[Any, tuple[Any, ...]]:
    """Return a convolutional classifier of a few milliseconds, and an input."""
    with needs_extra("profile"):
        import torch
    from torch import nn

    channels = (3, 32, 32, 64, 64, 96, 96, 128)
    layers: list[Any] = []
    for number, (before, after) in enumerate(pairwise(channels)):
        stride = 2 if number % 2 == 0 else 1
        layers += [nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 10)]
    return nn.Sequential(*layers), (torch.rand(1, 3, 128, 128),)
