"""Output files of a finished experiment."""

from __future__ import annotations

from collections.abc import Sequence

from lyaopt.experiments import tables
from lyaopt.experiments.convergence import convergence_of
from lyaopt.experiments.paper_figures import figure_of, title_of
from lyaopt.experiments.results import Results, heading, load_results
from lyaopt.experiments.savings import Saving, savings_of
from lyaopt.experiments.store import Store
from lyaopt.experiments.traced import trace_words
from lyaopt.experiments.trends import trends_of
from lyaopt.experiments.verdicts import Verdict, words_of
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.damage import damage_named
from lyaopt.io.figures import need_matplotlib
from lyaopt.io.text_tables import markdown_table, markdown_text

CSV, MARKDOWN = "tables.csv", "tables.md"


def write_tables(store: Store) -> list[Results]:
    """Write the tables of an experiment into its folder.

    Parameters
    ----------
    store : Store
        Folder of the experiment.

    Returns
    -------
    list of Results
        The contents of the tables.

    Raises
    ------
    ProblemError
        If no cell is finished, or the folder's document is damaged.
    """
    _, sweeps = load_results(store)
    with damage_named(store.path):
        table = tables.csv_text(sweeps).encode()
        sections = [
            f"## {markdown_text(title_of(results.figure, results.name))}\n\n"
            f"{_trace(results)}{claims(results)}{tables.markdown(results)}"
            for results in sweeps
        ]
        title = markdown_text(heading(sweeps))
    write_whole(store.path / CSV, table)
    write_whole(store.path / MARKDOWN, "\n".join([f"# {title}\n", *sections]).encode())
    return sweeps


def _trace(results: Results) -> str:
    return "" if results.trace is None else f"{markdown_text(trace_words(results.trace))}\n\n"


def write_figures(store: Store, sweeps: Sequence[Results]) -> None:
    """Draw the sweeps that reproduce figures of the paper into the folder, as SVG.

    Parameters
    ----------
    store : Store
        Folder of the experiment.
    sweeps : sequence of Results
        As `write_tables` returns them.

    Raises
    ------
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    from lyaopt.experiments.figures import draw_curves, draw_sweep

    need_matplotlib()
    for results in sweeps:
        known = figure_of(results.figure)
        if known and results.runs:
            draw = draw_sweep if known.setting else draw_curves
            write_whole(store.path / f"{results.figure}.svg", draw(results))


def claims(results: Results) -> str:
    """Format the paper's claims on a figure and our verdicts as a Markdown table.

    Parameters
    ----------
    results : Results
        Of a sweep; only figures of the paper have claims.

    Returns
    -------
    str
        Empty if there are no claims.
    """
    rows = [*map(_saving, savings_of(results)), *map(_verdict, convergence_of(results) + trends_of(results))]
    return markdown_table(("claim", "verdict", "measured"), rows) + "\n" if rows else ""


def _saving(saving: Saving) -> tuple[str, str, str]:
    other = tables.NAMES.get(saving.other, saving.other)
    claim = f"LyaPPO saves {100.0 * saving.paper:.1f} % of the energy of {other}"
    numbers = (saving.ours, saving.against_fixed, saving.latency, saving.cost)
    ours, fixed, latency, cost = map(tables.percent, numbers)
    text = f"{ours} % (best fixed points: {fixed} %), {latency} % of mean latency, {cost} % of the cost (34)"
    return claim, words_of(saving.held), text


def _verdict(verdict: Verdict) -> tuple[str, str, str]:
    first, last = (tables.number(end.value * verdict.scale) for end in (verdict.first, verdict.last))
    change = f"{first} to {last} {verdict.unit}".rstrip() + f", {tables.percent(verdict.change)} %"
    return verdict.claim, verdict.words, change
