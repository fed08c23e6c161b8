"""LyaPPO: PPO that picks the partition points above the exact solvers.

In the paper's form it is plain PPO. At its best it starts from what a searched policy does, lets the critic
learn what that is worth before the actor changes anything, and keeps the best network that it comes by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from lyaopt.learning.algorithm_protocol import Report
from lyaopt.learning.best_checkpoint import Keeper
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.imitation import imitate
from lyaopt.learning.ppo import PPO
from lyaopt.learning.ranges import without_silent
from lyaopt.learning.systems import VectorSystems
from lyaopt.model.system import System
from lyaopt.policies.paired_trials import search_seed

_DRAWS = 0x6472617773
"""Purpose of a seed: "draws"."""
_DRAWN = 8
"""Systems of varied capacities in which a start is searched for, and networks are compared."""


class LyaPPO(PPO):
    """PPO with a start and a memory of its best.

    Attributes
    ----------
    searched : int
        Slots that were simulated beside those of the training itself.
    """

    def __init__(self, environment: VectorSystems, config: PPOConfig, seed: int) -> None:
        super().__init__(environment, config, seed)
        self._seed, self._taught = seed, 0
        self._systems = _some_systems(environment, seed)
        self._keeper = Keeper(self._systems, config.features, seed) if config.checks else None
        marks = np.linspace(min(config.critic_first, config.updates), config.updates, config.checks + 1)[1:]
        self._marks = {int(mark) for mark in marks.round()}

    @property
    def searched(self) -> int:
        """Slots that were simulated beside those of the training itself."""
        return self._taught + (self._keeper.used if self._keeper else 0)

    def update(self) -> Report:
        """Collect a rollout and learn from it."""
        if self.done == 0 and self.config.start != "nothing":
            self._start()
        report = super().update()
        if self._keeper is None or self.done not in self._marks:
            return report
        return replace(report, measures={**report.measures, **self._keeper.consider(self.network)})

    def _start(self) -> None:
        config = self.config
        self._taught = imitate(
            self.network,
            self._systems,
            start=config.start,
            doubt=config.doubt,
            features=config.features,
            seed=self._seed,
        )
        if self._keeper is not None:
            self._keeper.consider(self.network)

    def state(self) -> dict[str, Tensor]:
        """As of `PPO`, and the best network so far."""
        mine = {"taught": Tensor([self._taught]).long()}
        return super().state() | mine | (self._keeper.state() if self._keeper else {})

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        super().restore(state)
        self._taught = int(state["taught"])
        if self._keeper is not None:
            self._keeper.restore(state)


def _some_systems(environment: VectorSystems, seed: int) -> Sequence[System]:
    """The system; or some that differ as those of a training do."""
    ranges, template = environment.ranges, environment.template
    if not ranges.names:
        return [template]
    random = np.random.default_rng(search_seed(seed, _DRAWS))
    return [without_silent(ranges.draw(template, random)) for _ in range(_DRAWN)]
