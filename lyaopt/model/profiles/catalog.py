"""Profiles by name, if they are shipped, or by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lyaopt.io.shipped_files import load_shipped, shipped_names
from lyaopt.model.profiles.format import parse_profile
from lyaopt.model.profiles.model import Profile

_DATA = files("lyaopt.model.profiles") / "data"


def list_profiles() -> tuple[str, ...]:
    """Names of the shipped profiles, sorted."""
    return shipped_names(_DATA, ".json")


def load_profile(name_or_path: str | Path) -> Profile:
    """Load a shipped profile by its name, or any profile by its path.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a shipped profile; any other string, and any Path, is a path.

    Returns
    -------
    Profile

    Raises
    ------
    ProblemError
        If there is no such profile; `DocumentError`, with path and line, if its file is not valid.
    """
    return parse_profile(load_shipped(name_or_path, _DATA, ".json"))
