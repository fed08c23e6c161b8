"""Profiles that many services run, each read from its file once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lyaopt.model.profiles.catalog import list_profiles, load_profile
from lyaopt.model.profiles.model import Profile


def cached_profile(model: str) -> Profile:
    """Load a profile by its name or path; again only if its file has changed.

    Parameters
    ----------
    model : str
        As of `load_profile`.

    Raises
    ------
    ProblemError
        As `load_profile` does.
    """
    if model in _shipped():
        return _load(model, 0, 0)
    try:
        status = Path(model).stat()
    except (OSError, ValueError):
        return load_profile(model)  # raises the error
    return _load(model, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _shipped() -> frozenset[str]:
    return frozenset(list_profiles())


@lru_cache(maxsize=256)
def _load(model: str, changed: int, size: int) -> Profile:
    """Load a profile once for each version of its file: many services may run the same few networks."""
    return load_profile(model)
