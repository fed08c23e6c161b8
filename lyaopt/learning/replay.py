"""Replay buffer: the newest decisions of B synchronous environments, from which minibatches are drawn."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Transitions(NamedTuple):
    """Decisions and their results, with any leading shape.

    Attributes
    ----------
    observation : Tensor (..., F)
    action : Tensor (..., A)
    reward : Tensor (...)
    following : Tensor (..., F)
        Next observation of the same episode.
    terminated : Tensor (...) of bool
        Whether the episode terminated; truncation does not count.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    following: Tensor
    terminated: Tensor


class Replay:
    """A ring buffer of rows of B decisions; a new row overwrites the oldest.

    Parameters
    ----------
    rows : int
        Capacity.
    replications, features, actions : int
        B, F and A.

    Attributes
    ----------
    added : int
        Rows added so far, including those that were overwritten.
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
        """Rows in the buffer."""
        return min(self.added, self._rows)

    def __len__(self) -> int:
        """Decisions in the buffer."""
        return self.rows * self._columns.reward.shape[1]

    def add(self, row: Transitions) -> None:
        """Copy a `row` (B, ...) into the buffer."""
        place = self.added % self._rows
        for column, values in zip(self._columns, row, strict=True):
            column[place] = values
        self.added += 1

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Draw a minibatch with replacement.

        Parameters
        ----------
        count : int
            Transitions in the minibatch.
        generator : torch.Generator
            Source of the draws.

        Returns
        -------
        Transitions (count, ...)
            Copies.
        """
        drawn = torch.randint(len(self), (count,), generator=generator)
        return Transitions(*(column.index_select(0, drawn) for column in self._decisions))

    def newest(self, column: str, rows: int) -> Tensor:
        """Copy a column of the newest rows.

        Parameters
        ----------
        column : str
            Field of `Transitions`.
        rows : int
            Number of rows, each of B transitions.

        Returns
        -------
        Tensor (rows, B, ...)
            Oldest row first.
        """
        places = torch.arange(self.added - rows, self.added) % self._rows
        values: Tensor = getattr(self._columns, column)
        return values.index_select(0, places)
