"""Judgement of a policy that was trained on one part of a trace, on the other part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lyaopt.errors import ProblemError
from lyaopt_cli.support.comparison import Comparison
from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.traces import Parts, parts_of

if TYPE_CHECKING:
    from lyaopt.evaluation import Evaluation
    from lyaopt.model.system import System

_RUNS: dict[str, Any] = {"replications": 20, "slots": 20_000, "warmup": 2_000, "workers": 1}
"""Those of `lyaopt evaluate`, by its defaults."""


def judged_parts(name: str | None, search_slots: int | None, system: System, seed: int) -> Parts:
    """As `parts_of`, for a judgement to come: what that needs is looked for before a training begins."""
    parts = parts_of(name, search_slots, system, seed=seed, replications=_RUNS["replications"])
    if parts.divided is not None:
        from lyaopt.evaluation.estimates import need_scipy

        need_scipy()
    return parts


def judge_training(
    system: System, folder: str, parts: Parts, seed: int, interrupts: Interrupts
) -> Evaluation | None:
    """Run the policy of a folder on the judged part; None without a trace, or if a signal ends the run."""
    if parts.judged is None:
        return None
    from lyaopt.evaluation import evaluate

    compared = Comparison(system, interrupts, parts, _RUNS | {"seed": seed})
    policy = compared.policy(folder)
    try:
        with compared.running(1) as runs:
            return evaluate(system, [policy], **runs)
    except ProblemError:
        if interrupts.seen:
            return None
        raise
