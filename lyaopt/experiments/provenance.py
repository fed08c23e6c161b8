"""Provenance of results: versions, and the commit of the sources if they are in a repository."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lyaopt
from lyaopt.simulation.results import versions as core_versions

_PACKAGES = ("torch", "scipy", "joblib", "dask", "ray", "matplotlib")


def canonical(document: Any) -> bytes:
    """Format `document` as JSON, alike for equal documents."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(document: Any) -> str:
    """Return the SHA-256 of a `document` in hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


@cache
def versions() -> dict[str, str]:
    """Return the versions of lyaopt and of the installed packages that affect results."""
    installed = core_versions()
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


@cache
def commit() -> str | None:
    """Return the commit of the sources, with ``+`` if they have changes; None if it is unknown."""
    package = Path(lyaopt.__file__).parent
    # An installed package may lie within an unrelated repository.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    head, changes = _git(package, "rev-parse", "HEAD"), _git(package, "status", "--porcelain", ".")
    return None if head is None else head + ("+" if changes else "")


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def provenance() -> dict[str, Any]:
    """Return the fields of every result."""
    return {"versions": versions(), "commit": commit()}
