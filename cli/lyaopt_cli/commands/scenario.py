"""`lyaopt scenario`: scenarios to start from, and scenarios checked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from lyaopt_cli.support.input_files import InputError, read_whole, shown_name

if TYPE_CHECKING:
    from lyaopt.model.system import System


@click.command("scenario")
@click.argument("name", required=False, metavar="[NAME|FILE|-]")
@click.option("--list", "as_list", is_flag=True, help="Print the names of the shipped scenarios.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not TOML.")
def command(name: str | None, as_list: bool, as_json: bool) -> int:
    """Print the shipped scenario NAME, or check the one in FILE and print it in full.

    Prints TOML, which every command that takes a scenario reads: a shipped scenario with the
    comments of its file, another one with every default filled in.

    \b
    Examples:
      lyaopt scenario --list
      lyaopt scenario default > s.toml
      lyaopt scenario s.toml --json

    \b
    Exit status: 0 printed, 2 bad usage or input, 130 interrupted, 141 output closed.
    """
    from lyaopt.model.scenarios import format_scenario, list_scenarios, scenario_text, scenario_to_dict

    if as_list == (name is not None):
        raise click.UsageError("Give either NAME or --list.", click.get_current_context())
    if name is None:
        click.echo("\n".join(list_scenarios()))
        return 0
    system = load_system(name)
    if as_json:
        from lyaopt.io.json_lines import encode

        sys.stdout.buffer.write(encode(scenario_to_dict(system)) + b"\n")
    else:
        text = scenario_text(name) if name in list_scenarios() else format_scenario(system)
        sys.stdout.buffer.write(text.encode())
    return 0


def load_system(name: str) -> System:
    """The system of a shipped scenario or of a scenario file (- for standard input)."""
    from lyaopt.errors import ProblemError
    from lyaopt.model.scenarios import load_scenario, parse_scenario

    try:
        if name == "-":
            return parse_scenario(read_whole(name))
        return load_scenario(name)
    except ProblemError as error:
        line = getattr(error, "line", None)
        place = shown_name(name) if line is None else f"{shown_name(name)}:{line}"
        raise InputError(f"{place}: {error}") from None
