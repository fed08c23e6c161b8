"""Figures 4 to 7 of the paper under the price rule, beside the schemes that need no training.

One sweep shows the rule at one waiting cost, by which energy and waiting of all schemes are judged, and at
fixed mean latencies, for which every point has a waiting cost of its own. Bounds are the floors of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.paper_figures import BY_PRICES, EVALUATION_SEED, FIGURES, OURS, Trend, figure_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.sweeps import Part
from lyaopt.experiments.waiting import BOUND, Waiting
from lyaopt.model.system import System

WAITING_COST = 0.01
"""theta of the rule, in J/s: in `balanced` a mean latency of some 0.36 s."""
LATENCIES = (0.45, 0.25)
"""Mean latencies, in s: that of the best fixed points of `balanced`, and one that needs fast devices."""
RULE = "price"
SCHEMES = ("best-fixed", "random", "middle")
"""Without training: the best fixed points, and of the paper Random-Cov and Fix-Cov."""
FIGURE_NAMES = tuple(f"{name}{BY_PRICES}" for name, figure in FIGURES.items() if figure.setting)
_MEASURING = Measuring(seed=EVALUATION_SEED)
_QUICK = Measuring(seed=EVALUATION_SEED, slots=10_000, warmup=1_000, replications=8)


def price_parts(
    system: System,
    scenario: str,
    *,
    quick: bool = False,
    waiting_cost_j_per_s: float = WAITING_COST,
    latencies_s: Sequence[float] = LATENCIES,
) -> list[Part]:
    """Define the sweeps of Figures 4 to 7 under the price rule.

    Parameters
    ----------
    system : System
        The scenario that the sweeps vary.
    scenario : str
        Name of `system`.
    quick : bool
        Whether to use fewer points and small runs.
    waiting_cost_j_per_s : float
        theta > 0, in J per second of a task's latency.
    latencies_s : sequence of float
        Mean latencies, in seconds.

    Returns
    -------
    list of Part
    """
    levels = dict.fromkeys(latencies_s)
    waiting = {f"price at {latency:g} s": Waiting("price", None, latency) for latency in levels}
    waiting |= {f"least at {latency:g} s": Waiting("bound", None, latency) for latency in levels}
    return [
        Part(_sweep(name, scenario, quick, waiting_cost_j_per_s, waiting), system, name)
        for name in FIGURE_NAMES
    ]


def _sweep(name: str, scenario: str, quick: bool, cost: float, waiting: dict[str, Waiting]) -> Sweep:
    figure = figure_of(name)
    assert figure is not None
    assert figure.setting is not None
    return Sweep(
        policies=(RULE, *waiting, *SCHEMES, BOUND),
        name=name,
        scenario=scenario,
        vary={
            figure.setting: list(figure.quick if quick else figure.values),
            "waiting_cost_j_per_s": [cost],
        },
        evaluation=_QUICK if quick else _MEASURING,
        waiting=dict(waiting),
    )


def trends_expected(results: Results) -> tuple[Trend, ...]:
    """Collect the trends that the results of a figure are judged by.

    Parameters
    ----------
    results : Results
        Of a sweep.

    Returns
    -------
    tuple of Trend
        The paper's. Of a figure under the price rule, what the paper claims of LyaPPO, for the rule at each
        mean latency; at a waiting cost, that energy and waiting together go the way of the energy.
    """
    figure = figure_of(results.figure)
    if figure is None or not (results.figure or "").endswith(BY_PRICES):
        return () if figure is None else figure.trends
    claimed = [trend for trend in figure.trends if trend.policy == OURS]
    rules = [policy for policy in results.policies if policy.startswith("price")]
    waiting = results.definition.get("waiting", {})
    together = [
        Trend("waiting_and_energy_j", claimed[0].rises, rule) for rule in rules if rule not in waiting
    ]
    return (*together, *(replace(trend, policy=rule) for rule in rules for trend in claimed))
