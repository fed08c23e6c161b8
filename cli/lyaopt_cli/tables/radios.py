"""Tables of radios."""

from __future__ import annotations

from collections.abc import Sequence

from lyaopt.model.radios import RadioTable
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity


def print_radios(radios: Sequence[RadioTable]) -> None:
    """Print a line for each radio."""
    table = plain_table("name", numbers=("rate", "active", "W per\nMbit/s", "idle", "tail", "in it"))
    for found in radios:
        radio = found.radio
        table.add_row(
            name_text(found.name),
            quantity(radio.rate_bps, "bit/s"),
            quantity(radio.power_w, "W"),
            f"{radio.slope_w_per_mbps:.3g}",
            quantity(radio.idle_power_w, "W"),
            quantity(radio.tail_s, "s"),
            quantity(radio.tail_power_w, "W"),
        )
    new_console().print(table)


def print_radio(found: RadioTable) -> None:
    """Print the figures of one radio, and where they come from."""
    print_radios([found])
    console = new_console()
    console.print(name_text(": ".join(filter(None, (found.name, found.description)))))
    console.print(name_text(f"{found.source} ({found.licence})"))
