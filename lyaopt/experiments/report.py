"""Report of an experiment: a self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib.resources import files

from lyaopt.evaluation.estimates import CONFIDENCE
from lyaopt.experiments import html, tables
from lyaopt.experiments.convergence import convergence_of
from lyaopt.experiments.figures import draw_curves, panels_of
from lyaopt.experiments.html import Raw
from lyaopt.experiments.overview import overview
from lyaopt.experiments.panel import draw_panel
from lyaopt.experiments.paper_figures import ONCE, OURS, figure_of, number_of, title_of
from lyaopt.experiments.plane import draw_plane
from lyaopt.experiments.report_settings import settings
from lyaopt.experiments.results import Results, heading, load_results
from lyaopt.experiments.savings import Saving, savings_of
from lyaopt.experiments.shades import shade_of
from lyaopt.experiments.store import Store
from lyaopt.experiments.tables import NAMES, number, percent
from lyaopt.experiments.trends import trends_of
from lyaopt.experiments.verdicts import Verdict, words_of
from lyaopt.io.damage import damage_named
from lyaopt.io.figures import need_matplotlib

_STYLE = files("lyaopt.experiments") / "report.css"
_SAVINGS = (
    "<h3>Energy savings of LyaPPO</h3><p>Means over the points of a sweep, in per cent. A claim holds if the "
    "whole interval is above 0. For comparison, the table gives the saving of searched fixed points over the "
    "same baseline, which needs no learning; the saving of LyaPPO in mean latency, as delaying tasks saves "
    "energy; and its saving in the cost (34), the objective of the training. The paper does not give its "
    "networks and ranges, so that its numbers and ours are not expected to agree.</p>"
)
_TRENDS = (
    "<h3>Trends</h3><p>From the first point of a sweep to the last. A claim holds if the whole interval of "
    "the change has the claimed sign; within 0.1 % there is no change. Steps counts the changes between "
    "neighbouring points that have this sign. For Fig. 3 the columns compare another learner (from) with "
    "LyaPPO (to): returns of 200 decisions in the last tenth of a training, decisions until a curve stays "
    "near its end, and the standard deviation of returns in the second half.</p>"
)

_PLANE = (
    "Energy per slot against mean latency, from the first point (hollow) to the last (filled), and the least "
    "energy of any policy (LB3) at both"
)


def page(store: Store, sweeps: Sequence[Results] | None = None) -> str:
    """Format the report of an experiment.

    Parameters
    ----------
    store : Store
        Folder of the experiment.
    sweeps : sequence of Results, optional
        Results of the store, if they are loaded already.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    ProblemError
        If there is no experiment, or none of its cells is finished.
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    need_matplotlib()
    import matplotlib

    if sweeps is None:
        _, sweeps = load_results(store)
    experiment = store.load_document()
    with (
        damage_named(store.path),
        matplotlib.rc_context({"svg.fonttype": "none"}),
    ):  # text stays text, for searching and copying
        sections = [overview(sweeps), *map(_section, sweeps), *_claims(sweeps), settings(experiment, sweeps)]
    title = heading(sweeps)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main><h1>{html.text(title)}</h1>{_lead(sweeps)}{''.join(sections)}</main></body></html>\n"
    )


def _lead(sweeps: Sequence[Results]) -> str:
    runs = sum(len(runs) for results in sweeps for runs in results.runs.values())
    points = sum(len(results.points) for results in sweeps)
    missing = sum(results.missing for results in sweeps)
    notes = f" {missing} unfinished cells are left out." if missing else ""
    if any(
        results.definition["learners"] and results.definition["training_seeds"] == 1 for results in sweeps
    ):
        notes += " With one training seed, the intervals do not include differences between trainings."
    titles = {results.name: title_of(results.figure, results.name) for results in sweeps}
    links = "".join(f'<a href="#{html.text(name)}">{html.text(titles[name])}</a>' for name in titles)
    claims = '<a href="#claims">Claims and results</a>' if any(map(_judged, sweeps)) else ""
    return (
        f'<p class="lead">{runs} runs of policies at {points} points, all on the same arrivals and '
        f"channels.{notes} Numbers are means over replications, and interquartile means over training seeds, "
        f"with {CONFIDENCE:.0%} bootstrap intervals over training seeds and replications.</p>"
        f'<nav>{links}{claims}<a href="#settings">How to run it again</a></nav>'
    )


