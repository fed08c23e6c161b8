"""The newest decisions of B environments in step, to draw minibatches from."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Transitions(NamedTuple):
    """Decisions and what came of them, with any shape before that of one.

    Attributes
    ----------
    observation : Tensor (..., F)
    action : Tensor (..., A)
    reward : Tensor (...)
    following : Tensor (..., F)
        What was seen next in the same episode.
    terminated : Tensor (...) of bool
        Whether the episode came to its end; a time limit is none.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    following: Tensor
    terminated: Tensor


class Replay:
    """A ring of rows of B decisions; a new row takes the place of the oldest.

    Attributes
    ----------
    added : int
        Rows that were ever added.
    """

    def __init__(self, rows: int, replications: int, features: int, actions: int) -> None:
        size = (rows, replications)
        self.added = 0
        self._rows = rows
        self._columns = Transitions(
            torch.empty(*size, features),
            torch.empty(*size, actions),
            torch.empty(size),
            torch.empty(*size, features),
            torch.empty(size, dtype=torch.bool),
        )
        self._decisions = [column.flatten(0, 1) for column in self._columns]

    @property
    def rows(self) -> int:
        """Rows that are held."""
        return min(self.added, self._rows)

    def __len__(self) -> int:
        """Decisions that are held."""
        return self.rows * self._columns.reward.shape[1]

    def add(self, row: Transitions) -> None:
        """Take in copies of a row (B, ...)."""
        place = self.added % self._rows
        for column, values in zip(self._columns, row, strict=True):
            column[place] = values
        self.added += 1

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Copies of decisions (count, ...), each drawn from all that are held."""
        drawn = torch.randint(len(self), (count,), generator=generator)
        return Transitions(*(column.index_select(0, drawn) for column in self._decisions))

    def newest(self, column: str, rows: int) -> Tensor:
        """A copy of a column of `Transitions` in the newest rows (rows, B, ...), the oldest of them first."""
        places = torch.arange(self.added - rows, self.added) % self._rows
        values: Tensor = getattr(self._columns, column)
        return values.index_select(0, places)
