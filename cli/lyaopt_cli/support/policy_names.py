"""Policies as they are named on the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy


def make_policy(name: str, system: System, seed: int, interrupts: Interrupts) -> Policy:
    """The policy of a name, points or folder of a training; a search shows progress, and Ctrl-C ends it."""
    if os.path.isfile(os.path.join(name, "run.json")):
        from lyaopt.learning import load_policy

        return load_policy(name)
    from lyaopt import policies
    from lyaopt.policies.paired_trials import DEFAULT_SEARCH

    if not policies.is_searched(name):
        return policies.make_policy(name, system)
    with progress_bar("searching", DEFAULT_SEARCH.budget) as show:

        def look_up(used: int, budget: int) -> bool:
            show(used)
            return not interrupts.seen

        return policies.make_policy(name, system, seed=seed, progress=look_up)
