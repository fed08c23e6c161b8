"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def warmup_option(default: int) -> Callable[[Any], Any]:
    """``--warmup``."""
    return click.option(
        "--warmup",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        help="Slots before those, which are simulated but not measured.",
    )


seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Seed of arrivals, channels, random policies and searches.",
)
