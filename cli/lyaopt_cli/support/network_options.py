"""Options of commands that read a network."""

from __future__ import annotations

import click


def _shapes(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> list[tuple[int, ...]] | dict[str, tuple[int, ...]]:
    # Names may hold any sign; sizes hold no "=".
    parts = [text.rpartition("=") for text in texts]
    shapes = [_sizes(sizes) for _, _, sizes in parts]
    names = [name for name, sign, _ in parts if sign]
    if not names:
        return shapes
    if len(names) < len(texts):
        raise click.BadParameter("give a name with every shape, or with none")
    if len(set(names)) < len(names) or "" in names:
        raise click.BadParameter(f"expected a different name with every shape, got {' '.join(texts)!r}")
    return dict(zip(names, shapes, strict=True))


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise click.BadParameter(f"expected sizes such as 1,3,224,224, got {text!r}")
    return sizes


input_shape_option = click.option(
    "--input-shape",
    "input_shapes",
    multiple=True,
    callback=_shapes,
    metavar="[NAME=]1,3,224,224",
    help="Shape of an input, batch first; once for each input, in order or with its name.",
)

selection_option = click.option(
    "--cuts",
    "selection",
    type=click.Choice(["single", "valleys", "all"]),
    default="single",
    show_default=True,
    help="Cuts to list: those that one tensor crosses; these and the cheapest that several cross; all.",
)
