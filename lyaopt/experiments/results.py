"""Finished cells as figures: means over training seeds or copies, intervals, and paired savings.

All policies meet the same copies, so that a saving is a ratio within the same luck: see
`lyaopt.experiments.statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.evaluation import Estimate
from lyaopt.experiments.definition import BOUND
from lyaopt.experiments.statistics import NOTHING, Grid, Run, estimate, grid_of, ratios
from lyaopt.experiments.store import Store

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
        """Mean of a measure."""
        place = policy, point, measure
        if place not in self._estimates:
            self._estimates[place] = estimate(grid_of(self.runs.get((policy, point), []), measure))
        return self._estimates[place]

    def saving(self, policy: str, other: str, point: int) -> Estimate:
        """Share of the other's energy that a policy saves at a point."""
        return _saved(estimate(self.compared((policy, point), (other, point), ENERGY)))

    def saving_over_points(self, policy: str, other: str, measure: str = ENERGY) -> Estimate:
        """What is saved of a measure, averaged over the points, of which each counts as much as any other."""
        points = range(len(self.points))
        found = (self.compared((policy, point), (other, point), measure) for point in points)
        return _saved(estimate(*found))

    def change(self, policy: str, measure: str) -> Estimate:
        """How much more of a measure there is at the last point than at the first."""
        ratio = estimate(self.compared((policy, len(self.points) - 1), (policy, 0), measure))
        return Estimate(ratio.value - 1.0, ratio.low - 1.0, ratio.high - 1.0)

    def compared(self, one: tuple[str, int], other: tuple[str, int], measure: str) -> Grid:
        """A policy at a point over one that it is paired with."""
        mine, theirs = self.runs.get(one, []), self.runs.get(other, [])
        return ratios(mine, theirs, measure) if mine and theirs else NOTHING


def _saved(ratio: Estimate) -> Estimate:
    return Estimate(1.0 - ratio.value, 1.0 - ratio.high, 1.0 - ratio.low)


def heading(found: Sequence[Results]) -> str:
    """What stands above all that is written about an experiment."""
    return "The paper's figures, remade" if any(results.figure for results in found) else found[0].name


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
