"""Where a result comes from: versions, and the commit of the sources if they are in a repository."""

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
    """JSON of which equal documents have one spelling only."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(document: Any) -> str:
    """SHA-256 of a document, in hexadecimal."""
    return hashlib.sha256(canonical(document)).hexdigest()


@cache
def versions() -> dict[str, str]:
    """Of lyaopt and all that computes, as far as it is installed."""
    found = core_versions()
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str | None:
    """The commit of the sources, with ``+`` where they were changed since; None if it is not known."""
    package = Path(lyaopt.__file__).parent
    # A repository that happens to lie around an installed package is not where it comes from.
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
    """What stands in every result."""
    return {"versions": versions(), "commit": commit()}