def _judged(results: Results) -> bool:
    return bool(savings_of(results) or convergence_of(results) or trends_of(results))


def _claims(sweeps: Sequence[Results]) -> Iterator[str]:
    savings = [saving for results in sweeps for saving in savings_of(results)]
    verdicts = [verdict for results in sweeps for verdict in (*convergence_of(results), *trends_of(results))]
    if savings or verdicts:
        yield '<h2 id="claims">The paper\'s claims and our results</h2>'
        counted = [_counted(savings, "savings"), _counted(verdicts, "trends and other claims")]
        yield f"<p>{' '.join(counted).strip()}</p>"
    if savings:
        yield _SAVINGS
        head = (
            "figure",
            "against",
            "",
            "paper, %",
            "LyaPPO, %",
            "best fixed points, %",
            "latency, %",
            "cost, %",
        )
        yield html.table(head, map(_saving_row, savings), words=3, groups=True)
    if verdicts:
        yield _TRENDS
        columns = ("figure", "claim", "", "from", "to", "change, %", "steps")
        yield html.table(columns, map(_trend_row, verdicts), words=3, groups=True)


def _counted(claims: Sequence[Saving | Verdict], what: str) -> str:
    if not claims:
        return ""
    held = [claim.held for claim in claims]
    undecided = f", {held.count(None)} are undecided" if None in held else ""
    unchanged = sum(getattr(claim, "steady", False) for claim in claims)
    steady = f" ({unchanged} show no change)" if unchanged else ""
    return (
        f"Of {len(held)} {what}, {held.count(True)} hold and {held.count(False)} do not{steady}{undecided}."
    )


def _saving_row(saving: Saving) -> tuple[str, ...]:
    return (
        number_of(saving.figure),
        NAMES.get(saving.other, saving.other),
        html.verdict(words_of(saving.held)),
        f"{100.0 * saving.paper:+.1f}",
        percent(saving.ours),
        percent(saving.against_fixed),
        percent(saving.latency),
        percent(saving.cost),
    )


def _trend_row(verdict: Verdict) -> tuple[str, ...]:
    ends = (
        f"{number(end.value * verdict.scale)} {verdict.unit}".strip() for end in (verdict.first, verdict.last)
    )
    numbers = (*ends, percent(verdict.change), verdict.steps)
    return (number_of(verdict.figure), verdict.claim, html.verdict(verdict.words), *numbers)


def _section(results: Results) -> str:
    heading = html.text(title_of(results.figure, results.name))
    content = [f'<h2 id="{html.text(results.name)}">{heading}</h2>']
    if not results.runs:
        return "".join([*content, "<p>No cell is finished.</p>"])
    known = figure_of(results.figure)
    if known and known.setting is None:
        caption = "Return in training: median and range over training seeds"
        content.append(html.figure(draw_curves(results), caption, broad=True))
    else:
        content += [*_panels(results), _once(results)]
    content.append(html.details("All numbers", _numbers(results)))
    return "".join(content)


def _panels(results: Results) -> Iterator[str]:
    evaluated = {policy for policy, _ in results.runs}
    names = [name for name in results.policies if name in evaluated]
    yield html.legend((NAMES.get(name, name), shade_of(results, name)) for name in names)
    drawn = ((title, draw_panel(results, measure, scale)) for title, measure, scale in panels_of(results))
    panels = (html.figure(panel.svg, title, notes=panel.notes) for title, panel in drawn)
    yield f'<div class="panels">{"".join(panels)}</div>'
    plane = draw_plane(results)
    if plane is not None:
        yield html.figure(plane, _PLANE, broad=True)


def _once(results: Results) -> str:
    """Compare the policy of a single training with those trained for each point."""
    if ONCE not in results.slots or OURS not in results.slots:
        return ""
    saved, points = results.saving_over_points(ONCE, OURS), len(results.points)
    if math.isnan(saved.value):
        return ""
    once, each = results.slots[ONCE] / 1e6, results.slots[OURS] / 1e6
    return Raw(
        f"<p>One training over the whole range took {once:.3g} million slots, trainings for each of the "
        f"{points} points {points * each:.3g} million in total. Energy that the single training saves "
        f"compared with the others: {percent(saved)} %.</p>"
    )


def _numbers(results: Results) -> str:
    words = len(results.points[0]) + 1
    return html.table(tables.head(results), tables.shown_rows(results), words=words, groups=True)
