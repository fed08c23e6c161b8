"""`lyaopt report`: what an experiment came to, as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyaopt_cli.support.experiment_options import check_folder
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.output_files import check_writable, write_whole

if TYPE_CHECKING:
    from lyaopt.experiments.results import Results

_PAGE = "report.html"


@click.command("report")
@click.argument("folder", metavar="DIR")
@click.option("--out", "-o", metavar="FILE", help=f"Where to (default: {_PAGE} in DIR).")
def command(folder: str, out: str | None) -> int:
    """Write one HTML page about the sweep or reproduction in DIR, and print its name.

    The page needs nothing but itself: figures are drawn into it. Cells that are not
    finished are left out, and counted.

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
    name: str, folder: str, out: str | None = None, found: Sequence[Results] | None = None
) -> str:
    """Write the page, and give its name; what was read already need not be read again."""
    from lyaopt.errors import LyaoptError
    from lyaopt.experiments.report import page
    from lyaopt.experiments.store import Store

    path = check_folder(folder) / _PAGE if out is None else Path(out)
    check_writable(path)
    try:
        content = page(Store(folder), found)
    except LyaoptError as error:
        raise InputError(f"lyaopt {name}: {error}") from None
    write_whole(path, content.encode())
    return str(path)
