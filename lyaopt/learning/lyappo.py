"""LyaPPO: PPO chooses the partition points, and the exact solvers allocate resources.

The paper's form is plain PPO. The preset ``best`` starts by imitating a searched policy, trains the critic
alone before the actor changes, and returns the best checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from lyaopt.learning.algorithm_protocol import Report
from lyaopt.learning.best_checkpoint import BestCheckpoint
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.imitation import imitate
from lyaopt.learning.ppo import PPO
from lyaopt.learning.ranges import without_idle_services
from lyaopt.learning.systems import VectorSystems
from lyaopt.model.system import System
from lyaopt.policies.paired_trials import search_seed

_PURPOSE = 0x6472617773
"""Purpose of a seed: "draws"."""
_SYSTEMS = 8
"""Systems drawn from ranges, in which the start is searched for and checkpoints are evaluated."""


class LyaPPO(PPO):
    """PPO that can start from a searched policy and store its best checkpoint.

    Parameters
    ----------
    environment : VectorSystems
    config : PPOConfig
    seed : int

    Attributes
    ----------
    searched : int
        Slots simulated in addition to those of the training.
    """

    def __init__(self, environment: VectorSystems, config: PPOConfig, seed: int) -> None:
        super().__init__(environment, config, seed)
        self._seed, self._imitation_slots = seed, 0
        self._trace = environment.trace
        self._systems = _trial_systems(environment, seed)
        self._best = None
        if config.checks:
            given = self._systems, config.features, seed, environment.rule, environment.trace
            self._best = BestCheckpoint(*given)
        marks = np.linspace(min(config.critic_first, config.updates), config.updates, config.checks + 1)[1:]
        self._check_at = {int(mark) for mark in marks.round()}

    @property
    def searched(self) -> int:
        """Slots simulated in addition to those of the training."""
        return self._imitation_slots + (self._best.used if self._best else 0)

    def update(self) -> Report:
        """Collect a rollout and learn from it; the first call imitates the start before."""
        if self.done == 0:
            self._start()
        report = super().update()
        if self._best is None or self.done not in self._check_at:
            return report
        return replace(report, measures={**report.measures, **self._best.check(self.network)})

    def _start(self) -> None:
        """Imitate the start; check it, or the rule by prices with which the network begins."""
        config = self.config
        if config.start != "nothing":
            self._imitation_slots = imitate(
                self.network,
                self._systems,
                start=config.start,
                label_smoothing=config.label_smoothing,
                features=config.features,
                seed=self._seed,
                trace=self._trace,
            )
        elif config.allocation == "backlog":
            return
        if self._best is not None:
            self._best.check(self.network)

    def state(self) -> dict[str, Tensor]:
        """Return the state of `PPO` and the best checkpoint."""
        mine = {"imitation_slots": Tensor([self._imitation_slots]).long()}
        return super().state() | mine | (self._best.state() if self._best else {})

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from `state`, as the method of that name returned it."""
        super().restore(state)
        self._imitation_slots = int(state["imitation_slots"])
        if self._best is not None:
            self._best.restore(state)


def _trial_systems(environment: VectorSystems, seed: int) -> Sequence[System]:
    """The system of the training, or some drawn from its ranges."""
    ranges, template = environment.ranges, environment.template
    if not ranges.names:
        return [template]
    random = np.random.default_rng(search_seed(seed, _PURPOSE))
    return [without_idle_services(ranges.draw(template, random)) for _ in range(_SYSTEMS)]
