"""Tables of a solved slot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from rich.table import Table

from lyaopt.slot.inputs import WEIGHT_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.solution import SlotSolution
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

# More rows are not readable; the solution document has all of them.
_MOST_ROWS = 200
_SERVED = 1.0 - 1e-12


def local_limits(solution: SlotSolution) -> list[str]:
    """What limits the local CPU of each device: its backlog, its capacity, or the price of energy."""
    problem = solution.problem
    used = solution.local_cpu_hz.sum(axis=1)
    demand = problem.local_queue_cycles.sum(axis=1) / problem.slot_duration_s
    last = [points[-1][0] if points else np.inf for points in problem.cpu_points or ((),) * used.size]
    return _limits(used, demand, used >= np.minimum(problem.cpu_capacity_hz, last) * _SERVED)


def transmit_limits(solution: SlotSolution) -> list[str]:
    """What limits the transmission of each device: its backlog, its power, or the price of energy.

    Where devices share the spectrum and some is wanted, its price counts with that of energy.
    """
    problem = solution.problem
    used = solution.rate_bps.sum(axis=1)
    demand = problem.transmit_queue_bits.sum(axis=1) / problem.slot_duration_s
    at_capacity = (problem.channel_gain == 0.0) | (solution.power_w >= problem.max_power_w * _SERVED)
    for m, radio in enumerate(problem.radio or ()):
        if radio is not None:
            at_capacity[m] = used[m] >= radio[0] * _SERVED
    limits = _limits(used, demand, at_capacity)
    if solution.spectrum_price == 0.0:
        return limits
    measured = [radio is not None for radio in problem.radio or (None,) * used.size]
    return [
        "spectrum" if limit == "energy" and not known else limit
        for limit, known in zip(limits, measured, strict=True)
    ]


def edge_limit(solution: SlotSolution) -> str:
    """What limits the edge server: the backlogs or its capacity."""
    problem = solution.problem
    used = solution.edge_cpu_hz.sum(keepdims=True)
    demand = problem.edge_queue_cycles.sum(keepdims=True) / problem.slot_duration_s
    return _limits(used.ravel(), demand.ravel(), np.ones(1, dtype=bool))[0]


def _limits(used: Any, demand: Any, at_capacity: Any) -> list[str]:
    limits = np.select(
        [demand == 0.0, used >= demand * _SERVED, at_capacity], ["idle", "backlog", "capacity"], "energy"
    )
    return [str(limit) for limit in limits]


def print_solution(solution: SlotSolution, document: dict[str, Any]) -> None:
    """Print the tables of a `solution` and its `document`."""
    console = new_console()
    for table in (_devices(solution, document["devices"]), _services(document["devices"])):
        console.print(table)
        console.print()
    for line in _summary(solution, document):
        console.print(line, soft_wrap=True)


def _summary(solution: SlotSolution, document: dict[str, Any]) -> Iterator[str]:
    used = quantity(document["edge"]["cpu_hz"], "Hz")
    capacity = quantity(solution.problem.edge_capacity_hz, "Hz")
    yield f"Edge         {used} of {capacity}, limited by {edge_limit(solution)}"
    yield from _kinds(solution.problem)
    if "spectrum" in document:
        spectrum = document["spectrum"]
        shared = quantity(spectrum["bandwidth_hz"], "Hz")
        yield f"Spectrum     {shared} shared, {spectrum['price']:.6g} a hertz"
    value = solution.objective
    parts = f"local {value.local:.6g}, transmit {value.transmit:.6g}, edge {value.edge:.6g}"
    yield f"Objective    {value.total:.9g} ({parts})"
    gap, violation = solution.certificate.relative_gap, solution.certificate.max_violation
    yield f"Certificate  {solution.status}: relative gap {gap:.1e}, largest violation {violation:.1e}"
    if "check" in document:
        yield f"CVXPY        {_check(document['check'])}"


def _kinds(problem: SlotProblem) -> Iterator[str]:
    """What of the problem goes beyond the paper's."""
    given = [name for name in WEIGHT_FIELDS if getattr(problem, name) is not None]
    if given:
        yield f"Weights      {', '.join(given)}"
    for heading, entries in (("CPU tables", problem.cpu_points), ("Radios", problem.radio)):
        if entries is not None:
            count = sum(entry is not None for entry in entries)
            yield f"{heading:<13}{count} of {len(entries)} devices"


def _check(check: dict[str, Any]) -> str:
    if "error" in check:
        return str(check["error"])
    optimum, difference = check["objective"]["total"], check["relative_difference"]
    return f"{optimum:.9g} with {check['solver']}, relative difference {difference:.1e}"


def _devices(solution: SlotSolution, devices: list[dict[str, Any]]) -> Table:
    table = plain_table("device")
    headings = ["CPU", "limited\nby", "rate", "power", "limited\nby", "CPU\nenergy", "transmit\nenergy"]
    shared = solution.problem.spectrum == "shared"
    for heading in headings + ["band"] * shared:
        table.add_column(heading, justify="left" if heading.startswith("limited") else "right")
    limits = zip(devices, local_limits(solution), transmit_limits(solution), strict=True)
    for device, local, transmit in islice(limits, _MOST_ROWS):
        table.add_row(
            name_text(device["id"]),
            quantity(device["cpu_hz"], "Hz"),
            local,
            quantity(device["rate_bps"], "bit/s"),
            quantity(device["power_w"], "W"),
            transmit,
            quantity(device["local_energy_j"], "J"),
            quantity(device["transmit_energy_j"], "J"),
            *([quantity(device["bandwidth_hz"], "Hz")] if shared else ()),
        )
    _mention_the_rest(table, len(devices))
    return table


def _services(devices: list[dict[str, Any]]) -> Table:
    table = plain_table("device", "service", numbers=("local CPU", "rate", "edge CPU"))
    rows = [(device["id"], service) for device in devices for service in device["services"]]
    for device_id, service in rows[:_MOST_ROWS]:
        table.add_row(
            name_text(device_id),
            name_text(service["id"]),
            quantity(service["local_cpu_hz"], "Hz"),
            quantity(service["rate_bps"], "bit/s"),
            quantity(service["edge_cpu_hz"], "Hz"),
        )
    _mention_the_rest(table, len(rows))
    return table


def _mention_the_rest(table: Table, count: int) -> None:
    if count > _MOST_ROWS:
        table.caption = f"{count - _MOST_ROWS} more: see --json"
