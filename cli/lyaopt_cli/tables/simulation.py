"""Readable tables of simulations, for terminals."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from lyaopt.model.system import System
from lyaopt.simulation import Result
from lyaopt_cli.tables.solution import name_text, plain_table, quantity


def print_result(result: Result, system: System, bound: float | None) -> None:
    """Print a run: a line a service, then the totals."""
    console = Console(highlight=False)
    console.print(_services(result, system))
    console.print()
    console.print(f"Policy   {result.policy}, {_span(result, system)}")
    local, transmit = quantity(result.mean_local_energy_j, "J"), quantity(result.mean_transmit_energy_j, "J")
    total = quantity(result.mean_energy_j, "J")
    console.print(f"Energy   {total} per slot: local {local}, transmission {transmit}")
    _print_bound(console, bound)
    console.print(f"Latency  {_latency(result)}")
    console.print(f"Tasks    {result.born} born, {result.completed} completed, {result.queued} queued")
    limited, busy = result.limited_share, result.busy_share
    console.print(f"Limits   energy in {limited:.1%} of device-slots; something waited in {busy:.1%}")


def print_comparison(results: list[Result], system: System, bound: float | None) -> None:
    """Print a line for each policy."""
    console = Console(highlight=False)
    table = plain_table("policy")
    for heading in ("energy\nper slot", "local", "transmit", "mean\nlatency", "p99", "completed", "queued"):
        table.add_column(heading, justify="right")
    for result in results:
        none = not result.latencies.count
        table.add_row(
            name_text(result.policy),
            quantity(result.mean_energy_j, "J"),
            quantity(result.mean_local_energy_j, "J"),
            quantity(result.mean_transmit_energy_j, "J"),
            "-" if none else quantity(result.mean_latency_s, "s"),
            "-" if none else quantity(float(result.latency_percentiles_s((99.0,))[0]), "s"),
            str(result.completed),
            str(result.queued),
        )
    console.print(table)
    console.print()
    console.print(f"Runs     {_span(results[0], system)}, the same for all")
    _print_bound(console, bound)


def _print_bound(console: Console, bound: float | None) -> None:
    if bound == math.inf:
        console.print("Bound    no policy is stable")
    elif bound is not None:
        console.print(f"Bound    {quantity(bound, 'J')} per slot at least, for any policy with stable queues")


def _span(result: Result, system: System) -> str:
    measured = result.slots - result.warmup
    copies = "" if result.replications == 1 else f" of {result.replications} systems"
    return (
        f"{measured} slots ({quantity(measured * system.slot_duration_s, 's')}){copies}, seed {result.seed}"
    )


def _latency(result: Result) -> str:
    if not result.latencies.count:
        return "-"
    values = (result.mean_latency_s, *result.latency_percentiles_s())
    named = zip(("mean", "p50", "p95", "p99"), values, strict=True)
    return ", ".join(f"{name} {quantity(value, 's')}" for name, value in named)


def _services(result: Result, system: System) -> Table:
    table = plain_table("device", "service", "network")
    for heading in ("cut", "local\nbacklog", "transmit\nbacklog", "edge\nbacklog"):
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
