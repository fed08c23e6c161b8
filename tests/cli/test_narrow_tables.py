"""Tables in a narrow terminal: names stay whole, over several lines if need be."""

from __future__ import annotations

import io

from rich.console import Console

from lyaopt_cli.tables.layout import name_text, plain_table


def test_names_that_do_not_fit_go_on_in_the_next_line():
    names = ["all-offload,camera@far-server", "all-offload,camera@near-server"]
    table = plain_table("policy", numbers=("energy", "latency"))
    for name in names:
        table.add_row(name_text(name), "60.8 µJ", "1.28 s")
    text = io.StringIO()
    Console(file=text, width=32, color_system=None).print(table)
    first_column = "".join(line.split(" ")[0] for line in text.getvalue().splitlines())
    assert "…" not in text.getvalue()
    for name in names:
        assert name in first_column
