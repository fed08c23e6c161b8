"""Runs of `lyaopt run`: processes, measurement, policies, and what is written of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.output_files import write_whole
from lyaopt_cli.support.policy_names import make_policy
from lyaopt_cli.support.simulation import load_trace_file
from lyaopt_cli.support.tuning import MOST_SEARCHED
from lyaopt_cli.support.waiting import Waiting

if TYPE_CHECKING:
    from lyaopt.live import Outcome, Prediction, Seconds, Session
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy, Trace

DIED = 1
_AFTER_S = 5.0
"""Simulated after the end of a run, for tasks that are late in the simulation only."""
_FIXED = "fixed:"


@dataclass(frozen=True)
class LiveOptions:
    """Options of ``lyaopt run``, as on the command line.

    Attributes
    ----------
    network, selection, trace : str
    input_shapes : list of tuple of int
    policies : tuple of str
    seconds : float
    rounds, seed : int
    waiting_cost, target_latency : float or None
    """

    network: str
    input_shapes: Any
    selection: Any
    trace: str | None
    policies: tuple[str, ...]
    seconds: float
    rounds: int
    seed: int
    waiting_cost: float | None
    target_latency: float | None

    @property
    def waiting(self) -> Waiting:
        """What waiting is worth."""
        return Waiting(self.waiting_cost, self.target_latency)

    def check(self) -> None:
        """Raise `click.UsageError` for what does not go together."""
        self.waiting.check(self.policies)
        context = click.get_current_context()
        if isinstance(self.input_shapes, dict):
            raise click.UsageError("--input-shape takes no names here.", context)
        if "planning" in self.policies:
            raise click.UsageError("planning goes on from a simulation, which a run is not.", context)


@dataclass(frozen=True)
class Run:
    """One policy, run and simulated.

    Attributes
    ----------
    policy : str
        As it was entered.
    outcome : Outcome
    prediction : Prediction
    """

    policy: str
    outcome: Outcome
    prediction: Prediction


@dataclass
class LiveRuns:
    """What came of all policies.

    Attributes
    ----------
    system : System
        The scenario.
    measured : (System, list of Seconds) or None
        With the halves as they were measured.
    done : list of Run
    failure : Exception or None
        What ended them early.
    seed : int
        Of arrivals, channels, random policies and searches.
    """

    system: System
    measured: tuple[System, list[Seconds]] | None = None
    done: list[Run] = field(default_factory=list)
    failure: Exception | None = None
    seed: int = 0

    def write(self, log: str | None, plot: str | None) -> None:
        """Write the log and the picture, if they are asked for and there is something to write."""
        from lyaopt.live import draw_runs, log_bytes

        if log is not None and self.done:
            names = list(zip(self.system.device_ids, self.system.service_ids, strict=True))
            logs = [(run.policy, run.outcome.log) for run in self.done]
            write_whole(Path(log), log_bytes(Path(log).suffix, logs, names))
        if plot is not None and self.done:
            drawn = [(run.policy, run.prediction) for run in self.done]
            write_whole(Path(plot), draw_runs(drawn, plot))

    def documents(self) -> Iterator[dict[str, Any]]:
        """A document for each policy."""
        from lyaopt.live import run_document

        assert self.measured is not None
        for run in self.done:
            yield {"policy": run.policy, "seed": self.seed} | run_document(
                *self.measured, run.outcome, run.prediction
            )


def run_live(runs: LiveRuns, options: LiveOptions, interrupts: Interrupts) -> None:
    """Start the processes, measure the halves, and run all policies until one fails or a signal is seen."""
    from lyaopt.live import NetworkOptions, Session, SessionOptions, full_rates_bps

    system = runs.system
    trace = _trace(system, options)
    full_rates_bps(system, trace.channel_gain)  # refused before processes start
    network = NetworkOptions(options.network, tuple(options.input_shapes), options.selection, 0)
    session_options = SessionOptions((network,) * len(system.services), options.rounds)
    with Session(system, session_options, lambda: interrupts.seen) as session:
        runs.measured = session.measure()
        for name in options.policies or ("middle",):
            policy = _policy(name, runs.measured[0], trace, options, interrupts)
            if interrupts.seen:
                return
            _run(runs, session, name, policy, trace, options)
            if runs.failure is not None:
                return


def _run(
    runs: LiveRuns, session: Session, name: str, policy: Policy, trace: Trace, options: LiveOptions
) -> None:
    from lyaopt.live import full_rates_bps, predict

    assert runs.measured is not None
    outcome = session.run(runs.measured, policy, trace, options.seconds, options.seed)
    runs.failure = outcome.failure
    if outcome.log.born:
        rates = full_rates_bps(runs.system, trace.channel_gain)
        seconds = max(outcome.seconds, options.seconds) + _AFTER_S
        prediction = predict(runs.measured[0], outcome.log.in_order(), rates, seconds=seconds)
        runs.done.append(Run(name, outcome, prediction))


def _trace(system: System, options: LiveOptions) -> Trace:
    from lyaopt.live import drawn_trace

    found = load_trace_file(options.trace, system, options.seed)
    if found is None:
        slots = max(1, math.ceil(options.seconds / system.slot_duration_s))
        found = drawn_trace(system, slots, options.seed)
    return found


def _policy(name: str, system: System, trace: Trace, options: LiveOptions, interrupts: Interrupts) -> Policy:
    """Make a policy for the measured system; searches take the trace that is run."""
    if name.startswith(_FIXED):
        text = name.removeprefix(_FIXED)
        name = text if "," in text or "=" in text else ",".join([text] * len(system.services))
    part = trace.first(min(MOST_SEARCHED, trace.slots), system)
    return make_policy(name, system, options.seed, interrupts, options.waiting, (part,))
