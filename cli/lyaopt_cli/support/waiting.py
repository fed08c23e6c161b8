"""``--waiting-cost`` and ``--target-latency``: what waiting is worth to policies by prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.options import NUMBER, SECONDS

if TYPE_CHECKING:
    from lyaopt.arrays import Floats
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy, Result


@dataclass(frozen=True)
class Waiting:
    """What the user said of waiting.

    Attributes
    ----------
    cost : float or None
        theta, in J per second of a task's latency.
    latency_s : float or None
        Mean latency at which to search theta.
    """

    cost: float | None = None
    latency_s: float | None = None

    def options(self) -> dict[str, float]:
        """As options of `make_policy`."""
        named = {"waiting_cost_j_per_s": self.cost, "target_latency_s": self.latency_s}
        return {name: value for name, value in named.items() if value is not None}

    def check(self, policies: Iterable[str]) -> None:
        """Raise `click.UsageError` if both are given, or no policy searches a latency."""
        from lyaopt.policies import is_priced

        context = click.get_current_context()
        if self.cost is not None and self.latency_s is not None:
            raise click.UsageError("give either --waiting-cost or --target-latency.", context)
        if self.latency_s is not None and not any(map(is_priced, policies)):
            raise click.UsageError("--target-latency is for --policy price or value.", context)


NO_WAITING = Waiting()


def waiting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Both options."""
    cost = click.option(
        "--waiting-cost",
        type=NUMBER,
        metavar="THETA",
        help="Joules that a second of a task's latency is worth (default: the scenario's, or its reward).",
    )
    latency = click.option(
        "--target-latency",
        type=SECONDS,
        metavar="S",
        help="Search the waiting cost at which price or value has this mean latency.",
    )
    return cost(latency(command))


def cost_in_force(policy: Policy | None, system: System, waiting: Waiting) -> Floats | None:
    """theta of each service (S,) under which a run is judged; None if there is none."""
    import numpy as np

    own: Floats | None = getattr(policy, "waiting_cost_j_per_s", None)
    if own is None and waiting.cost is not None:
        own = np.full(len(system.services), waiting.cost)
    return system.waiting_costs_j_per_s if own is None else own


def waiting_document(result: Result, system: System, cost: Floats | None) -> dict[str, Any]:
    """What a result says of waiting, for JSON: nothing without a waiting cost."""
    if cost is None:
        return {}
    shown = float(cost[0]) if (cost == cost[0]).all() else cost.tolist()
    return {"waiting_cost_j_per_s": shown, "over_bound": over_bound(result, system, cost)}


def over_bound(result: Result, system: System, cost: Floats) -> float | None:
    """(energy + theta tau mean tasks) / LB3; None where there is no bound above 0."""
    from lyaopt.bounds import waiting_bound

    try:
        bound = waiting_bound(system, cost).bound_j
    except ProblemError:  # channels are slow, or devices move
        return None
    if not 0.0 < bound < math.inf:
        return None
    return (result.mean_energy_j + result.waiting_cost_j(cost)) / bound
