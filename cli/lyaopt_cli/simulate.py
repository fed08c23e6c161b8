"""`lyaopt simulate`: a scenario, slot by slot."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.files import InputError, shown_name
from lyaopt_cli.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.output import write_whole
from lyaopt_cli.scenario import read_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lyaopt.simulate import Result, Series, Trace
    from lyaopt.system import System

_DEFAULT_SLOTS = 100_000
_FEWEST_SLOTS_FOR_A_BAR = 50_000


@click.command("simulate")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--policy",
    "policy_name",
    metavar="NAME",
    help="Who picks the partition points (default: middle, see below).",
)
@click.option("--slots", type=click.IntRange(min=1), help=f"How many slots (default {_DEFAULT_SLOTS}).")
@click.option(
    "--warmup",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Slots before those, which are simulated but not measured.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True, help="Of all that is random."
)
@click.option(
    "--systems",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many copies, each with its own arrivals and channels.",
)
@click.option("--trace", "trace_file", metavar="FILE", help="Replay arrivals and channels from an .npz file.")
@click.option(
    "--record", "record_file", metavar="FILE", help="Write everything of every slot into an .npz file."
)
@click.option("--plot", "plot_file", metavar="FILE", help="Draw energy, backlogs and latency, .png or .svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
def command(scenario: str, as_json: bool, **options: Any) -> int:
    """Simulate SCENARIO (the name of a shipped one, or a file) and print energy, backlogs and latency.

    \b
    Policies: middle, all-local, all-offload, random, greedy, best-fixed, trace
    (the points of --trace), or the points themselves, one for each service, as
    in 3,0,12.
    The same seed brings the same arrivals and channels under every policy.

    \b
    Examples:
      lyaopt simulate default --policy all-offload
      lyaopt simulate s.toml --slots 1000000 --warmup 10000 --plot run.png
      lyaopt simulate default --record r.npz --slots 2000
      lyaopt simulate default --trace r.npz --policy greedy --json

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted (what was
    simulated until then is printed and written), 141 output closed.
    """
    from lyaopt.problem import ProblemError

    system = read_system(scenario)
    with Interrupts() as interrupts:
        try:
            result, series = _run(system, interrupts, **options)
        except ProblemError as error:
            raise InputError(f"lyaopt simulate: {error}") from None
        _write_files(result, series, options["record_file"], options["plot_file"])
        _print(result, system, as_json)
        return INTERRUPTED if interrupts.seen else 0


def _run(
    system: System,
    interrupts: Interrupts,
    policy_name: str | None,
    slots: int | None,
    warmup: int,
    seed: int,
    systems: int,
    trace_file: str | None,
    record_file: str | None,
    plot_file: str | None,
) -> tuple[Result, Series | None]:
    from lyaopt.pictures import picture_format
    from lyaopt.simulate import Simulator, run_in_steps

    if plot_file is not None:
        picture_format(plot_file)  # before the work, not after it
    trace = None if trace_file is None else _read_trace(trace_file, system)
    if slots is None:
        slots = _DEFAULT_SLOTS if trace is None else trace.slots - warmup
    simulator = Simulator(
        system,
        _policy(policy_name, system, trace),
        systems=systems,
        seed=seed,
        trace=trace,
        record=record_file is not None,
    )
    with _progress(slots + warmup) as show:

        def look_up(done: int) -> bool:
            show(done)
            return not interrupts.seen

        simulator.run(0, warmup, look_up)
        series = None
        if plot_file is not None and not interrupts.seen:
            series = run_in_steps(simulator, slots, progress=look_up)
        elif not interrupts.seen:
            simulator.run(slots, progress=look_up)
    return simulator.result(), series


def _policy(name: str | None, system: System, trace: Trace | None) -> Any:
    from lyaopt.policies import make_policy

    if name == "trace" or (name is None and trace is not None and trace.partition is not None):
        return None
    return make_policy(name or "middle", system)


def _read_trace(name: str, system: System) -> Trace:
    from lyaopt.problem import ProblemError
    from lyaopt.simulate import read_trace

    try:
        return read_trace(name, system)
    except ProblemError as error:
        raise InputError(f"{shown_name(name)}: {error}") from None
    except OSError as error:
        raise InputError(f"{shown_name(name)}: {error.strerror}") from None


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A function that takes the slots done, shown as a bar if someone watches and it takes long."""
    if not sys.stderr.isatty() or total < _FEWEST_SLOTS_FOR_A_BAR:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("slots", total=total)
        yield lambda done: bar.update(task, completed=done)


def _write_files(
    result: Result, series: Series | None, record_file: str | None, plot_file: str | None
) -> None:
    if record_file is not None and result.record is not None:
        write_whole(Path(record_file), result.record.to_bytes())
    if plot_file is not None and series is not None:
        from lyaopt.simulate.plot import draw_run

        write_whole(Path(plot_file), draw_run(result, series, plot_file))


def _print(result: Result, system: System, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        from lyaopt.documents import encode

        sys.stdout.buffer.write(encode(result.to_dict()) + b"\n")
    else:
        from lyaopt_cli.simulate_tables import print_result

        print_result(result, system)
