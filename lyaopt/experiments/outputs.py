"""Files that a finished experiment leaves beside its cells."""

from __future__ import annotations

from collections.abc import Sequence

from lyaopt.experiments import tables
from lyaopt.experiments.convergence import convergence_of
from lyaopt.experiments.paper_figures import FIGURES, title_of
from lyaopt.experiments.results import Results, heading, read_results
from lyaopt.experiments.savings import Saving, savings_of
from lyaopt.experiments.store import Store
from lyaopt.experiments.trends import trends_of
from lyaopt.experiments.verdicts import Verdict
from lyaopt.io.atomic_write import write_whole
from lyaopt.io.figures import need_matplotlib

CSV, MARKDOWN = "tables.csv", "tables.md"


def write_tables(store: Store) -> list[Results]:
    """Write the tables of an experiment into its folder, and give what they show.

    Raises
    ------
    ProblemError
        If none of its cells is done.
    """
    _, found = read_results(store)
    write_whole(store.path / CSV, tables.csv_text(found).encode())
    sections = [
        f"## {title_of(results.figure, results.name)}\n\n{claims(results)}{tables.markdown(results)}"
        for results in found
    ]
    write_whole(store.path / MARKDOWN, "\n".join([f"# {heading(found)}\n", *sections]).encode())
    return found


def write_figures(store: Store, found: Sequence[Results]) -> None:
    """Draw what remakes figures of the paper into the folder, as SVG.

    Raises
    ------
    ProblemError
        If matplotlib is missing.
    """
    from lyaopt.experiments.figures import draw_curves, draw_sweep

    need_matplotlib()
    for results in found:
        if results.figure and results.runs:
            draw = draw_sweep if FIGURES[results.figure].setting else draw_curves
            write_whole(store.path / f"{results.figure}.svg", draw(results))


def claims(results: Results) -> str:
    """What the paper says of a figure beside what was found, in Markdown; nothing where it says nothing."""
    rows = [*map(_saving, savings_of(results)), *map(_verdict, convergence_of(results) + trends_of(results))]
    return "\n".join(["| the paper | | found |", "|---|---|---|", *rows, "", ""]) if rows else ""


def _saving(found: Saving) -> str:
    claim = f"LyaPPO saves {100.0 * found.paper:.1f} % of the energy of {tables.NAMES[found.other]}"
    numbers = (found.ours, found.against_fixed, found.latency, found.cost)
    ours, fixed, latency, cost = map(tables.percent, numbers)
    shown = f"{ours} % (best fixed points: {fixed} %), {latency} % of mean latency, {cost} % of the cost (34)"
    return f"| {claim} | {_held(found.held)} | {shown} |"


def _verdict(found: Verdict) -> str:
    first, last = (tables.number(end.value * found.scale) for end in (found.first, found.last))
    change = f"{first} to {last} {found.unit}".rstrip() + f", {tables.percent(found.change)} %"
    return f"| {found.claim} | {_held(found.held)} | {change} |"


def _held(held: bool | None) -> str:
    return {True: "held", False: "not held", None: "undecided"}[held]
