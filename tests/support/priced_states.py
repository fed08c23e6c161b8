"""Random states of queues for the rule by prices, with ties and empty queues."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation import PriceRule


class PricedState(NamedTuple):
    """`backlog`, `waiting`, `head_left` (3, S, B), and `channel` (M, B), as of `PriceRule.weights`."""

    backlog: Floats
    waiting: Integers
    head_left: Floats
    channel: Integers


def priced_states(system: System, rule: PriceRule, count: int, seed: int = 1) -> PricedState:
    """States of all loads; a third of the queues is empty, and some are alike."""
    rng = np.random.default_rng(seed)
    shape = (3, len(system.services), count)
    waiting = rng.integers(0, 4, shape) * (rng.random(shape) < 0.9)
    whole = np.stack([system.local_cycles, system.transmit_bits, system.edge_cycles]).max(axis=2)
    head = np.maximum(whole[:, :, None], 1.0) * rng.uniform(1e-6, 1.0, shape)
    alike = rng.random(count) < 0.3
    head = np.where(alike, 12345.0, head)
    waiting = np.where(alike & (rng.random(shape) < 0.7), 1, waiting)
    behind = np.maximum(waiting - 1, 0) * whole[:, :, None]
    backlog = np.where(waiting > 0, head + behind, 0.0)
    channel = rng.integers(0, rule.states, (len(system.devices), count))
    return PricedState(backlog, waiting, np.where(waiting > 0, head, np.inf), channel)
