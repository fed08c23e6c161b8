"""Prepare policies for evaluation: by a search, or by a training in a temporary folder."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyaopt.experiments.learners import Learner, training_of
from lyaopt.experiments.waiting import Waiting
from lyaopt.io.extras import needs_extra
from lyaopt.model.system import System
from lyaopt.policies import SearchOptions, is_searched, make_policy, search_fixed, takes_traces
from lyaopt.simulation import Policy, TraceParts

if TYPE_CHECKING:
    from lyaopt.learning import Summary


@dataclass(frozen=True)
class Prepared:
    """A policy ready for evaluation.

    Attributes
    ----------
    policy : Policy
    slots : int
        Slots simulated for it in training, search and checks.
    summary : Summary or None
        Of the training.
    log : tuple of dict
        Of the training.
    """

    policy: Policy
    slots: int
    summary: Summary | None = None
    log: tuple[dict[str, Any], ...] = ()


def prepare(
    name: str,
    system: System,
    seed: int,
    waiting: Waiting | None = None,
    trace: TraceParts | None = None,
) -> Prepared:
    """Make a policy without training.

    Parameters
    ----------
    name : str
        As in `make_policy`.
    system : System
        To be served; searches simulate it.
    seed : int
        Of the search, if there is one.
    waiting : Waiting, optional
        Policy by prices, in place of `name`, with a waiting cost or a mean latency.
    trace : TraceParts, optional
        Of which searches replay the first part.

    Returns
    -------
    Prepared

    Raises
    ------
    ProblemError
        If no waiting cost gives the mean latency.
    """
    traces = () if trace is None else (trace.searched,)
    if waiting is not None:
        priced = make_policy(waiting.policy, system, seed=seed, traces=traces, **waiting.options())
        return Prepared(priced, int(getattr(priced, "searched", 0)))
    if name == "best-fixed":
        result = search_fixed(system, SearchOptions(seed=seed, traces=traces))
        return Prepared(result.policy(), result.slots)
    options: dict[str, Any] = {"seed": seed} if is_searched(name) else {}
    fitted = {"traces": traces} if takes_traces(name) else {}
    policy = make_policy(name, system, **options, **fitted)
    return Prepared(policy, int(getattr(policy, "searched", 0)))


def train(learner: Learner, system: System, seed: int, trace: TraceParts | None = None) -> Prepared:
    """Train a policy.

    Parameters
    ----------
    learner : Learner
        Algorithm, preset and budget.
    system : System
        To train on.
    seed : int
        Training seed.
    trace : TraceParts, optional
        Of which the training replays the first part.

    Returns
    -------
    Prepared

    Raises
    ------
    MissingExtraError
        Without PyTorch (extra `train`).
    """
    from lyaopt.learning import load_policy
    from lyaopt.learning.run_folder import LOG, RunFolder

    with needs_extra("train"):
        from lyaopt.learning.start_training import begin
        from lyaopt.learning.training import use_one_thread

    use_one_thread()
    ranges, budget = training_of(learner, system)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(path)
        with folder.locked():
            options: dict[str, Any] = {"preset": learner.preset, "seed": seed, "ranges": ranges, **budget}
            training = begin(folder, system, learner.algorithm, trace=trace, **options)
            summary = training.run()
        policy, lines = load_policy(path), (Path(path) / LOG).read_text().splitlines()
    slots = summary.decisions * system.slots_per_period + summary.searched
    return Prepared(policy, slots, summary, tuple(map(json.loads, lines)))
