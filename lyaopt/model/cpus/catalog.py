"""CPU tables by name, if they are shipped, or by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lyaopt.io.shipped_files import load_shipped, shipped_names
from lyaopt.model.cpus.format import parse_cpu
from lyaopt.model.cpus.table import CpuTable

_DATA = files("lyaopt.model.cpus") / "data"


def cpu_names() -> tuple[str, ...]:
    """Names of the shipped CPU tables, sorted."""
    return shipped_names(_DATA, ".json")


def load_cpu(name_or_path: str | Path) -> CpuTable:
    """Load a shipped CPU table by its name, or any table by its path.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a shipped table; any other string, and any Path, is a path.

    Returns
    -------
    CpuTable

    Raises
    ------
    ProblemError
        If there is no such table; `DocumentError`, with path and line, if its file is not valid.
    """
    return parse_cpu(load_shipped(name_or_path, _DATA, ".json"))
