"""`lyaopt bound`: a lower bound on the energy of every stable policy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output

if TYPE_CHECKING:
    from lyaopt.bounds import Bound
    from lyaopt.model.system import System


@new_command("bound", "Print a lower bound on the energy of stable policies")
@click.argument("scenario", metavar="SCENARIO|-")
@json_option("Print JSON.")
def command(scenario: str, as_json: bool) -> int:
    """Print a lower bound on the long-run energy of every policy that keeps the queues of SCENARIO stable.

    SCENARIO is a shipped scenario by name, or a file (TOML or JSON).

    \b
    Examples:
      lyaopt bound default
      lyaopt bound s.toml --json

    \b
    Exit status: 0 printed, 1 no policy is stable, 2 bad usage or input, 130
    interrupted, 141 output closed.
    """
    from lyaopt.bounds import energy_bound

    system = load_system(scenario)
    with input_errors(scenario):
        bound = energy_bound(system)

    def print_text() -> None:
        from lyaopt_cli.tables.bound import print_bound

        print_bound(bound, system)

    print_output(as_json, lambda: [_document(system, bound)], print_text)
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
                {"id": service, "cut_share": bound.cut_share[s, : system.cut_counts[s]].tolist()}
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
