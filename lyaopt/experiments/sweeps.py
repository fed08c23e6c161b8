"""Run the sweeps of an experiment: list their cells and compute the missing ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

from lyaopt.experiments.cells import Cell, cells_of
from lyaopt.experiments.definition import Sweep
from lyaopt.experiments.own_files import own_files
from lyaopt.experiments.provenance import commit, digest, provenance
from lyaopt.experiments.run_cell import do_cell
from lyaopt.experiments.runner import run_tasks
from lyaopt.experiments.store import Store
from lyaopt.model.system import System
from lyaopt.simulation import RecordedTrace

RUNNING = ".lyaopt-running"


@dataclass(frozen=True, eq=False)
class Part:
    """One sweep of an experiment, over a system.

    Attributes
    ----------
    sweep : Sweep
    system : System
    figure : str or None
        Figure of the paper that it reproduces.
    trace : RecordedTrace or None
        What the sweep's `trace` names.
    """

    sweep: Sweep
    system: System
    figure: str | None = None
    trace: RecordedTrace | None = None

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Its cells; raises `ProblemError` as `cells_of` does."""
        return cells_of(self.sweep, self.system, self.trace)


@dataclass(frozen=True)
class Outcome:
    """Results of a run.

    Attributes
    ----------
    cells, computed : int
        Distinct cells, and those that this run computed.
    failed : dict
        Reasons of the cells that failed twice, by label.
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
    """Compute the cells of some sweeps that are missing in a store.

    Parameters
    ----------
    parts : sequence of Part
        Sweeps and their systems.
    store : Store
        Keeps finished cells; locked meanwhile.
    command : str
        Command line that repeats the experiment.
    engine_name, jobs, timeout_s
        As in `run_tasks`.
    watched : callable, optional
        Takes the number of missing cells; returns a context manager of a function that takes the number of
        finished ones.

    Returns
    -------
    Outcome

    Raises
    ------
    ProblemError
        If a definition is wrong, there is no such engine, or another run uses the folder.
    """
    distinct = {cell.key: cell for part in parts for cell in part.cells}
    with store.locked():
        store.write_document(experiment_document(parts, command))
        missing = {key: distinct[key] for key in store.missing(distinct)}
        with (watched or _unwatched)(len(missing)) as progress:
            running = store.path / RUNNING
            failed = run_tasks(
                partial(do_cell, folder=str(store.path.resolve()), commit=commit()),
                missing,
                running,
                is_done=store.has_cell,
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
    return Outcome(len(distinct), len(missing) - len(failed), named)


def _unwatched(total: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)


def experiment_document(parts: Sequence[Part], command: str) -> dict[str, Any]:
    """Make the document of an experiment: definitions, points, and the keys of its cells.

    Parameters
    ----------
    parts : sequence of Part
        Sweeps and their systems.
    command : str
        Command line that repeats the experiment.

    Returns
    -------
    dict
    """
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
                "files": own_files(part.sweep.scenario, part.system),
                **_used(part.trace),
                "points": list(part.sweep.points),
                "cells": [
                    {"policy": cell.policy, "seed": cell.seed, "points": list(cell.points), "key": cell.key}
                    for cell in part.cells
                ],
            }
            for part, definition in zip(parts, definitions, strict=True)
        ],
    }


def _used(trace: RecordedTrace | None) -> dict[str, Any]:
    """How a trace is used."""
    return {} if trace is None else {"trace": {"file": trace.file, **trace.to_dict()}}


def _definition(sweep: Sweep) -> dict[str, Any]:
    """The definition with all its learners written out."""
    learners = {policy: sweep.learner(policy) for policy in sweep.policies}
    documents = {policy: learner.to_dict() for policy, learner in learners.items() if learner is not None}
    whole = {**asdict(sweep), "learners": documents}
    return {name: value for name, value in whole.items() if value is not None}
