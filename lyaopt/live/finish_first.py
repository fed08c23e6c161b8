"""The rule of the simulation beside a run: a task that has begun is finished before another begins."""

from __future__ import annotations

from typing import Any

from lyaopt.arrays import Floats
from lyaopt.kernels import head_age_slots, head_work
from lyaopt.simulation.rules import CompiledRule

_BEGUN = 1e9
"""Times the backlog of a queue whose first task has begun: more than any other."""
_TIE = 1e-10
"""Relative difference that a slot of age makes between equal backlogs."""
_WHOLE = 0.999
"""Of what a queue was served: less of it in the first task began with the rest of a slot, behind another."""


def finish_first(view: Any, weights: Floats) -> None:
    """Weigh a queue by its backlog, those whose first task has begun before all others.

    What is left of a slot in which a task ends is given to the next one of the same queue, but is not its
    beginning: the largest backlog comes next, as in a run, and of equal ones that with the older task.

    Parameters
    ----------
    view : lyaopt.kernels.SlotView
        Its memory tells which first tasks had begun.
    weights : ndarray (3, N, L)
        Written.
    """
    begun = view.memory[0]
    for stage in range(weights.shape[0]):
        for row in range(weights.shape[1]):
            for lane in range(weights.shape[2]):
                progress, served = 0.0, view.last_rates[stage, row, lane] * view.tau
                if view.waiting[stage, row, lane] > 0:
                    progress = head_work(view, stage, row, lane) - view.head_left[stage, row, lane]
                if served > 0.0:
                    begun[stage, row, lane] = 1.0 if progress >= _WHOLE * served else 0.0
                factor = _BEGUN if begun[stage, row, lane] > 0.0 and progress > 0.0 else 1.0
                older = 1.0 + _TIE * (head_age_slots(view, stage, row, lane) + 0.1 * row + 0.01 * lane)
                weights[stage, row, lane] = factor * older * (view.backlog[stage, row, lane] + progress)


def new_rule() -> CompiledRule:
    """Return `finish_first` as a rule of the simulator, which compiles it at its first use."""
    return CompiledRule(finish_first, memory=1)
