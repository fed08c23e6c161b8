"""Simulations of `lyaopt simulate`: policy, trace, run with progress, output files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lyaopt_cli.support.input_files import InputError, input_errors, shown_name
from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.output_files import write_whole
from lyaopt_cli.support.policy_names import make_policy
from lyaopt_cli.support.price_files import prices_of
from lyaopt_cli.support.progress import progress_bar
from lyaopt_cli.support.rules import load_rule
from lyaopt_cli.support.tuning import searched_part, tuned_to
from lyaopt_cli.support.waiting import Judged, Waiting

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy, Result, Series, Simulator, Trace

DEFAULT_SLOTS = 100_000
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class RunOptions:
    """Options of ``lyaopt simulate`` that apply to every policy.

    Attributes
    ----------
    slots : int or None
        Measured slots; None for those of the trace, or `DEFAULT_SLOTS`.
    warmup, seed, replications, workers : int
        As of `lyaopt.simulation.simulate`.
    trace, record, plot : str or None
        Names of files.
    search_slots : int or None
        Of the trace, on which policies are searched.
    rule : str or None
        Module and name of an allocation rule.
    save_prices : str or None
        Name of a file for the table of prices.
    waiting_cost, target_latency : float or None
        What waiting is worth.
    """

    slots: int | None
    warmup: int
    seed: int
    replications: int
    workers: int
    trace: str | None
    record: str | None
    plot: str | None
    rule: str | None
    search_slots: int | None = None
    save_prices: str | None = None
    waiting_cost: float | None = None
    target_latency: float | None = None

    @property
    def waiting(self) -> Waiting:
        """What waiting is worth."""
        return Waiting(self.waiting_cost, self.target_latency)


def load_trace_file(name: str | None, system: System, seed: int) -> Trace | None:
    """Load a trace, if one is named; raise `InputError` if it does not fit the system.

    What it lacks is drawn with the seed.
    """
    from lyaopt.simulation import load_trace

    return None if name is None else read_trace(name, lambda: load_trace(name, system, seed=seed))


def read_trace(name: str, read: Callable[[], _Read]) -> _Read:
    """Read the file of a trace; raise `InputError` with its name if that fails."""
    try:
        with input_errors(name):
            return read()
    except OSError as error:
        raise InputError(f"{shown_name(name)}: {error.strerror}") from None


def run_policy(
    system: System, name: str | None, trace: Trace | None, options: RunOptions, interrupts: Interrupts
) -> Judged:
    """Simulate one policy until its last slot or a signal, and write the requested files.

    Returns the result with the waiting costs by which it is judged, and what the policy is tuned to.
    """
    from lyaopt.simulation import Simulator

    slots = _number_of_slots(trace, options)
    searched = searched_part(trace, options.search_slots, system)
    policy = _policy(name, system, searched, options, interrupts)
    simulator = Simulator(
        system,
        policy,
        replications=options.replications,
        seed=options.seed,
        trace=trace,
        record=options.record is not None,
        rule=None if options.rule is None else load_rule(options.rule),
        workers=options.workers,
    )
    with progress_bar("slots", slots + options.warmup) as show:

        def report(done: int) -> bool:
            show(done)
            return not interrupts.seen

        series = _advance(simulator, slots, options, report)
    result = simulator.result()
    _write_files(result, series, options)
    if options.save_prices is not None:
        write_whole(Path(options.save_prices), prices_of(policy, system, Path(options.save_prices)))
    from lyaopt.evaluation.over_bound import waiting_cost_in_force  # not at the top: it is slow to import

    tuned = None if trace is None else tuned_to(name, system, searched[0], options.warmup, trace.sha256)
    return Judged(result, waiting_cost_in_force(policy, system, options.waiting_cost), tuned)


def _number_of_slots(trace: Trace | None, options: RunOptions) -> int:
    slots = options.slots
    if slots is None:
        slots = DEFAULT_SLOTS if trace is None else trace.slots - options.warmup
    if slots < 1:
        available = slots + options.warmup
        raise InputError(f"{options.trace}: expected more slots than the warm-up, got {available}")
    return slots


def _policy(
    name: str | None, system: System, searched: Sequence[Trace], options: RunOptions, interrupts: Interrupts
) -> Policy | None:
    """Make the policy; None for the partition points of the trace."""
    if name == "trace" or (name is None and searched and searched[0].partition is not None):
        return None
    given = options.seed, interrupts, options.waiting, searched, options.workers
    return make_policy(name or "middle", system, *given)


def _advance(
    simulator: Simulator, slots: int, options: RunOptions, report: Callable[[int], bool]
) -> Series | None:
    """Simulate warm-up and slots; return the series over time if it is to be drawn."""
    from lyaopt.simulation import run_in_steps

    if not simulator.run(0, options.warmup, report):
        return None
    if options.plot is not None:
        return run_in_steps(simulator, slots, progress=report)
    simulator.run(slots, progress=report)
    return None


def _write_files(result: Result, series: Series | None, options: RunOptions) -> None:
    if options.record is not None and result.record is not None:
        write_whole(Path(options.record), result.record.to_bytes())
    if options.plot is not None and series is not None:
        from lyaopt.simulation.plot import draw_run

        write_whole(Path(options.plot), draw_run(result, series, options.plot))
