"""Order of policies, and several documents as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lyaopt.benchmark.document import BenchmarkDocument, InstanceFigures, PolicyFigures
from lyaopt.benchmark.intervals import mean_interval
from lyaopt.errors import ProblemError
from lyaopt.evaluation import Estimate


class Rank(NamedTuple):
    """A policy over all instances.

    Attributes
    ----------
    policy : str
    mean_over_bound, worst_over_bound : float
        Geometric mean and largest of the objective over the bound.
    worst_done_share : float
        Least share of tasks completed.
    """

    policy: str
    mean_over_bound: float
    worst_over_bound: float
    worst_done_share: float


def ranked(found: InstanceFigures) -> list[PolicyFigures]:
    """Policies of an instance, the one with the least objective first.

    Parameters
    ----------
    found : InstanceFigures
        With one bound, the order is also that of the objective over the bound.
    """

    def objective(policy: PolicyFigures) -> float:
        value = policy.objective_j.value
        return math.inf if value is None else value

    return sorted(found.policies, key=objective)


def behind(policy: PolicyFigures, first: PolicyFigures, bound_j: float) -> Estimate:
    """Difference of two policies, paired by replication: the noise that both share cancels.

    Parameters
    ----------
    policy, first : PolicyFigures
        Of the same instance and budget.
    bound_j : float
        The bound, in units of which it is.

    Returns
    -------
    Estimate

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    pairs = np.array([policy.objective_j_by_replication, first.objective_j_by_replication])
    return mean_interval((pairs[0] - pairs[1]) / bound_j)


def overall(document: BenchmarkDocument) -> list[Rank]:
    """Rank the policies that ran on all instances which have a bound.

    Parameters
    ----------
    document : BenchmarkDocument
        Figures.

    Returns
    -------
    list of Rank
        By geometric mean.
    """
    by_policy: dict[str, list[PolicyFigures]] = {}
    bounded = [found for found in document.instances if found.bound_j is not None]
    for found in bounded:
        for policy in found.policies:
            by_policy.setdefault(policy.policy, []).append(policy)
    ranks = [_rank(name, runs) for name, runs in by_policy.items() if len(runs) == len(bounded)]
    return sorted(ranks, key=lambda rank: rank.mean_over_bound)


def _rank(name: str, runs: Sequence[PolicyFigures]) -> Rank:
    ratios = [math.inf if run.over_bound.value is None else run.over_bound.value for run in runs]
    logs = [math.log(ratio) if ratio > 0.0 else -math.inf for ratio in ratios]  # 0: no task was born
    mean = math.exp(sum(logs) / len(logs))
    return Rank(name, mean, max(ratios), min(run.done_share for run in runs))


def merged(documents: Sequence[tuple[str, BenchmarkDocument]]) -> BenchmarkDocument:
    """Join documents of the same suite and budget.

    Parameters
    ----------
    documents : sequence of (str, BenchmarkDocument)
        With their names, which tell apart policies that are called alike and have other figures.

    Returns
    -------
    BenchmarkDocument
        Policies that agree in every replication are in it once.

    Raises
    ------
    ProblemError
        If suite, budget or an instance differ; the reason names the document.
    """
    first_name, first = documents[0]
    joined = first.model_copy(deep=True)
    for name, document in documents[1:]:
        for field in ("suite", "budget_name", "budget"):
            if getattr(document, field) != getattr(first, field):
                raise ProblemError(f"$.{field}", f"{name}: expected that of {first_name}")
        joined.complete &= document.complete
        for number, found in enumerate(document.instances):
            _add(joined, found, name, f"$.instances[{number}]")
    return joined


def _add(joined: BenchmarkDocument, found: InstanceFigures, name: str, place: str) -> None:
    known = {item.instance: item for item in joined.instances}.get(found.instance)
    if known is None:
        joined.instances.append(found.model_copy(deep=True))
        return
    if known.sha256 != found.sha256:
        raise ProblemError(f"{place}.sha256", f"{name}: expected {known.sha256}, got {found.sha256}")
    for policy in found.policies:
        alike = [other for other in known.policies if other.policy == policy.policy]
        if not alike:
            known.policies.append(policy.model_copy(deep=True))
        elif all(_figures(other) != _figures(policy) for other in alike):
            label = f"{policy.policy} ({name})"
            known.policies.append(policy.model_copy(deep=True, update={"policy": label}))


def _figures(policy: PolicyFigures) -> list[float]:
    return policy.objective_j_by_replication
