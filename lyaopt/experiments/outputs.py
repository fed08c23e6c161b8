"""Files that a finished experiment leaves beside its cells."""

from __future__ import annotations

from lyaopt.experiments import tables
from lyaopt.experiments.results import Results, read_results
from lyaopt.experiments.store import Store
from lyaopt.whole_files import write_whole

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
    sections = [f"## {results.name}\n\n{tables.markdown(results)}" for results in found]
    write_whole(store.path / MARKDOWN, "\n".join(sections).encode())
    return found
