"""The `lyaopt` command: imports commands when they are used, and prints each error as one line on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import TextIO

import click

from lyaopt.errors import LyaoptError
from lyaopt_cli.support.input_files import visible
from lyaopt_cli.support.new_command import CONTEXT_SETTINGS
from lyaopt_cli.support.quick_exit import leave

BAD_INPUT = 2
INTERRUPTED = 130
CLOSED_PIPE = 141
CANNOT_WRITE = 1

_COMPLETION_VARIABLE = "_LYAOPT_COMPLETE"
_GROUPS = {
    "Solve": ("solve-slot", "serve", "check"),
    "Simulate": ("scenario", "simulate", "evaluate", "bound", "frontier", "tune", "trace", "run"),
    "Learn": ("train",),
    "Reproduce": ("sweep", "reproduce", "report", "benchmark"),
    "Tools": ("profiles", "profile", "cut", "cpus", "info", "schema"),
}
"""Commands by purpose, in the order of the help; each is a module of `lyaopt_cli.commands`."""
_NAMES = tuple(name for names in _GROUPS.values() for name in names)


class _LazyGroup(click.Group):
    """Imports the module of a command when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the help."""
        return list(_NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the name, and return its `command`."""
        if cmd_name not in _NAMES:
            return None
        module = import_module(f"lyaopt_cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write help of one screen: commands in groups, a line for each, and no section of options."""
        formatter.write(f"Usage: lyaopt COMMAND [ARGS]...  {self.help}\n")
        for title, names in _GROUPS.items():
            for place, name in enumerate(names):
                command = self.get_command(ctx, name)
                summary = command.short_help if command else ""
                formatter.write(f"{title if place == 0 else '':<9}  {name:<10}  {summary}\n")
        formatter.write(f"{self.epilog}\n")  # no empty line: the help fits on 24 lines


def _print_version(ctx: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        from lyaopt import __version__

        click.echo(f"lyaopt {__version__}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    no_args_is_help=False,  # without arguments there is an error of one line
    context_settings=CONTEXT_SETTINGS,
    epilog='Completion: eval "$(_LYAOPT_COMPLETE=bash_source lyaopt)"; examples: COMMAND -h',
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def group() -> None:
    """Exact solvers for Lyapunov-guided offloading."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status; errors are printed as one line each."""
    try:
        status = _invoke(arguments)
        sys.stdout.flush()
        return status
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else "lyaopt"
        message = error.format_message().rstrip(".")
        return _fail(f"{place}: {message} (see {place} --help)", BAD_INPUT)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _drop_output(INTERRUPTED)
    except BrokenPipeError:
        return _drop_output(CLOSED_PIPE)
    # ImportError: a bad LYAOPT_CORE, or an incomplete installation.
    except (LyaoptError, ImportError) as error:
        return _fail(f"lyaopt: {error}", BAD_INPUT)
    except MemoryError as error:
        return _fail(f"lyaopt: not enough memory: {error}".rstrip(": "), BAD_INPUT)
    except OSError as error:
        if error.filename:  # that an argument named; the errors of standard output name none
            return _fail(f"lyaopt: {error.filename}: {error.strerror or error}", BAD_INPUT)
        return _drop_output(_fail(f"lyaopt: {error.strerror or error}", CANNOT_WRITE))


def _invoke(arguments: Sequence[str]) -> int:
    if _COMPLETION_VARIABLE in os.environ:
        group.main(arguments, prog_name="lyaopt", complete_var=_COMPLETION_VARIABLE)
    # Not group.main, which turns interrupts and closed pipes into other exit statuses.
    try:
        with group.make_context("lyaopt", list(arguments)) as context:
            return group.invoke(context) or 0
    except click.exceptions.Exit as error:
        return error.exit_code


def _fail(message: str, status: int) -> int:
    try:
        print(visible(" ".join(message.split())), file=sys.stderr)
    except OSError:  # the exit status alone reports the error
        _drop(sys.stderr)
    return status


def _drop_output(status: int) -> int:
    _drop(sys.stdout)
    return status


def _drop(stream: TextIO) -> None:
    # Otherwise flushing the buffer at exit fails again, and changes the exit status.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """Entry point of the `lyaopt` script."""
    # Where a process starts with a closed standard stream, Python sets it to None.
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
        sys.exit(_fail("lyaopt: standard output is closed", CANNOT_WRITE) if sys.stderr else CANNOT_WRITE)
    for name, mode in (("stdin", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack characters of a table
    status = run(sys.argv[1:])
    if sys.argv[1:2] == ["solve-slot"]:
        leave(status)
    sys.exit(status)
