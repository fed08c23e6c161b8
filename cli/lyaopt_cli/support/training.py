"""Trainings of `lyaopt train`: learner, ranges, progress, TensorBoard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lyaopt.io.damage import damage_named
from lyaopt.io.extras import needs_extra
from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.traces import Parts
from lyaopt_cli.support.training_progress import LogLine, announce, progress_shown

if TYPE_CHECKING:
    from lyaopt.learning import Summary
    from lyaopt.learning.ranges import Ranges
    from lyaopt.model.system import System


@dataclass(frozen=True)
class TrainingOptions:
    """Options of ``lyaopt train``; None for options that are not set."""

    algorithm: str | None
    preset: str | None
    allocation: str | None
    waiting_cost: float | None
    episodes: int | None
    replications: int | None
    seed: int | None
    vary: dict[str, tuple[float, float]]
    out: str
    resume: bool
    plot: str | None
    tensorboard: str | None
    trace: str | None = None
    search_slots: int | None = None


def parse_ranges(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    """Parse ``NAME=LOW:HIGH`` of ``--vary``."""
    ranges = {}
    for text in texts:
        name, _, ends = text.partition("=")
        try:
            low, high = map(float, ends.split(":"))
        except ValueError:
            raise click.BadParameter(f"expected NAME=LOW:HIGH, got {text!r}") from None
        ranges[name] = (low, high)
    return ranges


@dataclass(frozen=True)
class Begun:
    """What decides on a training before it is begun or resumed.

    Attributes
    ----------
    algorithm : str
    seed : int
    search_slots : int or None
        Of a trace; None for the default.
    """

    algorithm: str
    seed: int
    search_slots: int | None

    @classmethod
    def of(cls, options: TrainingOptions) -> Begun:
        """Values of the options, else of the training to resume, else the defaults."""
        with needs_extra("train"):
            from lyaopt.learning.run_folder import RunFolder

        run = RunFolder(options.out).load_document() if options.resume else {}
        with damage_named(options.out):
            algorithm = str(run["algorithm"]) if run else "lyappo"
            seed = int(run["seed"]) if run else 0
            slots = (run.get("trace") or {}).get("searched_slots")
            return cls(
                options.algorithm or algorithm,
                seed if options.seed is None else options.seed,
                slots if options.search_slots is None and options.trace is not None else options.search_slots,
            )


def run_training(
    system: System, options: TrainingOptions, algorithm: str, parts: Parts, interrupts: Interrupts
) -> Summary:
    """Begin or resume a training, and run it to its end or a signal."""
    with needs_extra("train"):
        from lyaopt.learning.run_folder import RunFolder
        from lyaopt.learning.start_training import begin, resume
        from lyaopt.learning.training import use_one_thread

    use_one_thread()
    folder = RunFolder(options.out)
    with folder.locked():
        start = resume if options.resume else begin
        training = start(folder, system, algorithm, trace=parts.divided, **_settings(options))
        announce(training, algorithm)
        with (
            progress_shown(training.config.updates, training.learner.done) as show,
            _tensorboard_log(options.tensorboard) as write,
        ):

            def report(line: LogLine) -> bool:
                show(line)
                write(line)
                return not interrupts.seen

            return training.run(report)


def _settings(options: TrainingOptions) -> dict[str, Any]:
    """Settings of the options; the others come from a preset or the run to resume."""
    names = ("preset", "allocation", "episodes", "replications", "seed")
    settings: dict[str, Any] = {name: getattr(options, name) for name in names}
    settings["waiting_cost_j_per_s"] = options.waiting_cost
    if options.vary:
        settings["ranges"] = _ranges(options.vary)
    return {name: value for name, value in settings.items() if value is not None}


def _ranges(ends: dict[str, tuple[float, float]]) -> Ranges:
    from lyaopt.learning.ranges import Ranges

    return Ranges.from_dict(ends)


@contextmanager
def _tensorboard_log(folder: str | None) -> Iterator[Callable[[LogLine], None]]:
    """Yield a function that writes lines of the log for TensorBoard, if there is a folder for it."""
    if folder is None:
        yield lambda line: None
        return
    from lyaopt.learning.tensorboard import Scalars

    with Scalars(folder) as scalars:
        yield scalars.add
