"""The beginning of a report: a picture of each sweep, and a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lyaopt.experiments import html
from lyaopt.experiments.figures import draw_curves, panels_of
from lyaopt.experiments.panel import draw_panel
from lyaopt.experiments.paper_figures import BY_PRICES, EPISODE, figure_of, title_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.shades import shade_of
from lyaopt.experiments.tables import NAMES, number


def overview(sweeps: Sequence[Results]) -> str:
    """Format a picture of each sweep that has results, with a sentence.

    Parameters
    ----------
    sweeps : sequence of Results
        Of an experiment.

    Returns
    -------
    str
        HTML.
    """
    with_runs = [results for results in sweeps if results.runs]
    shades = {
        NAMES.get(name, name): shade_of(results, name) for results in with_runs for name in _run(results)
    }
    pictures = "".join(map(_picture, with_runs))
    return f'{html.legend(shades.items())}<div class="panels overview">{pictures}</div>'


def _run(results: Results) -> list[str]:
    evaluated = {policy for policy, _ in results.runs}
    return [name for name in results.policies if name in evaluated]


def _picture(results: Results) -> str:
    title = title_of(results.figure, results.name)
    known = figure_of(results.figure)
    if known and known.setting is None:
        caption = f"{title}: return of {EPISODE} decisions in training"
        return html.figure(draw_curves(results), caption, sentence=_of_training(results))
    what, measure, scale = _main(results)
    drawn = draw_panel(results, measure, scale)
    return html.figure(
        drawn.svg, f"{title}: {what}", notes=drawn.notes, sentence=_of_sweep(results, what, measure, scale)
    )


def _main(results: Results) -> tuple[str, str, float]:
    """The panel of what policies were made to reduce: under prices, energy and waiting."""
    panels = panels_of(results)
    return panels[1] if (results.figure or "").endswith(BY_PRICES) else panels[0]


def _of_sweep(results: Results, what: str, measure: str, scale: float) -> str:
    """Who has least at how many points, and its values at both ends."""
    points = range(len(results.points))
    values = {
        name: np.array([results.estimate(name, point, measure).value for point in points])
        for name in _run(results)
        if not results.is_bound(name)
    }
    values = {name: scale * line for name, line in values.items() if np.isfinite(line).any()}
    if not values:
        return "No policy has values here."
    filled = {name: np.where(np.isfinite(line), line, np.inf) for name, line in values.items()}
    least = np.min(list(filled.values()), axis=0)
    wins = {name: int((line <= least).sum()) for name, line in filled.items()}
    best = max(wins, key=lambda name: (wins[name], -np.nansum(values[name])))
    line = values[best]
    name = NAMES.get(best, best)
    quantity, _, unit = what.rpartition(", ")
    if len(points) == 1:
        return f"Least {quantity or what}: {number(line[0])} {unit} of {name}."
    ends = f"{number(line[0])} {unit} at the first and {number(line[-1])} {unit} at the last"
    return f"Least {quantity or what} at {wins[best]} of {len(points)} points: {name}, {ends}."


def _of_training(results: Results) -> str:
    """Who ends with the largest return, and who with the least."""
    ends = {}
    for name in results.policies:
        curves = results.curves.get((name, 0), [])
        tails = [np.mean(curve["reward"][-max(1, len(curve["reward"]) // 10) :]) for curve in curves]
        if tails:
            ends[NAMES.get(name, name)] = EPISODE * float(np.median(tails))
    if not ends:
        return "No training has a curve."
    best, worst = max(ends, key=lambda name: ends[name]), min(ends, key=lambda name: ends[name])
    last = f"; the least is {number(ends[worst])} of {worst}" if worst != best else ""
    return f"Largest return in the last tenth of training: {number(ends[best])} of {best}{last}."
