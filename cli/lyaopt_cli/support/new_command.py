"""Common settings of all commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


def new_command(name: str, summary: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Return a decorator that makes a command of a function.

    Parameters
    ----------
    name : str
        Name on the command line.
    summary : str
        Line of ``lyaopt --help``, of at most 57 characters.
    """
    # Each command has the settings itself: click keeps the help option that it made for the first context,
    # and a command that is invoked outside the group does not inherit them.
    return click.command(name, short_help=summary, context_settings=CONTEXT_SETTINGS)
