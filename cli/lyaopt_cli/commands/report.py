"""`lyaopt report`: the results of an experiment as one HTML page."""

from __future__ import annotations

import click

from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.report_page import PAGE, write_report


@new_command("report", "Write the results of an experiment as one HTML page")
@click.argument("folder", metavar="DIR")
@click.option("--out", "-o", metavar="FILE", help=f"The page (default: {PAGE} in DIR).")
def command(folder: str, out: str | None) -> int:
    """Write one HTML page about the sweep or reproduction in DIR, and print its name.

    The page is one file with its figures inside. It leaves out cells that are not finished,
    and says how many.

    \b
    Examples:
      lyaopt report figures
      lyaopt report figures -o figures.html

    \b
    Exit status: 0 written, 2 bad usage or input, 130 interrupted, 141 output
    closed.
    """
    click.echo(write_report("report", folder, out))
    return 0
