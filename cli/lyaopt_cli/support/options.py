"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

LARGEST_SEED = 2**64 - 1


class _Seconds(click.ParamType):
    """A duration: a number of seconds above 0, at most `largest`."""

    name = "seconds"
    largest = 1e6

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the number; NaN and infinity are refused."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = float("nan")
        if not 0.0 < seconds <= self.largest:
            self.fail(
                f"expected seconds, more than 0 and at most {self.largest:g}, got {value!r}", param, ctx
            )
        return seconds


SECONDS = _Seconds()


class _Number(click.ParamType):
    """A finite number of at least 0, or above 0."""

    name = "number"

    def __init__(self, *, positive: bool) -> None:
        self._positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the number; NaN and infinity are refused."""
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not 0.0 <= number < float("inf") or (self._positive and number == 0.0):
            sign = ">" if self._positive else ">="
            self.fail(f"expected a finite number {sign} 0, got {value!r}", param, ctx)
        return number


NUMBER = _Number(positive=False)
POSITIVE = _Number(positive=True)


class _Costs(click.ParamType):
    """Finite numbers above 0, different from each other, separated by commas."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the list into a tuple of float."""
        if isinstance(value, tuple):
            return value
        try:
            costs = tuple(map(float, value.split(",")))
        except ValueError:
            costs = ()
        wrong = not costs or not all(0.0 < cost < float("inf") for cost in costs)
        if wrong or len(set(costs)) < len(costs):
            self.fail(f"expected different numbers > 0, as in 0.01,0.1, got {value!r}", param, ctx)
        return costs


COSTS = _Costs()

seed_option = click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
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


def warmup_option(default: int) -> Callable[[Any], Any]:
    """``--warmup``."""
    return click.option(
        "--warmup",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        help="Slots simulated before the measured ones.",
    )


def replications_option(default: int | None, otherwise: str = "") -> Callable[[Any], Any]:
    """``--replications``, with the help text of a default that is not fixed."""
    return click.option(
        "--replications",
        type=click.IntRange(min=1),
        default=default,
        show_default=default is not None,
        help=f"Independent replications of the run, simulated together{otherwise}.",
    )


workers_option = click.option(
    "--workers",
    type=click.IntRange(min=-1),
    default=1,
    show_default=True,
    help="Threads that share replications, in searches too; -1 for all cores. Results are the same.",
)


def plot_option(what: str) -> Callable[[Any], Any]:
    """``--plot``, with the content of the figure."""
    return click.option("--plot", metavar="FILE", help=f"Draw {what} into FILE (.png or .svg).")


results_option = click.option(
    "--out", required=True, metavar="DIR", help="Folder of the results; finished cells in it are kept."
)
