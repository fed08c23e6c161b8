"""Files that are named by a path or by what lyaopt ships."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from lyaopt.errors import ProblemError
from lyaopt.io.input_files import read_capped


def shipped_names(folder: Traversable, ending: str) -> tuple[str, ...]:
    """Return the names of the files with an ending in a folder, sorted and without the ending.

    Parameters
    ----------
    folder : Traversable
        Of a package.
    ending : str
        Such as ".json".
    """
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(ending) for name in names if name.endswith(ending)))


def load_shipped(name_or_path: str | Path, folder: Traversable, ending: str) -> bytes:
    """Read a shipped file by its name, or any file by its path.

    Parameters
    ----------
    name_or_path : str or Path
        One of `shipped_names`; any other string, and any Path, is a path.
    folder : Traversable
        As of `shipped_names`.
    ending : str
        As of `shipped_names`.

    Raises
    ------
    ProblemError
        If there is no such file.
    """
    names = shipped_names(folder, ending)
    if isinstance(name_or_path, str) and name_or_path in names:
        return (folder / f"{name_or_path}{ending}").read_bytes()
    return load_named_file(name_or_path, names)


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
        return read_capped(path)
    except FileNotFoundError:
        known = ", ".join(shipped)
        raise ProblemError("$", f"expected a file or one of {known}; got {str(path)!r}") from None
    except OSError as failure:
        raise ProblemError("$", f"expected a file, got {str(path)!r}: {failure.strerror}") from None
    except ValueError:
        raise ProblemError("$", f"expected a path, got {str(path)!r}") from None
