"""Table of a lower bound."""

from __future__ import annotations

import math

from lyaopt.bounds import Bound
from lyaopt.model.system import System
from lyaopt_cli.tables.included import print_included
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity


def print_bound(bound: Bound, system: System) -> None:
    """Print the capacities that the bound uses, a line for each device, then the bound."""
    console = new_console()
    if not math.isfinite(bound.power_w):
        console.print("No policy is stable: the load exceeds the capacities at all partition points")
        return
    table = plain_table("device", numbers=("CPU", "rate", "CPU\npower", "transmit\npower"))
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
    for e, capacity in enumerate(system.links.capacity_hz.tolist()):
        name = "" if system.edges is None else f" ({system.links.edge_ids[e]})"
        used = f"{quantity(float(bound.edges_cpu_hz[e]), 'Hz')} of {quantity(capacity, 'Hz')}"
        console.print(f"Edge   {used}{name}", markup=False)
    console.print(f"Bound  {energy} per slot ({power}), relative gap {bound.relative_gap:.1e}")
    print_included(console, system)
