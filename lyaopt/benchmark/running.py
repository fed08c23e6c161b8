"""The benchmark: every policy on every instance, with a document that grows by one policy at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from lyaopt.benchmark.document import (
    BenchmarkDocument,
    BudgetDocument,
    InstanceFigures,
    PolicyFigures,
    Versions,
)
from lyaopt.benchmark.entries import Entry, guarded
from lyaopt.benchmark.instances import Budget, Instance, load_suite
from lyaopt.benchmark.measuring import figures, lower_bound, measure
from lyaopt.benchmark.traces import frozen_traces
from lyaopt.errors import ProblemError
from lyaopt.evaluation.estimates import CONFIDENCE
from lyaopt.policies import SearchOptions
from lyaopt.policies.own_policy import errors_of
from lyaopt.simulation import Trace
from lyaopt.simulation.results import versions

Progress = Callable[[int], bool | None]
_SEARCH_SEED = 0
"""Of the preparation of shipped policies: a seed for training."""


class _Run:
    """State of one benchmark: its document, and the slots that are done."""

    def __init__(
        self,
        document: BenchmarkDocument,
        budget: Budget,
        progress: Progress | None,
        keep: Callable[[BenchmarkDocument], None] | None,
    ) -> None:
        self.document, self.budget = document, budget
        self._progress, self._keep = progress, keep
        self._before = 0

    def report(self, done: int = 0) -> bool:
        """Report slots of the present policy; False if the benchmark is to end."""
        return self._progress is None or self._progress(self._before + done) is not False

    def finish_policy(self) -> None:
        """Count the slots of the present policy, and let the document be kept."""
        self._before += slots_of_run(self.budget)
        self.keep()

    def keep(self) -> None:
        """Let the document be kept."""
        if self._keep is not None:
            self._keep(self.document)

    def options(self, instance: Instance) -> SearchOptions:
        """Options of searches on an instance; traces of the seed for training, where it has traces."""
        budget = self.budget
        trial = replace(
            budget,
            seed=_SEARCH_SEED,
            slots=budget.trial_slots,
            warmup=0,
            replications=budget.trial_replications,
            trace_sha256=None,
        )
        return SearchOptions(
            seed=_SEARCH_SEED,
            budget=budget.search_slots,
            slots=budget.trial_slots,
            replications=budget.trial_replications,
            traces=frozen_traces(instance.system, trial) if instance.traced else (),
            progress=lambda used, most: self.report(),
        )


def run_benchmark(
    entries: Sequence[Entry],
    instances: Sequence[str] | None = None,
    *,
    quick: bool = False,
    budget: Budget | None = None,
    progress: Progress | None = None,
    keep: Callable[[BenchmarkDocument], None] | None = None,
) -> BenchmarkDocument:
    """Run policies on the instances of the suite.

    Parameters
    ----------
    entries : sequence of Entry
        Policies, with different labels.
    instances : sequence of str, optional
        Names; all by default.
    quick : bool
        Fewer and shorter replications, on a seed for training.
    budget : Budget, optional
        Another one, for tests.
    progress : callable, optional
        Called several times a second with the slots that are simulated, over all policies and replications;
        if it returns False, the benchmark ends with what is finished.
    keep : callable, optional
        Takes the document after each policy on each instance.

    Returns
    -------
    BenchmarkDocument
        Its `complete` is False if `progress` ended it.

    Raises
    ------
    ProblemError
        If there is no such instance, two entries have the same label, or a policy fails; `$.policies[0]` is
        the first entry.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    suite = load_suite()
    chosen = suite.select(instances)
    _check_labels(entries)
    used = budget or (suite.quick if quick else suite.full)
    document = BenchmarkDocument(
        suite=suite.version,
        budget_name=_name(quick, budget),
        complete=False,
        confidence=CONFIDENCE,
        budget=_stated(used),
        instances=[],
        versions=Versions(**versions()),
    )
    run = _Run(document, used, progress, keep)
    document.complete = all(_instance(run, instance, entries) for instance in chosen)
    run.keep()
    return document


def total_slots(entries: int, instances: int, budget: Budget) -> int:
    """Count the slots that a benchmark reports to its `progress`.

    Parameters
    ----------
    entries, instances : int
        Numbers of policies and instances.
    budget : Budget
        Of a run.
    """
    return entries * instances * slots_of_run(budget)


def slots_of_run(budget: Budget) -> int:
    """Count the slots of one policy on one instance, over all replications of a `budget`."""
    return budget.replications * (budget.slots + budget.warmup)


def _name(quick: bool, budget: Budget | None) -> Literal["full", "quick", "other"]:
    if budget is not None:
        return "other"
    return "quick" if quick else "full"


def _check_labels(entries: Sequence[Entry]) -> None:
    labels = [entry.label for entry in entries]
    if not labels or len(set(labels)) < len(labels):
        raise ProblemError("$.policies", f"expected policies with different names, got {labels}")


def _stated(budget: Budget) -> BudgetDocument:
    return BudgetDocument(**{name: getattr(budget, name) for name in BudgetDocument.model_fields})


def _instance(run: _Run, instance: Instance, entries: Sequence[Entry]) -> bool:
    """Run all policies on an instance; False if the benchmark is to end."""
    if not run.report():
        return False
    theta = instance.system.waiting_costs_j_per_s
    assert theta is not None  # every instance has a waiting cost
    found = InstanceFigures(
        instance=instance.name,
        sha256=instance.sha256,
        waiting_cost_j_per_s=theta.tolist(),
        bound_j=lower_bound(instance.system),
        policies=[],
    )
    traces = frozen_traces(instance.system, run.budget) if instance.traced else []
    for number, entry in enumerate(entries):
        try:
            with errors_of(f"$.policies[{number}]", f"{entry.label} on {instance.name}"):
                policy = _policy(run, instance, entry, f"$.policies[{number}]", traces, found.bound_j)
        except ProblemError:
            if run.report():
                raise
            return False  # a search that was ended has found nothing
        if policy is None:
            return False
        found.policies.append(policy)
        if number == 0:
            run.document.instances.append(found)
        run.finish_policy()
    return True


def _policy(
    run: _Run,
    instance: Instance,
    entry: Entry,
    place: str,
    traces: Sequence[Trace],
    bound_j: float | None,
) -> PolicyFigures | None:
    """Make and simulate a policy; None if the benchmark is to end."""
    started = time.perf_counter()
    policy = guarded(entry, place, instance.system, run.options(instance), instance.name)
    prepare_s = time.perf_counter() - started
    if not run.report():  # a search that was ended has not found its policy
        return None
    measured = measure(instance, policy, run.budget, traces, prepare_s, run.report)
    return None if measured is None else figures(entry.label, instance, measured, bound_j)
