"""Objects from modules of the user's, named as ``MODULE:NAME``."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.io.input_files import read_capped


def load_object(name: str, path: str) -> Any:
    """Import an object by ``MODULE:NAME``; modules in the current folder are found, as by ``python -m``.

    Parameters
    ----------
    name : str
        Module and name; names within a class are joined by dots.
    path : str
        Path of errors.

    Raises
    ------
    ProblemError
        If there is no such module or name.
    """
    module, colon, inner = name.partition(":")
    if not (colon and module and inner):
        raise ProblemError(path, f"expected MODULE:NAME, got {name!r}")
    value = _imported(module, path)
    for part in inner.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise ProblemError(path, f"module {module} has no {inner}") from None
    return value


def source_digest(name: str) -> str | None:
    """SHA-256 of the file of a module, which is imported; None if it has no file.

    Parameters
    ----------
    name : str
        ``MODULE:NAME``.
    """
    module = sys.modules.get(name.partition(":")[0])
    file = getattr(module, "__file__", None)
    return None if file is None else hashlib.sha256(read_capped(file)).hexdigest()


def _imported(module: str, path: str) -> Any:
    with suppress(FileNotFoundError):  # the folder of a worker that serves a second sweep may be gone
        here = os.getcwd()
        if here not in sys.path:
            sys.path.insert(0, here)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise ProblemError(path, f"no module named {error.name}") from None
        raise ProblemError(path, f"{module} imports {error.name}, not found") from None
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        raise ProblemError(path, f"cannot import {module}: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """What an error of the user's code says, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
