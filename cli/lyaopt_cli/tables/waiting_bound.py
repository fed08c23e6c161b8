"""Text of the bounds that know delay."""

from __future__ import annotations

import math

from rich.console import Console

from lyaopt.bounds import LatencyBound, WaitingBound
from lyaopt.model.system import System
from lyaopt_cli.tables.included import print_included
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity


def print_waiting_bound(bound: WaitingBound, system: System, left_out: str | None = None) -> None:
    """Print the cheapest cut of each service alone, then the bound, and why LB4 was left out."""
    console = new_console()
    if not math.isfinite(bound.bound_j):
        console.print("No policy is stable: the load exceeds the capacities at all partition points")
        return
    table = plain_table("device", "service", "cut after", numbers=("waiting\ncost",))
    for s, (service, cut) in enumerate(zip(system.services, bound.cuts.tolist(), strict=True)):
        m = int(system.device_of_service[s])
        name = system.service_ids[m][s - system.services_of(m).start]
        cost = quantity(bound.waiting_cost_j_per_s[s], "J/s")
        point = f"{cut} {service.profile.cuts[cut].after}"
        table.add_row(*map(name_text, (system.device_ids[m], name, point)), cost)
    console.print(table)
    console.print()
    console.print(f"Edge   {bound.edge_price:.3g} J per cycle")
    console.print(f"Bound  {quantity(bound.bound_j, 'J')} of energy and waiting per slot ({bound.method})")
    print_included(console, system)
    _print_left_out(console, left_out)


def _print_left_out(console: Console, left_out: str | None) -> None:
    if left_out is not None:
        console.print(f"Note   {left_out}", markup=False)


def print_latency_bound(bound: LatencyBound, system: System, left_out: str | None = None) -> None:
    """Print the least energy at a latency, and why LB4 was left out."""
    console = new_console()
    latency = quantity(bound.latency_s, "s")
    if not math.isfinite(bound.bound_energy_j):
        console.print(f"No policy has a mean latency of {latency}")
        return
    energy = quantity(bound.bound_energy_j, "J")
    cost = bound.waiting_cost_j_per_s
    proof = f"{bound.method} at {quantity(cost, 'J/s')}" if cost > 0.0 else bound.method
    console.print(f"Bound  {energy} per slot at a mean latency of {latency} ({proof})")
    print_included(console, system)
    _print_left_out(console, left_out)
