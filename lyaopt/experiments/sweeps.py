"""Sweeps from beginning to end: which cells there are, which are missing, and who does them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

from lyaopt.experiments.cells import Cell, cells_of
from lyaopt.experiments.definition import Sweep
from lyaopt.experiments.provenance import commit, digest, provenance
from lyaopt.experiments.run_cell import do_cell
from lyaopt.experiments.runner import run_tasks
from lyaopt.experiments.store import Store
from lyaopt.model.system import System

RUNNING = ".lyaopt-running"


@dataclass(frozen=True, eq=False)
class Part:
    """One sweep of an experiment, over a system.

    Attributes
    ----------
    sweep : Sweep
    system : System
    figure : str or None
        Which figure of the paper it remakes.
    """

    sweep: Sweep
    system: System
    figure: str | None = None

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All of it; raises `ProblemError` as `cells_of` does."""
        return cells_of(self.sweep, self.system)


@dataclass(frozen=True)
class Outcome:
    """How a run went.

    Attributes
    ----------
    cells, computed : int
        Different cells in all, and those of them that this run did.
    failed : dict
        Labels of cells that failed twice, and why.
    """

    cells: int
    computed: int
    failed: dict[str, str]


def run_parts(
    parts: Sequence[Part],
    store: Store,
    *,
    command: str,
    engine_name: str = "local",
    jobs: int = 1,
    timeout_s: float = 3600.0,
    watched: Callable[[int], Any] | None = None,
) -> Outcome:
    """Do the cells of some sweeps that are missing in a store; what is finished stays finished.

    Parameters
    ----------
    parts : sequence of Part
    store : Store
    command : str
        With which the experiment is run again.
    engine_name, jobs, timeout_s
        As in `run_tasks`.
    watched : callable, optional
        Takes the number of missing cells and gives a context manager of a function that takes how many of
        them are done.

    Raises
    ------
    ProblemError
        If a definition is wrong, the engine is none, or another run uses the folder.
    """
    different = {cell.key: cell for part in parts for cell in part.cells}
    with store.locked():
        store.write_experiment(experiment_document(parts, command))
        missing = {key: different[key] for key in store.missing(different)}
        with (watched or _unwatched)(len(missing)) as progress:
            running = store.path / RUNNING
            failed = run_tasks(
                partial(do_cell, folder=str(store.path.resolve()), commit=commit()),
                missing,
                running,
                is_done=store.has,
                engine_name=engine_name,
                jobs=jobs,
                timeout_s=timeout_s,
                progress=progress,
            )
        shutil.rmtree(running, ignore_errors=True)
    labels: dict[str, str] = {}
    for part in parts:
        for cell in part.cells:
            labels.setdefault(cell.key, f"{part.sweep.name}: {cell.label}")
    named = {labels[key]: reason for key, reason in failed.items()}
    return Outcome(len(different), len(missing) - len(failed), named)


class _unwatched:  # stands for a function
    def __init__(self, total: int) -> None:
        self.total = total

    def __enter__(self) -> Callable[[int], None]:
        return lambda done: None

    def __exit__(self, *error: object) -> None:
        return None


def experiment_document(parts: Sequence[Part], command: str) -> dict[str, Any]:
    """What an experiment consists of: definitions, points, and the keys of its cells."""
    definitions = [_definition(part.sweep) for part in parts]
    return {
        "command": command,
        "configuration": digest(definitions),
        **provenance(),
        "sweeps": [
            {
                "name": part.sweep.name,
                "figure": part.figure,
                "definition": definition,
                "points": list(part.sweep.points),
                "cells": [
                    {"policy": cell.policy, "seed": cell.seed, "points": list(cell.points), "key": cell.key}
                    for cell in part.cells
                ],
            }
            for part, definition in zip(parts, definitions, strict=True)
        ],
    }


def _definition(sweep: Sweep) -> dict[str, Any]:
    """With the learners that are known by name spelled out."""
    found = {policy: sweep.learner(policy) for policy in sweep.policies}
    learners = {policy: learner.to_dict() for policy, learner in found.items() if learner is not None}
    return {**asdict(sweep), "learners": learners}
