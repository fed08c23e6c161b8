"""Small PyTorch networks whose cuts are hard to make."""

from __future__ import annotations

import torch
from torch import nn


class Branches(nn.Module):
    """Shortcuts over several operations, one of them in place, and an early output."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.third, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4 * 36, 5)

    def forward(self, x):
        a = self.first(x).relu_()
        b = self.second(a) + a
        c = self.third(b).add_(a)
        return {"answer": self.last(c.flatten(1)), "early": b.permute(0, 2, 3, 1)}


class Shared(nn.Module):
    """One layer before and after the cut, a table that is read backwards, and constants made in place."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.layer = nn.Linear(6, 6)
        self.register_buffer("scale", torch.linspace(0.5, 1.5, 6))

    def forward(self, ids):
        x = self.table(ids) * self.scale
        x = self.layer(self.layer(x).tanh()) + torch.arange(6.0)
        x[:, 0] = 0.0
        return x @ self.table.weight.T


class Indices(nn.Module):
    """Whole numbers and truth values cross."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.table, self.second = nn.Linear(7, 64), nn.Embedding(64, 5), nn.Linear(5, 4)

    def forward(self, x):
        y = self.first(x)
        best, mask = y.topk(3).indices, y[:, :5] > 0
        return self.second(self.table(best).sum(1) * mask), best


class Inputs(nn.Module):
    """Nested inputs, one of them late, and one of which only the shape is used."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, pair, *, late):
        x, like = pair
        y = self.first(x) + torch.zeros_like(like)
        return self.second(y * late).view_as(like[:, :3])


class Recurrent(nn.Module):
    """An operation with several results."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.last = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2)

    def forward(self, x):
        y, (h, _) = self.cell(x.tanh())
        return self.last(y).sum(1) + self.last(h[-1])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.last = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        y = x + self.attention(x, x, x, need_weights=False)[0]
        return self.last(y[:, ::2].transpose(1, 2).reshape(y.shape[0], -1, 8))


def channels_last():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(64, 3))
    image = torch.randn(1, 3, 8, 8).to(memory_format=torch.channels_last)
    return layers.to(memory_format=torch.channels_last), (image,), {}


def networks():
    """Modules, arguments and keywords by name."""
    torch.manual_seed(5)
    rows = torch.randn(2, 5)
    return {
        "branches": (Branches(), (torch.randn(1, 3, 6, 6),), {}),
        "shared": (Shared(), (torch.tensor([[3, 10, 0, 7]]),), {}),
        "indices": (Indices(), (torch.randn(2, 7),), {}),
        "inputs": (Inputs(), ((rows, torch.randn(2, 5)),), {"late": torch.randn(5)}),
        "recurrent": (Recurrent(), (torch.randn(2, 3, 4),), {}),
        "attention": (Attention(), (torch.randn(1, 6, 8),), {}),
        "channels last": channels_last(),
        "dropout": (nn.Sequential(nn.Linear(4, 9), nn.Dropout(), nn.Linear(9, 2)), (torch.randn(1, 4),), {}),
        "half": (nn.Sequential(nn.Linear(4, 9), nn.GELU(), nn.Linear(9, 2)).bfloat16(),
                 (torch.randn(1, 4).bfloat16(),), {}),
    }  # fmt: skip
