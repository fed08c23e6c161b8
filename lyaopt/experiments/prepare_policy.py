"""Policies made ready: found by a search, or trained in a folder that is gone afterwards."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyaopt.experiments.learners import Learner, training_of
from lyaopt.io.extras import needs_extra
from lyaopt.model.system import System
from lyaopt.policies import is_searched, make_policy, search_fixed
from lyaopt.simulation import Policy

if TYPE_CHECKING:
    from lyaopt.learning import Summary


@dataclass(frozen=True)
class Prepared:
    """A policy, and what it took.

    Attributes
    ----------
    policy : Policy
    slots : int
        Simulated for it, in training, search and trials.
    summary : Summary or None
        Of the training.
    log : list of dict
        Of the training.
    """

    policy: Policy
    slots: int
    summary: Summary | None = None
    log: tuple[dict[str, Any], ...] = ()


def prepare(name: str, system: System, seed: int) -> Prepared:
    """A policy that learns nothing; `seed` is that of a search."""
    if name == "best-fixed":
        found = search_fixed(system, seed=seed)
        return Prepared(found.policy(), found.slots)
    policy = make_policy(name, system, **({"seed": seed} if is_searched(name) else {}))
    return Prepared(policy, int(getattr(policy, "searched", 0)))


def train(learner: Learner, system: System, seed: int) -> Prepared:
    """A learner after its training.

    Raises
    ------
    MissingExtraError
        Without PyTorch (extra `train`).
    """
    from lyaopt.learning import load_policy
    from lyaopt.learning.run_folder import LOG, RunFolder

    with needs_extra("train"):
        from lyaopt.learning.training import begin, use_one_thread

    use_one_thread()
    ranges, budget = training_of(learner, system)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(path)
        with folder.locked():
            training = begin(
                folder, system, learner.algorithm, preset=learner.preset, seed=seed, ranges=ranges, **budget
            )
            summary = training.run()
        policy, lines = load_policy(path), (Path(path) / LOG).read_text().splitlines()
    slots = summary.decisions * system.slots_per_period + summary.searched
    return Prepared(policy, slots, summary, tuple(map(json.loads, lines)))
