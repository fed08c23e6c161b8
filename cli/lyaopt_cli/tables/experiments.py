"""Tables of sweeps, of reproductions and of the trade-off between energy and latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import number, rows
from lyaopt_cli.support.output import print_output
from lyaopt_cli.support.traces import lines_of
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity_or_dash

if TYPE_CHECKING:
    from lyaopt.experiments.sweeps import Outcome
    from lyaopt.experiments.tradeoff import Point

_HEADINGS = (
    "energy\nper slot",
    "local",
    "transmit",
    "mean\nlatency",
    "p95",
    "cost\n(34)",
    "depth\nof cuts",
    "runs",
)
_SEARCHED_ON = (
    "Trace    energy and latency, by which the front and the pick are chosen, are of its first {} slots"
)
_UNITS = {
    "energy_j": "J",
    "local_energy_j": "J",
    "transmit_energy_j": "J",
    "latency_s": "s",
    "latency_p95_s": "s",
}


def print_results(results: Results) -> None:
    """Print a line for each point and policy."""
    settings = list(results.points[0])
    table = plain_table(*settings, "policy", numbers=_HEADINGS)
    for point, values in enumerate(results.points):
        for policy in results.policies:
            if (policy, point) in results.runs:
                shown = [number(values[name]) for name in settings]
                table.add_row(*shown, name_text(policy), *_figures(results, policy, point))
    console = new_console()
    console.print(table)
    for line in () if results.trace is None else lines_of(results.trace):
        console.print(name_text(line), soft_wrap=True)
    console.print()


def _figures(results: Results, policy: str, point: int) -> list[str]:
    figures = []
    for measure, unit in _UNITS.items():
        value = results.estimate(policy, point, measure).value
        figures.append(quantity_or_dash(value, unit))
    plain = [number(results.estimate(policy, point, of).value) or "-" for of in ("cost", "cut_depth")]
    return [*figures, *plain, str(len(results.runs[policy, point]))]


def print_tradeoff(
    points: Sequence[Point], latency: str, target: float | None, trace: Mapping[str, Any] | None = None
) -> None:
    """Print a line for each policy and factor, then the weights picked for the target.

    On a trace also what each is in the part that is judged.
    """
    headings = (
        "factor",
        "U^l",
        "U^t",
        "theta,\nJ/s",
        "energy\nper slot",
        f"latency\n{latency}",
        "on the\nfront",
        *(() if trace is None else ("judged\nenergy", f"judged\n{latency}")),
    )
    table = plain_table("policy", numbers=headings)
    for point in points:
        table.add_row(
            name_text(point.policy),
            f"{point.factor:g}",
            *map(_weight, (point.energy_weight_local, point.energy_weight_transmit)),
            _weight(point.waiting_cost_j_per_s),
            quantity_or_dash(point.energy_j.value, "J"),
            quantity_or_dash(point.latency_s.value, "s"),
            "yes" if point.on_front else "",
            *_judged(point),
        )
    console = new_console()
    console.print(table)
    told = [] if trace is None else [_SEARCHED_ON.format(trace["searched_slots"]), *lines_of(trace)]
    if target is not None:
        told += _conclusion(points, target)
    if told:
        console.print()
    for line in told:
        console.print(line, soft_wrap=True)


def _judged(point: Point) -> list[str]:
    """Energy and latency in the part of a trace that is judged."""
    pairs = ((point.judged_energy_j, "J"), (point.judged_latency_s, "s"))
    return [quantity_or_dash(found.value, unit) for found, unit in pairs if found is not None]


def _conclusion(points: Sequence[Point], target: float) -> Iterator[str]:
    """The pick for a target, or the least latency, and whether the range of factors ends there."""
    from lyaopt.experiments.tradeoff import end_of_range, fastest, pick

    chosen = pick(points, target)
    told = chosen or fastest(points)
    if told is None:
        yield f"No weights reach {target:g} s: no task was completed"
        return
    if chosen is None:
        reached = quantity_or_dash(told.latency_s.value, "s")
        factor = f"{told.factor:g} {told.setting}"
        yield f"No weights reach {target:g} s; {told.policy} reaches {reached} with {factor}"
    else:
        energy = quantity_or_dash(told.energy_j.value, "J")
        yield f"Pick     {_weights(told)} with {told.policy}: {energy} per slot"
        judged = _judged(told)
        if judged:
            fate = "meets" if told.meets(target) else "misses"
            yield f"Judged   {judged[0]} per slot, latency {judged[1]}: {fate} {target:g} s"
    end = end_of_range(points, told)
    if end is not None:
        yield f"Note     {told.factor:g} {told.setting} is the {end} factor tried; better ones may lie beyond"


def _weight(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _weights(chosen: Point) -> str:
    """What to write into the scenario."""
    if chosen.setting == "U":
        return f"U^l = {_weight(chosen.energy_weight_local)}, U^t = {_weight(chosen.energy_weight_transmit)}"
    if chosen.waiting_cost_j_per_s is None:
        return f"{chosen.factor:g} times the waiting costs"
    return f"a waiting cost of {_weight(chosen.waiting_cost_j_per_s)} J/s"


def print_outcome(outcome: Outcome, results: Sequence[Results], out: str, as_json: bool) -> None:
    """Print the tables of all sweeps, or a line of JSON for each row."""
    documents = (row for sweep in results for row in rows(sweep))
    print_output(as_json, lambda: documents, lambda: _print_tables(outcome, results, out))


def _print_tables(outcome: Outcome, results: Sequence[Results], out: str) -> None:
    for sweep in results:
        print_results(sweep)
    failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
    new_console().print(
        name_text(f"{outcome.cells} cells, {outcome.computed} of them computed now{failed}; tables in {out}"),
        soft_wrap=True,
    )
