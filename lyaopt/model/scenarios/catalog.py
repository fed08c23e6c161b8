"""Scenarios by name, if they are shipped, or by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lyaopt.errors import ProblemError
from lyaopt.io.shipped_files import load_named_file, shipped_names
from lyaopt.model.scenarios.format import parse_scenario
from lyaopt.model.system import System

_DATA = files("lyaopt.model.scenarios") / "data"
_ALIASES = {"default": "balanced"}


def list_scenarios() -> tuple[str, ...]:
    """Names of the shipped scenarios, sorted, after `default`."""
    return (*_ALIASES, *shipped_names(_DATA, ".toml"))


def scenario_text(name: str) -> str:
    """Return the text of a shipped scenario, with its comments.

    Parameters
    ----------
    name : str
        One of `list_scenarios`.

    Raises
    ------
    ProblemError
        If there is no such scenario.
    """
    if name not in list_scenarios():
        raise ProblemError("$", f"expected one of {', '.join(list_scenarios())}; got {name!r}")
    return (_DATA / f"{_ALIASES.get(name, name)}.toml").read_text(encoding="utf-8")


def load_scenario(name_or_path: str | Path) -> System:
    """Load a shipped scenario by its name, or any scenario by its path.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a shipped scenario; any other string, and any Path, is the path of a TOML or JSON file.

    Raises
    ------
    ProblemError
        If there is no such scenario; `DocumentError`, with path and line, if its file is not valid.
    """
    if isinstance(name_or_path, str) and name_or_path in list_scenarios():
        return parse_scenario(scenario_text(name_or_path))
    return parse_scenario(load_named_file(name_or_path, list_scenarios()), Path(name_or_path).parent)
