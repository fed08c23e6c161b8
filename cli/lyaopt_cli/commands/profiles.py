"""`lyaopt profiles`: the networks that ship with lyaopt."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import plot_option
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import write_whole

if TYPE_CHECKING:
    from lyaopt.model.profiles import Profile


@new_command("profiles", "List the shipped DNN profiles, or show one")
@click.argument("name", required=False, metavar="[NAME|FILE]")
@json_option("Print JSON: a line for each profile, or the document of the one.")
@plot_option("bits and MACs by cut")
def command(name: str | None, as_json: bool, plot: str | None) -> int:
    """List the shipped DNN profiles, or show the one called NAME (or in FILE) cut by cut.

    \b
    Examples:
      lyaopt profiles
      lyaopt profiles resnet18
      lyaopt profiles hand_landmark --json > hand.json
      lyaopt profiles mynet.json --plot mynet.png

    \b
    Exit status: 0 shown, 2 bad usage or input, 130 interrupted, 141 output
    closed.
    """
    if name is None and plot is not None:
        raise click.UsageError("--plot needs a NAME.", click.get_current_context())
    if name is None:
        _list(as_json)
    else:
        _show(name, as_json, plot)
    return 0


def _list(as_json: bool) -> None:
    from lyaopt.model.profiles import list_profiles, load_profile

    profiles = [load_profile(name) for name in list_profiles()]

    def print_text() -> None:
        from lyaopt_cli.tables.profiles import print_profiles

        print_profiles(profiles)

    print_output(as_json, lambda: map(_summary, profiles), print_text)


def _summary(profile: Profile) -> dict[str, object]:
    return {**asdict(profile), "cuts": len(profile.cuts)}


def _show(name: str, as_json: bool, plot: str | None) -> None:
    from lyaopt.model.profiles import load_profile

    with input_errors(name):
        profile = load_profile(name)
        if plot is not None:
            write_figure(profile, plot)
    show_profile(profile, as_json)


def write_figure(profile: Profile, path: str) -> None:
    """Draw a profile into a file."""
    from lyaopt.model.profiles.plot import draw_profile

    write_whole(Path(path), draw_profile(profile, path))


def show_profile(profile: Profile, as_json: bool) -> None:
    """Print a profile as a table, or as its document in one line."""

    def print_text() -> None:
        from lyaopt_cli.tables.profiles import print_profile

        print_profile(profile)

    print_output(as_json, lambda: [asdict(profile)], print_text)
