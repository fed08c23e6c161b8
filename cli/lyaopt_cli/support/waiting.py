"""``--waiting-cost`` and ``--target-latency``: what waiting is worth to policies by prices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import MissingExtraError
from lyaopt_cli.support.options import NUMBER, SECONDS

if TYPE_CHECKING:
    from lyaopt.arrays import Floats
    from lyaopt.evaluation import Estimate
    from lyaopt.model.system import System
    from lyaopt.simulation import Result, Trace
    from lyaopt_cli.support.tuning import Tuned


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


@dataclass(frozen=True)
class Judged:
    """A run, and how far it is above a bound that knows delay.

    Attributes
    ----------
    result : Result
        Of the run.
    cost : ndarray (S,) or None
        Waiting costs in force.
    tuned : Tuned or None
        What the policy is tuned to, on a trace; None where nothing is.
    over_bound : float or None
        With waiting costs: energy and waiting over LB3; None where there is no bound above 0.
    over_bound_at_latency : float or None
        Without: energy over the least energy at the mean latency; None where it was not asked for either.
    bound_j : float or None
        On a trace, where it was asked for: LB2 of the run, per slot.
    """

    result: Result
    cost: Floats | None
    tuned: Tuned | None = None
    over_bound: float | None = None
    over_bound_at_latency: float | None = None
    bound_j: float | None = None

    def document(self) -> dict[str, Any]:
        """The result for JSON, with what is known of bounds."""
        more: dict[str, Any] = {}
        if self.cost is not None:
            shown = float(self.cost[0]) if (self.cost == self.cost[0]).all() else self.cost.tolist()
            more = {"waiting_cost_j_per_s": shown, "over_bound": self.over_bound}
        elif self.over_bound_at_latency is not None:
            more = {"over_bound_at_latency": self.over_bound_at_latency}
        if self.bound_j is not None:
            more |= {"bound": "LB2", "bound_energy_j": self.bound_j}
        if self.tuned is not None:
            more |= {"tuned": self.tuned.document()}
        return self.result.to_dict() | more


def judge_on_trace(runs: list[Judged], system: System, trace: Trace, *, with_bound: bool) -> list[Judged]:
    """Set runs on a trace beside LB2, by request; LB1 and LB3 are of the scenario's law, not of the trace."""
    if not with_bound:
        return runs
    from lyaopt.evaluation.trace_bound import trace_bound_j

    return [replace(run, bound_j=trace_bound_j(system, run.result, trace)) for run in runs]


def judge(runs: list[Judged], system: System, *, by_latency: bool) -> list[Judged]:
    """Set runs beside LB3, at their waiting costs, or by request at their latencies; not without SciPy."""
    try:
        return _beside_bounds(runs, system, by_latency)
    except MissingExtraError:
        return runs


def _beside_bounds(runs: list[Judged], system: System, by_latency: bool) -> list[Judged]:
    if not by_latency and all(run.cost is None for run in runs):
        return runs  # saves the imports
    from lyaopt.evaluation.over_bound import beside_bounds

    results, costs = [run.result for run in runs], [run.cost for run in runs]
    found = beside_bounds(system, results, costs, at_latency=by_latency)
    return [
        replace(run, over_bound=_value(over), over_bound_at_latency=_value(at))
        for run, (over, at) in zip(runs, found, strict=True)
    ]


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value
