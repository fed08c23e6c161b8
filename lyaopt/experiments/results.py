"""Results of sweeps: means over training seeds and replications, intervals, and paired savings.

All policies are evaluated on common random numbers, so that a saving is a paired ratio: see
`lyaopt.experiments.statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.evaluation import Estimate
from lyaopt.experiments.statistics import NOTHING, Grid, Run, estimate, grid_of, ratios
from lyaopt.experiments.store import Store
from lyaopt.experiments.waiting import BOUND
from lyaopt.io.damage import damage_named

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
    "own_waiting_cost_j_per_s",
    "stay_s",
    "waiting_and_energy_j",
    "over_bound",
    "over_bound_at_latency",
)
"""Measures of a policy at a point, as named in results and tables."""

OVER_BOUND = "over_bound_at_latency"
_RATIOS = {
    "over_bound": ("waiting_and_energy_j", "least_waiting_and_energy_j"),
    OVER_BOUND: (ENERGY, "least_energy_j"),
}
"""Measures that are a mean over a mean."""


@dataclass(frozen=True, eq=False)
class Results:
    """Results of a sweep.

    Attributes
    ----------
    name : str
    figure : str or None
        Figure of the paper that it reproduces.
    points : sequence of mapping
        Values of the settings.
    policies : sequence of str
    definition : mapping
    runs : dict
        Runs by policy and point, one for each training seed.
    curves : dict
        Training curves by policy and point, one for each training seed.
    slots : dict
        Slots of search and training by policy: mean over its cells.
    missing : int
        Unfinished cells.
    trace : mapping or None
        How a trace was used: its name and hash, and the slots of both parts. Runs are on the judged one.
    searched : dict
        Runs on the part of a trace on which policies were searched and trained, by policy and point.
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
    trace: Mapping[str, Any] | None = None
    searched: dict[tuple[str, int], list[Run]] = field(default_factory=dict)
    # Tables and figures share estimates, which need a bootstrap each.
    _estimates: dict[tuple[str, int, str], Estimate] = field(default_factory=dict, repr=False)

    def estimate(self, policy: str, point: int, measure: str = ENERGY) -> Estimate:
        """Estimate the mean of a measure.

        Parameters
        ----------
        policy : str
            Name in the results.
        point : int
            Index of the point of the sweep.
        measure : str
            A name in `MEASURES`.

        Returns
        -------
        Estimate
        """
        place = policy, point, measure
        if place not in self._estimates:
            runs = self.runs.get((policy, point), [])
            above, below = _RATIOS.get(measure, (measure, None))
            self._estimates[place] = estimate(grid_of(runs, above, below))
        return self._estimates[place]

    @property
    def on_searched_part(self) -> Results:
        """The results on the part of a trace on which policies were searched and trained."""
        return replace(self, runs=self.searched, searched={}, _estimates={})

    def saving(self, policy: str, other: str, point: int) -> Estimate:
        """Estimate the share of the energy of `other` that `policy` saves at `point`."""
        return _saved(estimate(self.compared((policy, point), (other, point), ENERGY)))

    def saving_over_points(self, policy: str, other: str, measure: str = ENERGY) -> Estimate:
        """Estimate the saving in a measure, averaged over the points with equal weights.

        Parameters
        ----------
        policy, other : str
            Names in the results: the policy that saves, and the reference.
        measure : str
            A name in `MEASURES`.

        Returns
        -------
        Estimate
            As a share of the value of `other`.
        """
        points = range(len(self.points))
        grids = (self.compared((policy, point), (other, point), measure) for point in points)
        return _saved(estimate(*grids))

    def change(self, policy: str, measure: str) -> Estimate:
        """Estimate the relative change of a `measure` of `policy` from the first point to the last."""
        ratio = estimate(self.compared((policy, len(self.points) - 1), (policy, 0), measure))
        return Estimate(ratio.value - 1.0, ratio.low - 1.0, ratio.high - 1.0)

    def compared(self, one: tuple[str, int], other: tuple[str, int], measure: str) -> Grid:
        """Pair the runs of two policies.

        Parameters
        ----------
        one, other : tuple of (str, int)
            Policy and point of numerator and denominator.
        measure : str
            A name in `MEASURES`.

        Returns
        -------
        Grid
        """
        mine, theirs = self.runs.get(one, []), self.runs.get(other, [])
        return ratios(mine, theirs, measure) if mine and theirs else NOTHING

    def is_bound(self, policy: str) -> bool:
        """Tell whether the name `policy` stands for a bound."""
        waits = self.definition.get("waiting", {}).get(policy)
        return policy == BOUND if waits is None else bool(waits["policy"] == BOUND)


def _saved(ratio: Estimate) -> Estimate:
    return Estimate(1.0 - ratio.value, 1.0 - ratio.high, 1.0 - ratio.low)


def heading(sweeps: Sequence[Results]) -> str:
    """Return the title of the experiment that consists of `sweeps`."""
    return "The paper's figures, reproduced" if any(results.figure for results in sweeps) else sweeps[0].name


def load_results(store: Store) -> tuple[dict[str, Any], list[Results]]:
    """Load the results of an experiment.

    Parameters
    ----------
    store : Store
        Folder of the experiment.

    Returns
    -------
    experiment : dict
        Document of the folder.
    sweeps : list of Results

    Raises
    ------
    ProblemError
        If the folder holds no experiment, or none of its cells is finished.
    """
    experiment = store.load_document()
    with damage_named(store.path):
        sweeps = [_load_sweep(store, sweep) for sweep in experiment["sweeps"]]
    if not any(results.runs for results in sweeps):
        raise ProblemError("$", f"expected finished cells in {store.path}, got none")
    return experiment, sweeps


def _load_sweep(store: Store, sweep: Mapping[str, Any]) -> Results:
    policies = list(dict.fromkeys(sweep["definition"]["policies"]))
    given = sweep["name"], sweep["figure"], sweep["points"], policies, sweep["definition"]
    results = Results(*given, trace=sweep.get("trace"))
    slots: dict[str, list[float]] = {}
    missing = 0
    for cell in sorted(sweep["cells"], key=lambda cell: cell["seed"] or 0):
        result = store.load_cell(cell["key"])
        if result is None:
            missing += 1
            continue
        for point, measured in zip(cell["points"], result.get("searched", ()), strict=False):
            results.searched.setdefault((cell["policy"], point), []).append(Run(cell["seed"], measured))
        for point, measured in zip(cell["points"], result["evaluations"], strict=True):
            results.runs.setdefault((cell["policy"], point), []).append(Run(cell["seed"], measured))
            if result["training"] is not None:
                curve = result["training"]["curve"]
                results.curves.setdefault((cell["policy"], point), []).append(curve)
        slots.setdefault(cell["policy"], []).append(result["prepared_slots"])
    results.slots.update({policy: float(np.mean(values)) for policy, values in slots.items()})
    return replace(results, missing=missing)
