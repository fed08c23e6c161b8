"""Policies from names on the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.progress import progress_bar
from lyaopt_cli.support.waiting import NO_WAITING, Waiting

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy, Trace


def distinct_names(arguments: Sequence[str], policies: Sequence[Policy]) -> list[str]:
    """Names of policies, or their arguments if two share a name, such as two trainings."""
    names = [policy.name for policy in policies]
    return [text if names.count(name) > 1 else name for text, name in zip(arguments, names, strict=True)]


def make_policy(
    name: str,
    system: System,
    seed: int,
    interrupts: Interrupts,
    waiting: Waiting = NO_WAITING,
    traces: Sequence[Trace] = (),
    workers: int = 1,
) -> Policy:
    """Make a policy from its name, from points, or from the folder of a training.

    A search shows its progress, and a signal ends it; with traces it searches on them, in threads if there
    are several workers. Policies that weigh waiting take what is said of it.
    """
    if os.path.isfile(os.path.join(name, "run.json")):
        from lyaopt.learning import load_policy

        return load_policy(name)
    from lyaopt import policies
    from lyaopt.policies.paired_trials import DEFAULT_SEARCH

    if not policies.is_searched(name):
        fitted = {"traces": traces} if policies.takes_traces(name) else {}
        return policies.make_policy(name, system, **fitted)
    options: dict[str, Any] = {"seed": seed, "traces": traces, "workers": workers}
    options |= waiting.options() if policies.is_priced(name) else {}
    with progress_bar("searching", DEFAULT_SEARCH.budget) as show:

        def report(used: int, budget: int) -> bool:
            show(used)
            return not interrupts.seen

        return policies.make_policy(name, system, progress=report, **options)
