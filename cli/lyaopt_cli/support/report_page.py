"""The HTML page about an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lyaopt_cli.support.input_files import InputError, input_errors
from lyaopt_cli.support.output_files import check_writable, write_whole

if TYPE_CHECKING:
    from lyaopt.experiments.results import Results

PAGE = "report.html"


def write_report(
    name: str, folder: str, out: str | None = None, results: Sequence[Results] | None = None
) -> str:
    """Write the page about the experiment in a folder.

    Parameters
    ----------
    name : str
        Name of the command, for messages.
    folder : str
        Of a sweep or reproduction.
    out : str, optional
        File to write; `PAGE` in the folder if left out.
    results : sequence of Results, optional
        Results of the folder; read from it if left out.

    Returns
    -------
    str
        Path of the page.
    """
    from lyaopt.experiments.report import page
    from lyaopt.experiments.store import Store

    path = _existing(folder) / PAGE if out is None else Path(out)
    check_writable(path)
    with input_errors(f"lyaopt {name}"):
        content = page(Store(folder), results)
    write_whole(path, content.encode())
    return str(path)


def _existing(folder: str) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{folder}: expected the folder of a sweep or reproduction")
    return path
