"""Tables of CPUs and their operating points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lyaopt.model.cpus import CpuTable
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

_ENERGY = "J/Gcycle"


def print_cpus(cpus: Sequence[CpuTable]) -> None:
    """Print a line for each CPU."""
    table = plain_table("name", numbers=("points", "GHz", "W", _ENERGY))
    table.add_column("licence")
    for cpu in cpus:
        table.add_row(
            name_text(cpu.name),
            str(len(cpu.points)),
            _span(point.hz / 1e9 for point in cpu.points),
            _span(point.power_w for point in cpu.points),
            _span(1e9 * point.joules_per_cycle for point in cpu.points),
            name_text(cpu.licence),
        )
    new_console().print(table)


def print_cpu(cpu: CpuTable) -> None:
    """Print a line for each operating point."""
    console = new_console()
    table = plain_table(numbers=("frequency", "power", _ENERGY))
    for point in cpu.points:
        energy = f"{1e9 * point.joules_per_cycle:.3g}"
        table.add_row(quantity(point.hz, "Hz"), quantity(point.power_w, "W"), energy)
    console.print(table)
    console.print(name_text(": ".join(filter(None, (cpu.name, cpu.description)))))
    console.print(name_text(f"{cpu.source} ({cpu.licence})"))


def _span(values: Iterable[float]) -> str:
    every = list(values)
    return f"{min(every):.3g}-{max(every):.3g}"
