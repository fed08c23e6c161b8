"""`lyaopt simulate`: a scenario, slot by slot, under one policy or several."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.input_files import InputError, shown_name
from lyaopt_cli.support.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.support.options import seed_option, warmup_option
from lyaopt_cli.support.output_files import check_writable, write_whole
from lyaopt_cli.support.policy_names import make_policy
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from lyaopt.model.system import System
    from lyaopt.simulation import Result, Series, Simulator, Trace

_DEFAULT_SLOTS = 100_000


@dataclass(frozen=True)
class _Wanted:
    """The options of a run."""

    slots: int | None
    warmup: int
    seed: int
    replications: int
    trace: str | None
    record: str | None
    plot: str | None


@click.command("simulate")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--policy",
    "policies",
    metavar="NAME",
    multiple=True,
    help="Who picks the partition points (default: middle); several are compared.",
)
@click.option("--slots", type=click.IntRange(min=1), help=f"How many slots (default {_DEFAULT_SLOTS}).")
@warmup_option(0)
@seed_option
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many copies, each with its own arrivals and channels.",
)
@click.option("--trace", metavar="FILE", help="Replay arrivals and channels from an .npz file.")
@click.option("--record", metavar="FILE", help="Write every slot into an .npz file.")
@click.option("--plot", metavar="FILE", help="Draw energy, backlogs and latency, .png or .svg.")
@click.option("--bound", "with_bound", is_flag=True, help="Set the lower bound LB1 beside the energy.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a line for each policy, not a table.")
def command(scenario: str, policies: tuple[str, ...], with_bound: bool, as_json: bool, **options: Any) -> int:
    """Simulate SCENARIO (the name of a shipped one, or a file) and print energy, backlogs and latency.

    \b
    Policies: middle, all-local, all-offload, random, greedy, best-fixed, table,
    planning, trace (the points of --trace), or the points themselves, one for
    each service, as in 3,0,12.
    The same seed brings the same arrivals and channels under every policy.

    \b
    Examples:
      lyaopt simulate default --policy all-offload
      lyaopt simulate default --policy middle --policy random --bound
      lyaopt simulate s.toml --slots 1000000 --warmup 10000 --plot run.png
      lyaopt simulate default --record r.npz --slots 2000
      lyaopt simulate default --trace r.npz --policy greedy --json

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted (what was
    simulated until then is printed and written), 141 output closed.
    """
    from lyaopt.errors import LyaoptError

    wanted = _Wanted(**options)
    if len(policies) > 1 and (wanted.record or wanted.plot):
        raise click.UsageError("--record and --plot take one --policy.", click.get_current_context())
    system = load_system(scenario)
    for file in filter(None, (wanted.record, wanted.plot)):
        check_writable(Path(file))
    results, bound = [], None
    with Interrupts() as interrupts:
        try:
            bound = _bound(system) if with_bound else None
            trace = None if wanted.trace is None else _load_trace(wanted.trace, system)
            for name in policies or (None,):
                if not interrupts.seen:
                    result, series = _run(system, name, trace, wanted, interrupts)
                    _write_files(result, series, wanted)
                    results.append(result)
        except LyaoptError as error:
            if not interrupts.seen:  # else it is a search that was called off
                raise InputError(f"lyaopt simulate: {error}") from None
        if results:
            _print(results, system, bound, as_json)
        return INTERRUPTED if interrupts.seen else 0


def _run(
    system: System, name: str | None, trace: Trace | None, wanted: _Wanted, interrupts: Interrupts
) -> tuple[Result, Series | None]:
    from lyaopt.io.figures import picture_format
    from lyaopt.simulation import Simulator

    if wanted.plot is not None:
        picture_format(wanted.plot)  # before the work, not after it
    slots = wanted.slots
    if slots is None:
        slots = _DEFAULT_SLOTS if trace is None else trace.slots - wanted.warmup
    if slots < 1:
        raise InputError(f"{wanted.trace}: expected more slots than the warm-up, got {slots + wanted.warmup}")
    simulator = Simulator(
        system,
        _policy(name, system, trace, wanted.seed, interrupts),
        replications=wanted.replications,
        seed=wanted.seed,
        trace=trace,
        record=wanted.record is not None,
    )
    with progress_bar("slots", slots + wanted.warmup) as show:

        def look_up(done: int) -> bool:
            show(done)
            return not interrupts.seen

        series = _take(simulator, slots, wanted, look_up)
    return simulator.result(), series


def _take(simulator: Simulator, slots: int, wanted: _Wanted, look_up: Callable[[int], bool]) -> Series | None:
    from lyaopt.simulation import run_in_steps

    if not simulator.run(0, wanted.warmup, look_up):
        return None
    if wanted.plot is not None:
        return run_in_steps(simulator, slots, progress=look_up)
    simulator.run(slots, progress=look_up)
    return None


def _bound(system: System) -> float:
    """LB1 per slot; infinite where no policy is stable."""
    from lyaopt.bounds import energy_bound

    return energy_bound(system).energy_j


def _policy(name: str | None, system: System, trace: Trace | None, seed: int, interrupts: Interrupts) -> Any:
    if name == "trace" or (name is None and trace is not None and trace.partition is not None):
        return None
    return make_policy(name or "middle", system, seed, interrupts)


def _load_trace(name: str, system: System) -> Trace:
    from lyaopt.errors import ProblemError
    from lyaopt.simulation import load_trace

    try:
        return load_trace(name, system)
    except ProblemError as error:
        raise InputError(f"{shown_name(name)}: {error}") from None
    except OSError as error:
        raise InputError(f"{shown_name(name)}: {error.strerror}") from None


def _write_files(result: Result, series: Series | None, wanted: _Wanted) -> None:
    if wanted.record is not None and result.record is not None:
        write_whole(Path(wanted.record), result.record.to_bytes())
    if wanted.plot is not None and series is not None:
        from lyaopt.simulation.plot import draw_run

        write_whole(Path(wanted.plot), draw_run(result, series, wanted.plot))


def _print(results: list[Result], system: System, bound: float | None, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        from lyaopt.io.json_lines import encode

        more = {} if bound is None else {"bound_energy_j": bound if math.isfinite(bound) else None}
        for result in results:
            sys.stdout.buffer.write(encode(result.to_dict() | more) + b"\n")
    else:
        from lyaopt_cli.tables.simulation import print_comparison, print_result

        if len(results) == 1:
            print_result(results[0], system, bound)
        else:
            print_comparison(results, system, bound)
