"""Tables of simulations: one run, or several policies."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from lyaopt.model.system import System
from lyaopt.simulation import Result
from lyaopt_cli.support.input_files import visible
from lyaopt_cli.support.waiting import Judged
from lyaopt_cli.tables.included import print_included
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity, quantity_or_dash

_ENERGIES, _OTHERS = (
    ("energy\nper slot", "local", "transmit"),
    ("mean\nlatency", "p99", "completed", "queued"),
)


def print_result(result: Result, system: System, bound: float | None) -> None:
    """Print one run: a line for each service, then the totals."""
    console = new_console()
    console.print(_services(result, system))
    console.print()
    console.print(f"Policy   {result.policy}, {_span(result, system)}")
    _print_rule(console, result)
    console.print(f"Energy   {_energy(result)}")
    _print_bound(console, bound, system)
    console.print(f"Latency  {_latency(result)}")
    _print_edges(console, result)
    console.print(f"Tasks    {result.born} born, {result.completed} completed, {result.queued} queued")
    limited, busy = result.limited_share, result.busy_share
    console.print(f"Limits   energy in {limited:.1%} of device-slots; backlog in {busy:.1%}")


def print_comparison(results: list[Result], system: System, bound: float | None) -> None:
    """Print a line for each policy."""
    console = new_console()
    booked = any(result.mean_tail_energy_j + result.mean_idle_energy_j > 0.0 for result in results)
    table = plain_table("policy", numbers=(*_ENERGIES, *(("tails", "idle") if booked else ()), *_OTHERS))
    for result in results:
        mean, p99 = math.nan, math.nan
        if result.latencies.count:
            mean, p99 = result.mean_latency_s, float(result.latency_percentiles_s((99.0,))[0])
        table.add_row(
            name_text(result.policy),
            quantity(result.mean_energy_j, "J"),
            quantity(result.mean_local_energy_j, "J"),
            quantity(result.mean_transmit_energy_j, "J"),
            *(quantity(energy, "J") for energy in _booked(result) if booked),
            quantity_or_dash(mean, "s"),
            quantity_or_dash(p99, "s"),
            str(result.completed),
            str(result.queued),
        )
    console.print(table)
    console.print()
    console.print(f"Runs     {_span(results[0], system)}, the same for all")
    _print_rule(console, results[0])
    _print_bound(console, bound, system)


def print_ratios(runs: list[Judged]) -> None:
    """Print what waiting costs in each run that has a waiting cost, and how far each is above its bound."""
    console = new_console()
    for run in runs:
        result, cost = run.result, run.cost
        name = f" ({result.policy})" if len(runs) > 1 else ""
        if cost is not None:
            each = quantity(float(cost[0]), "J/s") if (cost == cost[0]).all() else "own costs"
            total = quantity(result.mean_energy_j + result.waiting_cost_j(cost), "J")
            bound = "" if run.over_bound is None else f", {run.over_bound:.3f} x LB3"
            console.print(f"Waiting  {each} a task, {total} per slot with energy{bound}{name}", markup=False)
        elif run.over_bound_at_latency is not None:
            ratio = f"{run.over_bound_at_latency:.3g} x the least energy at this mean latency"
            console.print(f"Ratio    {ratio}{name}", markup=False)
        if run.tuned is not None:
            console.print(f"Tuned    {run.tuned.words()}{name}", markup=False, soft_wrap=True)
        if run.bound_j is not None:
            least = f"{quantity(run.bound_j, 'J')} per slot at least, for the work done on this trace (LB2)"
            console.print(f"Bound    {least}{name}", markup=False)


def _print_edges(console: Console, result: Result) -> None:
    """Print a line for each edge server, where there are several."""
    for edge in [] if result.edges is None else result.edges.to_dict():
        of = f"{edge['load']:.1%} of {quantity(edge['capacity_hz'], 'Hz')}"
        backlog = quantity(edge["mean_queue_cycles"], "cycle")
        attached = edge["attached_devices"]
        devices = f"{attached:g} {'device' if attached == 1.0 else 'devices'} at the end"
        console.print(f"Edge     {visible(edge['id'])}: {of}, backlog {backlog}, {devices}", markup=False)


def _booked(result: Result) -> tuple[float, float]:
    return result.mean_tail_energy_j, result.mean_idle_energy_j


def _energy(result: Result) -> str:
    kinds = {"local": result.mean_local_energy_j, "transmit": result.mean_transmit_energy_j}
    more = dict(zip(("tails", "idle"), _booked(result), strict=True))
    shown = kinds | {name: energy for name, energy in more.items() if energy > 0.0}
    parts = ", ".join(f"{name} {quantity(energy, 'J')}" for name, energy in shown.items())
    return f"{quantity(result.mean_energy_j, 'J')} per slot: {parts}"


def _print_rule(console: Console, result: Result) -> None:
    if result.rule is not None:
        console.print(f"Rule     {result.rule}", markup=False)


def _print_bound(console: Console, bound: float | None, system: System) -> None:
    if bound == math.inf:
        console.print("Bound    no policy is stable")
    elif bound is not None:
        console.print(
            f"Bound    {quantity(bound, 'J')} per slot at least, for any policy with stable queues (LB1)"
        )
    if bound is not None:
        print_included(console, system)


def _span(result: Result, system: System) -> str:
    measured = result.slots - result.warmup
    many = "" if result.replications == 1 else f", {result.replications} replications"
    duration = quantity(measured * system.slot_duration_s, "s")
    return f"{measured} slots ({duration}){many}, seed {result.seed}"


def _latency(result: Result) -> str:
    if not result.latencies.count:
        return "-"
    values = (result.mean_latency_s, *result.latency_percentiles_s())
    named = zip(("mean", "p50", "p95", "p99"), values, strict=True)
    return ", ".join(f"{name} {quantity(value, 's')}" for name, value in named)


def _services(result: Result, system: System) -> Table:
    backlogs = ("local\nbacklog", "transmit\nbacklog", "edge\nbacklog")
    table = plain_table("device", "service", "network", numbers=("\npoint", *backlogs))
    queues = result.queues.mean(axis=2)
    for s, service in enumerate(system.services):
        m = int(system.device_of_service[s])
        points = sorted(set(result.points[s].tolist()))
        table.add_row(
            name_text(system.device_ids[m]),
            name_text(system.service_ids[m][s - system.services_of(m)[0]]),
            name_text(service.profile.name),
            str(points[0]) if len(points) == 1 else f"{points[0]}..{points[-1]}",
            quantity(queues[0, s], "cycle"),
            quantity(queues[1, s], "bit"),
            quantity(queues[2, s], "cycle"),
        )
    return table
