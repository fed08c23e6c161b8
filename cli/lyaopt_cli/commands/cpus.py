"""`lyaopt cpus`: the CPUs and radios that ship with lyaopt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output

if TYPE_CHECKING:
    from lyaopt.model.cpus import CpuTable


@new_command("cpus", "List the shipped CPUs and radios, or show one")
@click.argument("name", required=False, metavar="[NAME|FILE]")
@json_option("Print JSON: a line for each CPU and radio, or the document of the one.")
def command(name: str | None, as_json: bool) -> int:
    """List the shipped CPUs and radios, or show the one called NAME.

    A CPU is shown point by point, that called NAME or of FILE; a point is a
    frequency and the power that one core draws there at full load.

    \b
    Examples:
      lyaopt cpus
      lyaopt cpus rk3399_a72
      lyaopt cpus lte-2021
      lyaopt cpus rk3399_a72 --json > cpu.json

    \b
    Exit status: 0 shown, 2 bad usage or input, 130 interrupted, 141 output
    closed.
    """
    from lyaopt.model.radios import radio_names

    if name is None:
        _list(as_json)
    elif name in radio_names():
        _show_radio(name, as_json)
    else:
        _show(name, as_json)
    return 0


def _list(as_json: bool) -> None:
    from lyaopt.model.cpus import cpu_names, load_cpu
    from lyaopt.model.radios import load_radio, radio_names, radio_to_dict

    cpus = [load_cpu(name) for name in cpu_names()]
    radios = [load_radio(name) for name in radio_names()]

    def print_text() -> None:
        from lyaopt_cli.tables.cpus import print_cpus
        from lyaopt_cli.tables.radios import print_radios

        print_cpus(cpus)
        click.echo()
        print_radios(radios)

    print_output(as_json, lambda: [*map(_summary, cpus), *map(radio_to_dict, radios)], print_text)


def _summary(cpu: CpuTable) -> dict[str, Any]:
    from lyaopt.model.cpus import cpu_to_dict

    return {**cpu_to_dict(cpu), "points": len(cpu.points)}


def _show_radio(name: str, as_json: bool) -> None:
    from lyaopt.model.radios import load_radio, radio_to_dict

    radio = load_radio(name)

    def print_text() -> None:
        from lyaopt_cli.tables.radios import print_radio

        print_radio(radio)

    print_output(as_json, lambda: [radio_to_dict(radio)], print_text)


def _show(name: str, as_json: bool) -> None:
    from lyaopt.model.cpus import cpu_to_dict, load_cpu

    with input_errors(name):
        cpu = load_cpu(name)

    def print_text() -> None:
        from lyaopt_cli.tables.cpus import print_cpu

        print_cpu(cpu)

    print_output(as_json, lambda: [cpu_to_dict(cpu)], print_text)
