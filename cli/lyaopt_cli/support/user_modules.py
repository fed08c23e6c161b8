"""Objects from modules of the user's, named as ``MODULE:NAME``."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from lyaopt_cli.support.input_files import InputError


def load_object(name: str, place: str) -> Any:
    """Import an object by ``MODULE:NAME``; modules in the current folder are found, as by ``python -m``.

    Parameters
    ----------
    name : str
        Module and name; names within a class are joined by dots.
    place : str
        Start of messages: command and option.

    Raises
    ------
    InputError
        If there is no such module or name.
    """
    module, colon, path = name.partition(":")
    if not (colon and module and path):
        raise InputError(f"{place}: expected MODULE:NAME, got {name!r}")
    value = _imported(module, place)
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise InputError(f"{place}: module {module} has no {path}") from None
    return value


def _imported(module: str, place: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise InputError(f"{place}: no module named {error.name}") from None
        raise InputError(f"{place}: {module} imports {error.name}, not found") from None
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        raise InputError(f"{place}: cannot import {module}: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """What an error of the user's code says, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
