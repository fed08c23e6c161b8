"""Finished cells as figures: interquartile means over training seeds, intervals, and paired savings.

The unit is a training seed: its figure is the mean over the copies of the evaluation, and intervals come of
drawing seeds anew. Where nothing is trained, or with one seed, the unit is a copy. All policies meet the same
copies, so that a saving is a ratio within the same luck: of seed i against seed i, of each seed against the
one run of what is not trained, or copy by copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lyaopt.evaluation import Estimate, interquartile_mean, mean_of_strata
from lyaopt.experiments.definition import BOUND
from lyaopt.experiments.store import Store
from lyaopt.problem import Floats, ProblemError

ENERGY = "energy_j"
MEASURES = (
    ENERGY,
    "local_energy_j",
    "transmit_energy_j",
    "cost",
    "latency_s",
    "latency_p50_s",
    "latency_p95_s",
    "latency_p99_s",
    "local_queue_cycles",
    "transmit_queue_bits",
    "edge_queue_cycles",
    "cut_depth",
    "local_share",
    "energy_limited_share",
    "completed_share",
)
"""What is measured of a policy at a point, by its name in results and tables."""


@dataclass(frozen=True)
class Run:
    """A policy at a point, of one training seed."""

    seed: int | None
    measured: Mapping[str, Any]

    def copies(self, measure: str) -> Floats:
        """Values of the copies; none where nothing was measured."""
        values = self.measured.get(measure) or []
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def mean(self, measure: str) -> float:
        """Mean over the copies that have a value."""
        values = self.copies(measure)
        values = values[np.isfinite(values)]
        return float(values.mean()) if values.size else float("nan")


@dataclass(frozen=True, eq=False)
class Results:
    """What a sweep came to.

    Attributes
    ----------
    name : str
    figure : str or None
    points : sequence of mapping
        Values of the settings.
    policies : sequence of str
    definition : mapping
    runs : dict
        By policy and point.
    curves : dict
        Of trainings, by policy and point; a curve for each seed.
    slots : dict
        Slots that were simulated to get a policy: mean over its cells.
    missing : int
        Cells that are not there.
    """

    name: str
    figure: str | None
    points: Sequence[Mapping[str, Any]]
    policies: Sequence[str]
    definition: Mapping[str, Any]
    runs: dict[tuple[str, int], list[Run]] = field(default_factory=dict)
    curves: dict[tuple[str, int], list[Mapping[str, list[float]]]] = field(default_factory=dict)
    slots: dict[str, float] = field(default_factory=dict)
    missing: int = 0
    # Tables and figures ask for the same ones, and a bootstrap takes its time.
    _estimates: dict[tuple[str, int, str], Estimate] = field(default_factory=dict, repr=False)

    def estimate(self, policy: str, point: int, measure: str = ENERGY) -> Estimate:
        """Interquartile mean of a measure."""
        place = policy, point, measure
        if place not in self._estimates:
            self._estimates[place] = interquartile_mean(self.units(policy, point, measure))
        return self._estimates[place]

    def units(self, policy: str, point: int, measure: str = ENERGY) -> Floats:
        """Means of the runs; the copies where there is one run."""
        runs = self.runs.get((policy, point), [])
        if len(runs) == 1:
            return runs[0].copies(measure)
        return np.array([run.mean(measure) for run in runs])

    def saving(self, policy: str, other: str, point: int) -> Estimate:
        """Share of the other's energy that a policy saves at a point."""
        return interquartile_mean(self.savings(policy, other, point))

    def saving_over_points(self, policy: str, other: str, measure: str = ENERGY) -> Estimate:
        """What is saved of a measure, averaged over the points, of which each counts as much as any other."""
        strata = [self.savings(policy, other, point, measure) for point in range(len(self.points))]
        return mean_of_strata([values for values in strata if values.size])

    def savings(self, policy: str, other: str, point: int, measure: str = ENERGY) -> Floats:
        """Savings of the units, each paired with what met the same."""
        mine, theirs = self.runs.get((policy, point), []), self.runs.get((other, point), [])
        if not mine or not theirs:
            return np.empty(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            if len(mine) == len(theirs) == 1:
                ours, others = mine[0].copies(measure), theirs[0].copies(measure)
                return np.asarray(1.0 - ours / others) if ours.size == others.size else np.empty(0)
            pairs = zip(_stretched(mine, len(theirs)), _stretched(theirs, len(mine)), strict=False)
            return np.array([1.0 - a.mean(measure) / np.float64(b.mean(measure)) for a, b in pairs])


def _stretched(runs: list[Run], count: int) -> list[Run]:
    return runs * count if len(runs) == 1 else runs


def read_results(store: Store) -> tuple[dict[str, Any], list[Results]]:
    """The experiment of a folder, and what its sweeps came to.

    Raises
    ------
    ProblemError
        If the folder holds no experiment, or none of its cells is done.
    """
    experiment = store.read_experiment()
    try:
        found = [_read(store, sweep) for sweep in experiment["sweeps"]]
    except (LookupError, TypeError, AttributeError) as error:
        reason = f"{store.path}: expected the document of an experiment; it is damaged at {error}"
        raise ProblemError("$", reason) from None
    if not any(results.runs for results in found):
        raise ProblemError("$", f"expected finished cells in {store.path}, got none")
    return experiment, found


def _read(store: Store, sweep: Mapping[str, Any]) -> Results:
    policies = list(dict.fromkeys(sweep["definition"]["policies"]))
    found = Results(sweep["name"], sweep["figure"], sweep["points"], policies, sweep["definition"])
    slots: dict[str, list[float]] = {}
    missing = 0
    for cell in sorted(sweep["cells"], key=lambda cell: cell["seed"] or 0):
        result = store.read(cell["key"])
        if result is None:
            missing += 1
            continue
        for point, measured in zip(cell["points"], result["evaluations"], strict=True):
            found.runs.setdefault((cell["policy"], point), []).append(Run(cell["seed"], measured))
            if result["training"] is not None:
                curve = result["training"]["curve"]
                found.curves.setdefault((cell["policy"], point), []).append(curve)
        slots.setdefault(cell["policy"], []).append(result["prepared_slots"])
    found.slots.update({policy: float(np.mean(values)) for policy, values in slots.items()})
    object.__setattr__(found, "missing", missing)
    return found


def baselines(results: Results, policy: str) -> list[str]:
    """Policies that another one is compared with."""
    return [name for name in results.policies if name not in (policy, BOUND)]
