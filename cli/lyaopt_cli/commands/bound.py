"""`lyaopt bound`: lower bounds on the energy of every stable policy, and on energy and waiting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import NUMBER, SECONDS
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.bounds import Bound, WaitingBound
    from lyaopt.model.system import System


@new_command("bound", "Print a lower bound on energy, or on energy and waiting")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--waiting-cost",
    type=NUMBER,
    metavar="THETA",
    help="Bound energy and waiting together, where a second of a task's latency is worth THETA joules.",
)
@click.option("--latency", type=SECONDS, metavar="S", help="Bound the energy at a mean latency of S seconds.")
@click.option(
    "--method",
    type=click.Choice(["lb1", "lb3", "lb4"]),
    help="Bound without waiting, with it, or with queueing too (default: the larger of lb3 and lb4, or lb1"
    " where waiting has no cost).",
)
@json_option("Print JSON.")
def command(
    scenario: str, waiting_cost: float | None, latency: float | None, method: str | None, as_json: bool
) -> int:
    """Print a lower bound for every policy that keeps the queues of SCENARIO stable.

    SCENARIO is a shipped scenario by name, or a file (TOML or JSON).

    Without a waiting cost it is LB1, on the long-run energy. With one, given or in the scenario, it is the
    larger of LB3 and LB4, on the energy of a slot and the waiting cost of all tasks in it; LB4 knows that
    tasks queue, and takes up to a minute, under shadowing some. With a latency it is the least energy of
    policies with this mean latency.

    \b
    Examples:
      lyaopt bound default
      lyaopt bound s.toml --json
      lyaopt bound balanced --waiting-cost 0.01
      lyaopt bound balanced --waiting-cost 0.01 --method lb3
      lyaopt bound balanced --latency 0.375 --json

    \b
    Exit status: 0 printed, 1 no policy is stable or that fast, 2 bad usage or
    input, 130 interrupted, 141 output closed.
    """
    if latency is not None and (waiting_cost is not None or method in ("lb1", "lb4")):
        raise click.UsageError("--latency has no waiting cost, and takes --method lb3 alone")
    if method == "lb1" and waiting_cost is not None:
        raise click.UsageError("LB1 has no waiting cost")
    system = load_system(scenario)
    with input_errors(scenario):
        if latency is not None:
            return _at_latency(system, latency, method, as_json)
        waits = waiting_cost is not None or system.waiting_costs_j_per_s is not None
        if method in ("lb3", "lb4") or (waits and method is None):
            return _with_waiting(system, waiting_cost, method, as_json)
        return _energy(system, as_json)


def _energy(system: System, as_json: bool) -> int:
    from lyaopt.bounds import energy_bound

    bound = energy_bound(system)

    def print_text() -> None:
        from lyaopt_cli.tables.bound import print_bound

        print_bound(bound, system)

    print_output(as_json, lambda: [_document(system, bound)], print_text)
    return 0 if math.isfinite(bound.power_w) else 1


def _with_waiting(system: System, waiting_cost: float | None, method: str | None, as_json: bool) -> int:
    from lyaopt.bounds import best_waiting_bound, waiting_bound
    from lyaopt.bounds.best_waiting import with_queueing

    if method is None:
        with _progress() as progress:
            bound = best_waiting_bound(system, waiting_cost, progress=progress)
    else:
        bound = waiting_bound(system, waiting_cost)
        if method == "lb4" and math.isfinite(bound.bound_j):
            with _progress() as progress:
                bound = with_queueing(bound, system, progress)

    left_out = _left_out(system) if method is None else None

    def print_text() -> None:
        from lyaopt_cli.tables.waiting_bound import print_waiting_bound

        print_waiting_bound(bound, system, left_out)

    print_output(as_json, lambda: [_waiting_document(system, bound) | _note(left_out)], print_text)
    return 0 if math.isfinite(bound.bound_j) else 1


def _waiting_document(system: System, bound: WaitingBound) -> dict[str, Any]:
    theta = bound.waiting_cost_j_per_s.tolist()
    stable = math.isfinite(bound.bound_j)
    return {
        "status": "optimal" if stable else "unstable",
        "waiting_cost_j_per_s": theta[0] if len(set(theta)) == 1 else theta,
        "bound_j": bound.bound_j if stable else None,
        "edge_price": bound.edge_price if stable else None,
        "cuts": bound.cuts.tolist() if stable else None,
        "form": bound.form,
        "method": bound.method,
        "idle_energy_j": system.idle_energy_j,
    }


def _left_out(system: System) -> str | None:
    """Why LB4 was not tried: it does not hold for all laws of arrivals and sizes."""
    from lyaopt.bounds.assumptions import why_not_lb4

    return why_not_lb4(system)


def _note(left_out: str | None) -> dict[str, Any]:
    return {} if left_out is None else {"lb4_left_out": left_out}


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show the progress of LB4, in percent as its number of steps may grow."""
    with progress_bar("LB4", 100) as show:
        yield lambda done, total: show(100 * done // max(total, 1))


def _at_latency(system: System, latency: float, method: str | None, as_json: bool) -> int:
    from lyaopt.bounds import best_energy_at_latency, energy_at_latency

    if method == "lb3":
        bound = energy_at_latency(system, latency)
    else:
        with _progress() as progress:
            bound = best_energy_at_latency(system, latency, progress=progress)
    reachable = math.isfinite(bound.bound_energy_j)
    left_out = _left_out(system) if method is None else None

    def document() -> dict[str, Any]:
        return {
            "status": "optimal" if reachable else "unreachable",
            "latency_s": latency,
            "bound_energy_j": bound.bound_energy_j if reachable else None,
            "waiting_cost_j_per_s": bound.waiting_cost_j_per_s if reachable else None,
            "method": bound.method,
            "idle_energy_j": system.idle_energy_j,
            **_note(left_out),
        }

    def print_text() -> None:
        from lyaopt_cli.tables.waiting_bound import print_latency_bound

        print_latency_bound(bound, system, left_out)

    print_output(as_json, lambda: [document()], print_text)
    return 0 if reachable else 1


def _document(system: System, bound: Bound) -> dict[str, Any]:
    if not math.isfinite(bound.power_w):
        return {"status": "unstable", "mean_power_w": None, "mean_energy_j": None}
    devices = [
        {
            "id": name,
            "local_power_w": bound.local_power_w[m],
            "transmit_power_w": bound.transmit_power_w[m],
            "cpu_hz": bound.local_cpu_hz[m],
            "rate_bps": bound.rate_bps[m],
            "local_multiplier": bound.local_multiplier[m],
            "transmit_multiplier": bound.transmit_multiplier[m],
            "services": [
                {"id": service, "cut_share": bound.cut_share[s, : system.cut_counts[s]].tolist()}
                for s, service in zip(system.services_of(m), system.service_ids[m], strict=True)
            ],
        }
        for m, name in enumerate(system.device_ids)
    ]
    edges: dict[str, Any] = {"edge": {"cpu_hz": bound.edge_cpu_hz, "multiplier": bound.edge_multiplier}}
    if system.edges is not None:
        numbers = zip(system.links.edge_ids, bound.edges_cpu_hz, bound.edge_multipliers, strict=True)
        edges = {"edges": [{"id": name, "cpu_hz": hz, "multiplier": theta} for name, hz, theta in numbers]}
    return {
        "status": "optimal",
        "mean_power_w": bound.power_w,
        "mean_energy_j": bound.energy_j,
        "idle_energy_j": system.idle_energy_j,
        "relative_gap": bound.relative_gap,
        **edges,
        "devices": devices,
    }
