"""Radio tables by name, if they are shipped, or by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lyaopt.io.shipped_files import load_shipped, shipped_names
from lyaopt.model.radios.format import parse_radio
from lyaopt.model.radios.table import RadioTable

_DATA = files("lyaopt.model.radios") / "data"


def radio_names() -> tuple[str, ...]:
    """Names of the shipped radio tables, sorted."""
    return shipped_names(_DATA, ".json")


def load_radio(name_or_path: str | Path) -> RadioTable:
    """Load a shipped radio table by its name, or any table by its path.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a shipped table; any other string, and any Path, is a path.

    Returns
    -------
    RadioTable

    Raises
    ------
    ProblemError
        If there is no such table; `DocumentError`, with path and line, if its file is not valid.
    """
    return parse_radio(load_shipped(name_or_path, _DATA, ".json"))
