"""How finely LB4 is computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Accuracy:
    """How finely LB4 is computed; each setting gives a bound.

    Attributes
    ----------
    chain_steps : int
        Steps of work of the largest task in the chain.
    fading_nodes : int
        Nodes of Rayleigh fading.
    finest, growth : float
        Distance of nodes of work near 0, in slots, and ratio of neighbouring distances further on.
    price_steps : int
        Steps of the search for prices.
    passes : int
        Most rounds of certification, at least 1.
    """

    chain_steps: int = 12
    fading_nodes: int = 24
    finest: float = 0.15
    growth: float = 1.05
    price_steps: int = 60
    passes: int = 8
