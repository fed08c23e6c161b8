"""`lyaopt profiles`: the networks that ship with lyaopt."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyaopt.errors import MissingExtraError, ProblemError
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.output_files import write_whole

if TYPE_CHECKING:
    from lyaopt.model.profiles import Profile


@click.command("profiles")
@click.argument("name", required=False, metavar="[NAME|FILE]")
@click.option("--json", "as_json", is_flag=True, help="Print documents, not a table.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw a figure, .png or .svg.")
def command(name: str | None, as_json: bool, plot: Path | None) -> int:
    """List the shipped DNN profiles, or show the one called NAME (or in FILE) cut by cut.

    Prints a table on a terminal; with --json, or into a file or pipe, JSON: one line that sums up each
    profile, or the document of the one.

    \b
    Examples:
      lyaopt profiles
      lyaopt profiles resnet18
      lyaopt profiles hand_landmark --json > hand.json
      lyaopt profiles mynet.json --plot mynet.png

    \b
    Exit status: 0 shown, 2 bad usage or input, 130 interrupted, 141 output closed.
    """
    if name is None and plot is not None:
        raise click.UsageError("--plot needs a NAME.", click.get_current_context())
    as_json = as_json or not sys.stdout.isatty()
    if name is None:
        _list(as_json)
    else:
        _show(name, as_json, plot)
    return 0


def _list(as_json: bool) -> None:
    from lyaopt.model.profiles import list_profiles, load_profile

    profiles = [load_profile(name) for name in list_profiles()]
    if as_json:
        for profile in profiles:
            sys.stdout.buffer.write(json.dumps(_summary(profile), ensure_ascii=False).encode() + b"\n")
        return
    from lyaopt_cli.tables.profiles import print_profiles

    print_profiles(profiles)


def _summary(profile: Profile) -> dict[str, object]:
    from dataclasses import asdict

    fields = asdict(profile)
    return {**fields, "cuts": len(profile.cuts)}


def _show(name: str, as_json: bool, plot: Path | None) -> None:
    from lyaopt.model.profiles import load_profile

    try:
        profile = load_profile(name)
        if plot is not None:
            write_figure(profile, plot)
    except ProblemError as error:
        line = getattr(error, "line", None)
        raise InputError(f"{name}: {error}" if line is None else f"{name}:{line}: {error}") from None
    except MissingExtraError as error:
        raise InputError(f"{name}: {error}") from None
    show_profile(profile, as_json)


def write_figure(profile: Profile, path: Path) -> None:
    """Draw a profile into a file."""
    from lyaopt.model.profiles.plot import draw_profile

    write_whole(path, draw_profile(profile, path))


def show_profile(profile: Profile, as_json: bool) -> None:
    """Print a profile as a document in one line, else as a table if there is a terminal to print it on."""
    if as_json:
        from lyaopt.model.profiles import format_profile

        sys.stdout.buffer.write(format_profile(profile, one_line=True).encode())
    elif sys.stdout.isatty():
        from lyaopt_cli.tables.profiles import print_profile

        print_profile(profile)
