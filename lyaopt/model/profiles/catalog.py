"""Profiles by name, if they are shipped, or by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lyaopt.io.shipped_files import load_named_file
from lyaopt.model.profiles.format import parse_profile
from lyaopt.model.profiles.model import Profile

_DATA = files("lyaopt.model.profiles") / "data"


def list_profiles() -> tuple[str, ...]:
    """Names of the shipped profiles, sorted."""
    names = (entry.name for entry in _DATA.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


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
    if isinstance(name_or_path, str) and name_or_path in list_profiles():
        return parse_profile((_DATA / f"{name_or_path}.json").read_bytes())
    return parse_profile(load_named_file(name_or_path, list_profiles()))
