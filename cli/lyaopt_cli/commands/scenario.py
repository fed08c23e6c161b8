"""`lyaopt scenario`: shipped scenarios, and scenarios checked and written in full."""

from __future__ import annotations

import sys

import click

from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output


@new_command("scenario", "Print a shipped scenario, or check one in a file")
@click.argument("name", required=False, metavar="[NAME|FILE|-]")
@click.option("--list", "as_list", is_flag=True, help="Print the names of the shipped scenarios.")
@json_option("Print JSON, not TOML.")
def command(name: str | None, as_list: bool, as_json: bool) -> int:
    """Print the shipped scenario NAME, or check the one in FILE and print it in full.

    Prints TOML, which every command that takes a scenario reads: a shipped scenario with its
    comments, one from a file with all defaults filled in.

    \b
    Examples:
      lyaopt scenario --list
      lyaopt scenario default > s.toml
      lyaopt scenario s.toml --json

    \b
    Exit status: 0 printed, 2 bad usage or input, 130 interrupted, 141 output
    closed.
    """
    from lyaopt.model.scenarios import format_scenario, list_scenarios, scenario_text, scenario_to_dict

    if as_list == (name is not None):
        raise click.UsageError("Give either NAME or --list.", click.get_current_context())
    if name is None:
        click.echo("\n".join(list_scenarios()))
        return 0
    system = load_system(name)

    def print_text() -> None:
        text = scenario_text(name) if name in list_scenarios() else format_scenario(system)
        sys.stdout.buffer.write(text.encode())

    print_output(as_json, lambda: [scenario_to_dict(system)], print_text)
    return 0
