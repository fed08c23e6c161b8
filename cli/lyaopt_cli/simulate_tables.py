"""Readable tables of simulations, for terminals."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from lyaopt.simulate import Result
from lyaopt.system import System
from lyaopt_cli.tables import name_text, plain_table, quantity


def print_result(result: Result, system: System) -> None:
    """Print a run: a line a service, then the totals."""
    console = Console(highlight=False)
    console.print(_services(result, system))
    console.print()
    measured = result.slots - result.warmup
    span = quantity(measured * system.slot_duration_s, "s")
    copies = "" if result.systems == 1 else f" of {result.systems} systems"
    console.print(f"Policy   {result.policy}, {measured} slots ({span}){copies}, seed {result.seed}")
    local, transmit = quantity(result.mean_local_energy_j, "J"), quantity(result.mean_transmit_energy_j, "J")
    total = quantity(result.mean_energy_j, "J")
    console.print(f"Energy   {total} per slot: local {local}, transmission {transmit}")
    console.print(f"Latency  {_latency(result)}")
    console.print(f"Tasks    {result.born} born, {result.completed} completed, {result.queued} queued")
    limited, busy = result.limited_share, result.busy_share
    console.print(f"Limits   energy in {limited:.1%} of device-slots; something waited in {busy:.1%}")


def _latency(result: Result) -> str:
    if not result.latencies.count:
        return "-"
    values = (result.mean_latency_s, *result.latency_percentiles_s())
    named = zip(("mean", "p50", "p95", "p99"), values, strict=True)
    return ", ".join(f"{name} {quantity(value, 's')}" for name, value in named)


def _services(result: Result, system: System) -> Table:
    table = plain_table("device", "service", "network")
    for heading in ("cut", "local\nbacklog", "radio\nbacklog", "edge\nbacklog"):
        table.add_column(heading, justify="right")
    queues = result.queues.mean(axis=2)
    for s, service in enumerate(system.services):
        m = int(system.device_of_service[s])
        cuts = sorted(set(result.points[s].tolist()))
        table.add_row(
            name_text(system.device_ids[m]),
            name_text(system.service_ids[m][s - system.services_of(m)[0]]),
            name_text(service.profile.name),
            str(cuts[0]) if len(cuts) == 1 else f"{cuts[0]}..{cuts[-1]}",
            quantity(queues[0, s], "cycle"),
            quantity(queues[1, s], "bit"),
            quantity(queues[2, s], "cycle"),
        )
    return table
