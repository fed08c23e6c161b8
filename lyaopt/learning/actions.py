"""What PPO asks of the distribution of what is done."""

from __future__ import annotations

from typing import Protocol

from torch import Generator, Tensor


class Actions(Protocol):
    """Distributions of n actions, of C independent parts each.

    An action is a row of numbers; how long it is, and of which type, is the network's affair.
    """

    def of(self, actions: Tensor, /) -> Tensor:
        """Log-probability of each part (n, C); their sum is that of the action."""
        ...

    def of_with_entropy(self, actions: Tensor, /) -> tuple[Tensor, Tensor]:
        """The same, and the entropy of each part (n, C)."""
        ...

    def sample(self, generator: Generator) -> Tensor:
        """Draw actions (n, ·)."""
        ...

    def mode(self) -> Tensor:
        """Most probable actions (n, ·)."""
        ...
