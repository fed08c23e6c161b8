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


method_option = click.option(
    "--method",
    type=click.Choice(["exact", "bisection"]),
    default="exact",
    show_default=True,
    help="Algorithm.",
)


class _Seconds(click.ParamType):
    """A time that is no less than nothing and comes to an end; `nan` and `inf` are none."""

    name = "seconds"
    longest = 1e6

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = float("nan")
        if not 0.0 < seconds <= self.longest:
            self.fail(
                f"expected seconds, more than 0 and at most {self.longest:g}, got {value!r}", param, ctx
            )
        return seconds


SECONDS = _Seconds()
