"""Summary of a cut network."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

if TYPE_CHECKING:
    from lyaopt.model.cutting import Agreement, Halves, TorchHalves


def print_halves(halves: Halves | TorchHalves, agreement: Agreement | None, paths: Sequence[Path]) -> None:
    """Print the tensors that cross, the files, and how far they are from the whole network."""
    console = new_console()
    table = plain_table("crossing tensor", "type", "shape", numbers=("elements",))
    for tensor in halves.crossing_tensors:
        shape = "x".join(map(str, tensor.shape)) or "one number"
        table.add_row(name_text(tensor.name), tensor.type, shape, str(prod(tensor.shape)))
    console.print(table)
    cut = halves.cut
    size = quantity(cut.bits, "bit")
    click.echo(
        f"\nCut      {halves.number}, after {cut.after}: {quantity(cut.macs, 'MAC')} before it, {size} across"
    )
    for name, path, count in zip(("Head", "Tail"), paths, halves.operations, strict=True):
        click.echo(f"{name:<8} {path}, {count} operations")
    if agreement is not None:
        verdict = "equal" if agreement.holds else "NOT EQUAL"
        largest = f"largest difference {agreement.largest_difference:.2g} of the largest output"
        click.echo(f"Check    {'equal, bit for bit' if agreement.same_bits else f'{verdict}: {largest}'}")
        by_bits = f"{agreement.quantised_difference:.2g}, root mean square {agreement.quantised_rms:.2g}"
        click.echo(f"{agreement.bits} bits   largest difference {by_bits}")


def halves_document(
    halves: Halves | TorchHalves, agreement: Agreement | None, paths: Sequence[Path]
) -> dict[str, Any]:
    """The same for JSON."""
    from lyaopt.simulation.results import versions

    check = None
    if agreement is not None:
        names = ("largest_difference", "quantised_difference", "quantised_rms", "bits")
        values = {name: getattr(agreement, name) for name in names}
        finite = {name: value if value < float("inf") else None for name, value in values.items()}
        check = {"equal": agreement.holds, "same_bits": agreement.same_bits} | finite
    return {
        "cut": halves.number,
        "after": halves.cut.after,
        "macs": halves.cut.macs,
        "bits": halves.cut.bits,
        "crossing": [
            {"name": tensor.name, "type": tensor.type, "shape": list(tensor.shape)}
            for tensor in halves.crossing_tensors
        ],
        "head": str(paths[0]),
        "tail": str(paths[1]),
        "check": check,
        "versions": versions(),
    }
