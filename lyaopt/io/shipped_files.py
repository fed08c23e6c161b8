"""Files that are named by a path or by what lyaopt ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lyaopt.errors import ProblemError


def load_named_file(path: str | Path, shipped: Sequence[str]) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : str or Path
        The file.
    shipped : sequence of str
        Names that lyaopt ships, for the error.

    Raises
    ------
    ProblemError
        If it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        known = ", ".join(shipped)
        raise ProblemError("$", f"expected a file or one of {known}; got {str(path)!r}") from None
    except OSError as failure:
        raise ProblemError("$", f"expected a file, got {str(path)!r}: {failure.strerror}") from None
    except ValueError:
        raise ProblemError("$", f"expected a path, got {str(path)!r}") from None
