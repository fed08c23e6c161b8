"""Summary of a cut network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

if TYPE_CHECKING:
    from lyaopt.model.cutting import Agreement, Halves


def print_halves(halves: Halves, agreement: Agreement | None, folder: Path) -> None:
    """Print the tensors that cross, the files, and how far they are from the whole network."""
    console = new_console()
    table = plain_table("crossing tensor", "type", "shape", numbers=("elements",))
    for name, kind, shape, elements in _crossing(halves):
        table.add_row(name_text(name), kind, "x".join(map(str, shape)), str(elements))
    console.print(table)
    cut = halves.cut
    size = quantity(cut.bits, "bit")
    click.echo(
        f"\nCut      {halves.number}, after {cut.after}: {quantity(cut.macs, 'MAC')} before it, {size} across"
    )
    for name in ("head", "tail"):
        count = len(getattr(halves, name).graph.node)
        click.echo(f"{name.capitalize():<8} {folder / name}.onnx, {count} operations")
    if agreement is not None:
        verdict = "equal" if agreement.holds else "NOT EQUAL"
        click.echo(
            f"Check    {verdict}: largest difference {agreement.largest_difference:.2g} of the largest output"
        )
        by_bits = f"{agreement.quantised_difference:.2g}, root mean square {agreement.quantised_rms:.2g}"
        click.echo(f"{agreement.bits} bits   largest difference {by_bits}")


def halves_document(halves: Halves, agreement: Agreement | None, folder: Path) -> dict[str, Any]:
    """The same for JSON."""
    from lyaopt.simulation.results import versions

    check = None
    if agreement is not None:
        names = ("largest_difference", "quantised_difference", "quantised_rms", "bits")
        values = {name: getattr(agreement, name) for name in names}
        finite = {name: value if value < float("inf") else None for name, value in values.items()}
        check = {"equal": agreement.holds} | finite
    return {
        "cut": halves.number,
        "after": halves.cut.after,
        "macs": halves.cut.macs,
        "bits": halves.cut.bits,
        "crossing": [
            {"name": name, "type": kind, "shape": list(shape)} for name, kind, shape, _ in _crossing(halves)
        ],
        "head": str(folder / "head.onnx"),
        "tail": str(folder / "tail.onnx"),
        "check": check,
        "versions": versions(),
    }


def _crossing(halves: Halves) -> list[tuple[str, str, tuple[int, ...], int]]:
    """Name, type, shape and elements of the tensors that cross."""
    from math import prod

    from onnx import helper

    rows = []
    for name in halves.crossing:
        shape = halves.shapes[name]
        kind = helper.tensor_dtype_to_np_dtype(halves.shapes.types[name].tensor_type.elem_type)
        rows.append((name, str(kind), shape, prod(shape)))
    return rows
