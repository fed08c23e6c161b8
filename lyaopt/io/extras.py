"""Imports of optional libraries, with one error if a library is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lyaopt.errors import MissingExtraError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Import optional libraries inside the block.

    Parameters
    ----------
    extra : str
        The extra of lyaopt that installs them.

    Raises
    ------
    MissingExtraError
        Naming the library that is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "lyaopt", "lyaopt_cli"):
            raise
        raise MissingExtraError(library, extra) from error
