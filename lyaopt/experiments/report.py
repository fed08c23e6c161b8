"""An experiment as one page of HTML that needs nothing but itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib.resources import files

from lyaopt.evaluation.estimates import CONFIDENCE
from lyaopt.experiments import html, tables
from lyaopt.experiments.convergence import convergence_of
from lyaopt.experiments.figures import PANELS, colour, draw_curves, draw_panel
from lyaopt.experiments.html import Raw
from lyaopt.experiments.paper_figures import FIGURES, ONCE, OURS, title_of
from lyaopt.experiments.report_settings import settings
from lyaopt.experiments.results import Results, heading, read_results
from lyaopt.experiments.savings import Saving, savings_of
from lyaopt.experiments.store import Store
from lyaopt.experiments.tables import NAMES, number, percent
from lyaopt.experiments.trends import trends_of
from lyaopt.experiments.verdicts import Verdict
from lyaopt.io.figures import need_matplotlib

_STYLE = files("lyaopt.experiments") / "report.css"
_SAVINGS = (
    "<h3>Energy that LyaPPO saves</h3><p>Averages over the points of a sweep, in per cent; held where the "
    "whole interval is above nothing. Beside it stands what fixed points that a search found save of the "
    "same baseline: so much of the saving needs no learning; and what LyaPPO saves of the mean latency, as "
    "who lets tasks wait saves energy, and of the cost (34), which learners are trained for. Networks and "
    "ranges are not the paper's, which gives none: the numbers stand beside each other, and need not "
    "agree.</p>"
)
_TRENDS = (
    "<h3>Trends</h3><p>From the first point of a sweep to the last; held where the change has the claimed "
    "sign, with its whole interval. Steps are those between neighbours that go the claimed way. In Fig. 3 "
    "LyaPPO stands in the place of the last point and another learner in that of the first: returns of "
    "200 decisions in the last tenth of the trainings, decisions after which a curve stays near its end, "
    "and the standard deviation of returns in the second half.</p>"
)


def page(store: Store, found: Sequence[Results] | None = None) -> str:
    """The page of the experiment in a folder, of which `found` was read, if it was.

    Raises
    ------
    ProblemError
        If there is none, none of its cells is done, or matplotlib is missing.
    """
    need_matplotlib()
    import matplotlib

    if found is None:
        _, found = read_results(store)
    experiment = store.read_experiment()
    with matplotlib.rc_context({"svg.fonttype": "none"}):  # text stays text, to be found and copied
        sections = [*_claims(found), *map(_section, found), settings(experiment, found)]
    title = heading(found)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.text(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main><h1>{html.text(title)}</h1>{_lead(found)}{''.join(sections)}</main></body></html>\n"
    )


def _lead(found: Sequence[Results]) -> str:
    runs = sum(len(runs) for results in found for runs in results.runs.values())
    systems = sum(len(results.points) for results in found)
    missing = sum(results.missing for results in found)
    left = f" {missing} cells are not finished, and left out." if missing else ""
    if any(results.definition["learners"] and results.definition["training_seeds"] == 1 for results in found):
        left += " With one training seed nothing is said of how trainings differ."
    titles = {results.name: title_of(results.figure, results.name) for results in found}
    links = "".join(f'<a href="#{html.text(name)}">{html.text(titles[name])}</a>' for name in titles)
    return (
        f'<p class="lead">{runs} runs of policies at {systems} points, all on the same arrivals and '
        f"channels.{left} Figures are means over copies, of several training seeds the interquartile mean, "
        f"with {CONFIDENCE:.0%} bootstrap intervals that draw seeds and copies.</p>"
        f'<nav>{links}<a href="#settings">Settings, and how to run it again</a></nav>'
    )


def _claims(found: Sequence[Results]) -> Iterator[str]:
    savings = [saving for results in found for saving in savings_of(results)]
    verdicts = [verdict for results in found for verdict in (*convergence_of(results), *trends_of(results))]
    if savings or verdicts:
        yield '<h2 id="claims">What the paper claims, and what was found</h2>'
        yield f"<p>{_counted(savings, 'savings')} {_counted(verdicts, 'other claims')}</p>"
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


def _counted(found: Sequence[Saving | Verdict], what: str) -> str:
    held = [each.held for each in found]
    undecided = f", {held.count(None)} are undecided" if None in held else ""
    return f"Of {len(held)} {what} {held.count(True)} are held, {held.count(False)} are not{undecided}."


def _saving_row(found: Saving) -> tuple[str, ...]:
    return (
        _number_of(found.figure),
        NAMES.get(found.other, found.other),
        html.verdict(found.held),
        f"{100.0 * found.paper:+.1f}",
        percent(found.ours),
        percent(found.against_fixed),
        percent(found.latency),
        percent(found.cost),
    )


def _trend_row(found: Verdict) -> tuple[str, ...]:
    ends = (f"{number(end.value * found.scale)} {found.unit}".strip() for end in (found.first, found.last))
    shown = (*ends, percent(found.change), found.steps)
    return (_number_of(found.figure), found.claim, html.verdict(found.held), *shown)


def _number_of(figure: str) -> str:
    return f"Fig. {figure.removeprefix('fig')}"


def _section(results: Results) -> str:
    heading = html.text(title_of(results.figure, results.name))
    content = [f'<h2 id="{html.text(results.name)}">{heading}</h2>']
    if not results.runs:
        return "".join([*content, "<p>None of its cells is finished.</p>"])
    known = FIGURES.get(results.figure or "")
    if known and known.setting is None:
        caption = "Return in training: median over seeds, and their range"
        content.append(html.figure(draw_curves(results), caption, broad=True))
    else:
        content += [*_panels(results), _once(results)]
    content.append(html.details("All numbers", _numbers(results)))
    return "".join(content)


def _panels(results: Results) -> Iterator[str]:
    there = {policy for policy, _ in results.runs}
    shown = [name for name in results.policies if name in there]
    yield html.legend((NAMES.get(name, name), colour(name, results.policies)) for name in shown)
    panels = (html.figure(draw_panel(results, measure, scale), title) for title, measure, scale in PANELS)
    yield f'<div class="panels">{"".join(panels)}</div>'


def _once(results: Results) -> str:
    """The policy that one training made, beside those that were trained for each point."""
    if ONCE not in results.slots or OURS not in results.slots:
        return ""
    saved, points = results.saving_over_points(ONCE, OURS), len(results.points)
    if math.isnan(saved.value):
        return ""
    once, each = results.slots[ONCE] / 1e6, results.slots[OURS] / 1e6
    return Raw(
        f"<p>One training over the whole range took {once:.3g} million slots, trainings for each of the "
        f"{points} points {points * each:.3g} million together. What the one saves of the energy of the "
        f"others: {percent(saved)} %.</p>"
    )


def _numbers(results: Results) -> str:
    lines = [line.strip("|").split("|") for line in tables.markdown(results).splitlines()]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    return html.table(head, rows, words=len(results.points[0]) + 1, groups=True)
