"""`lyaopt bound`: the least energy that any stable policy needs."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.input_files import InputError

if TYPE_CHECKING:
    from lyaopt.bounds import Bound
    from lyaopt.model.system import System


@click.command("bound")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
def command(scenario: str, as_json: bool) -> int:
    """Print a lower bound on the long-run energy of every policy that keeps the queues of SCENARIO stable.

    SCENARIO is the name of a shipped scenario or a file (TOML or JSON).

    \b
    Examples:
      lyaopt bound default
      lyaopt bound s.toml --json

    \b
    Exit status: 0 printed, 1 no policy is stable, 2 bad usage or input, 130
    interrupted, 141 output closed.
    """
    from lyaopt.bounds import energy_bound
    from lyaopt.errors import MissingExtraError, ProblemError

    system = load_system(scenario)
    try:
        bound = energy_bound(system)
    except ProblemError as error:
        raise InputError(f"{scenario}: {error}") from None
    except MissingExtraError as error:
        raise InputError(f"lyaopt bound: {error}") from None
    if as_json or not sys.stdout.isatty():
        from lyaopt.io.json_lines import encode

        sys.stdout.buffer.write(encode(_document(system, bound)) + b"\n")
    else:
        _print_table(system, bound)
    return 0 if math.isfinite(bound.power_w) else 1


def _document(system: System, bound: Bound) -> dict[str, Any]:
    if not math.isfinite(bound.power_w):
        return {"status": "unstable", "mean_power_w": None, "mean_energy_j": None}
    devices = [
        {
            "id": name,
            "local_power_w": bound.local_power_w[m],
            "transmit_power_w": bound.transmit_power_w[m],
            "cpu_hz": bound.local_cpu_hz[m],
            "rate_bps": bound.rate_bps[m],
            "local_multiplier": bound.local_multiplier[m],
            "transmit_multiplier": bound.transmit_multiplier[m],
            "services": [
                {"id": service, "cut_share": bound.cut_share[s, : system.cuts[s]].tolist()}
                for s, service in zip(system.services_of(m), system.service_ids[m], strict=True)
            ],
        }
        for m, name in enumerate(system.device_ids)
    ]
    return {
        "status": "optimal",
        "mean_power_w": bound.power_w,
        "mean_energy_j": bound.energy_j,
        "relative_gap": bound.relative_gap,
        "edge": {"cpu_hz": bound.edge_cpu_hz, "multiplier": bound.edge_multiplier},
        "devices": devices,
    }


def _print_table(system: System, bound: Bound) -> None:
    from rich.console import Console

    from lyaopt_cli.tables.solution import name_text, plain_table, quantity

    console = Console(highlight=False)
    if not math.isfinite(bound.power_w):
        console.print("No policy is stable: the load exceeds the capacities at any cuts")
        return
    table = plain_table("device")
    for heading in ("CPU", "rate", "CPU\npower", "transmit\npower"):
        table.add_column(heading, justify="right")
    for m, name in enumerate(system.device_ids):
        table.add_row(
            name_text(name),
            quantity(bound.local_cpu_hz[m], "Hz"),
            quantity(bound.rate_bps[m], "bit/s"),
            quantity(bound.local_power_w[m], "W"),
            quantity(bound.transmit_power_w[m], "W"),
        )
    console.print(table)
    console.print()
    energy, power = quantity(bound.energy_j, "J"), quantity(bound.power_w, "W")
    console.print(f"Edge   {quantity(bound.edge_cpu_hz, 'Hz')} of {quantity(system.edge_capacity_hz, 'Hz')}")
    console.print(f"Bound  {energy} per slot ({power}), relative gap {bound.relative_gap:.1e}")
