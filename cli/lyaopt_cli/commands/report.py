"""`lyaopt report`: the results of an experiment as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyaopt_cli.support.experiments import check_folder
from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output_files import check_writable, write_whole

if TYPE_CHECKING:
    from lyaopt.experiments.results import Results

_PAGE = "report.html"


@new_command("report", "Write the results of an experiment as one HTML page")
@click.argument("folder", metavar="DIR")
@click.option("--out", "-o", metavar="FILE", help=f"The page (default: {_PAGE} in DIR).")
def command(folder: str, out: str | None) -> int:
    """Write one HTML page about the sweep or reproduction in DIR, and print its name.

    The page is one file with its figures inside. It leaves out cells that are not finished,
    and says how many.

    \b
    Examples:
      lyaopt report figures
      lyaopt report figures -o figures.html

    \b
    Exit status: 0 written, 2 bad usage or input, 130 interrupted.
    """
    click.echo(write_report("report", folder, out))
    return 0


def write_report(
    name: str, folder: str, out: str | None = None, results: Sequence[Results] | None = None
) -> str:
    """Write the page, from results read before or from the folder, and give its name."""
    from lyaopt.experiments.report import page
    from lyaopt.experiments.store import Store

    path = check_folder(folder) / _PAGE if out is None else Path(out)
    check_writable(path)
    with input_errors(f"lyaopt {name}"):
        content = page(Store(folder), results)
    write_whole(path, content.encode())
    return str(path)
