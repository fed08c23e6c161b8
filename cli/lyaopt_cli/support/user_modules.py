"""Objects from modules of the user's, named as ``MODULE:NAME``, for options of commands."""

from __future__ import annotations

from typing import Any

from lyaopt.errors import ProblemError
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
    from lyaopt.io import user_modules

    try:
        return user_modules.load_object(name, "$")
    except ProblemError as error:
        raise InputError(f"{place}: {error.reason}") from None
