"""Files of lyaopt that have the right form, and contents that lyaopt did not write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyaopt.errors import LyaoptError, ProblemError

_OF_CONTENTS = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
)
"""What code raises that is given values of other types, names, shapes and ranges than it wrote."""
_LONGEST_SHOWN = 200


@contextmanager
def damage_named(path: str | Path) -> Iterator[None]:
    """Inside the block, errors of contents become a `ProblemError` of one line that names the file.

    For files that lyaopt writes and reads back: their contents are used as they are, because a checksum holds
    for them. The checksum tells of accidents; whoever edits the file may write a new one.

    Parameters
    ----------
    path : str or Path
        The file or folder, for the message.

    Raises
    ------
    ProblemError
        From the error of the contents, which stays its cause. Errors of lyaopt pass unchanged.
    """
    try:
        yield
    except LyaoptError:
        raise
    except _OF_CONTENTS as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_SHOWN]
        raise ProblemError(
            "$", f"{path}: expected contents that lyaopt wrote, got damaged ones ({what})"
        ) from error
