"""Common settings of all commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class _Command(click.Command):
    """A command that refuses empty texts: an empty path would be the folder in which it runs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, then look for empty texts in what was given."""
        rest = super().parse_args(ctx, args)
        for parameter in self.get_params(ctx):
            value = ctx.params.get(parameter.name or "")
            if value == "" or (isinstance(value, tuple) and "" in value):
                raise click.BadParameter("expected a text that is not empty, got ''", ctx, parameter)
        return rest


def new_group(name: str, summary: str) -> Callable[[Callable[..., Any]], click.Group]:
    """Return a decorator that makes a command with commands of its own.

    Parameters
    ----------
    name, summary : str
        As of `new_command`.
    """
    settings = CONTEXT_SETTINGS
    return click.group(name, no_args_is_help=False, short_help=summary, context_settings=settings)


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
    return click.command(name, cls=_Command, short_help=summary, context_settings=CONTEXT_SETTINGS)
