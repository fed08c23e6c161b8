"""`lyaopt train`: learn the partition points of a scenario."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.output_files import check_picture, write_whole

if TYPE_CHECKING:
    from lyaopt.learning import Summary
    from lyaopt.learning.ranges import Ranges
    from lyaopt.model.system import System


class _Diverged(click.ClickException):
    exit_code = 1


@dataclass(frozen=True)
class _Wanted:
    """The options of a training; None for what was not given."""

    algorithm: str | None
    preset: str | None
    episodes: int | None
    replications: int | None
    seed: int | None
    vary: tuple[str, ...]
    out: str
    resume: bool
    plot: str | None
    tensorboard: str | None


@click.command("train")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--algorithm",
    type=click.Choice(["lyappo", "ppo-joint", "ddpg"]),
    help="What learns: lyappo (default, but for --resume), or a baseline: PPO that sets the resource shares "
    "too, or DDPG-Cov.",
)
@click.option(
    "--preset",
    type=click.Choice(["paper", "tuned", "shared", "best"]),
    help="Configuration: best (default of lyappo) starts from a searched policy and keeps the best network; "
    "shared starts from nothing; tuned (default of ppo-joint) has a network for these devices only; paper is "
    "the paper's.",
)
@click.option(
    "--episodes",
    type=click.IntRange(min=1),
    help="Training episodes (default: of the preset or the scenario, half a million decisions).",
)
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    help="Copies simulated side by side (default: of the algorithm).",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of the training (default 0).")
@click.option(
    "--vary",
    metavar="NAME=LOW:HIGH",
    multiple=True,
    help="Draw a setting anew for every episode, so that one policy serves a range: edge_capacity_hz, "
    "cpu_capacity_hz, max_power_w, distance_m, arrival_rate_per_s or services_per_device. For best and "
    "shared; may be repeated.",
)
@click.option("--out", metavar="DIR", required=True, help="Folder of checkpoint and log.")
@click.option("--resume", is_flag=True, help="Go on with the training in DIR, bit for bit.")
@click.option(
    "--plot", metavar="FILE", help="Draw return, energy and backlog as FILE (.png or .svg) at the end."
)
@click.option("--tensorboard", metavar="DIR", help="Write the log for TensorBoard too (needs tensorboard).")
def command(scenario: str, **options: Any) -> int:
    """Learn the partition points of SCENARIO (the name of a shipped one, or a file).

    Needs PyTorch: pip install 'lyaopt[train]'. DIR holds run.json (scenario, configuration, seed),
    checkpoint.safetensors and log.ndjson, a line for each update. The trained policy is used as in
    lyaopt simulate SCENARIO --policy DIR.

    \b
    Examples:
      lyaopt train balanced --out run
      lyaopt train balanced --preset paper --episodes 500 --seed 3 --out paper-3
      lyaopt train balanced --algorithm ddpg --out ddpg
      lyaopt train balanced --out run --resume
      lyaopt train balanced --algorithm ppo-joint --preset paper --out joint
      lyaopt train balanced --vary edge_capacity_hz=1e8:2e10 --out any-edge
      lyaopt simulate balanced --policy run --policy middle --policy best-fixed

    \b
    Exit status: 0 trained to the end, 1 a reward, loss or gradient was no finite
    number (the checkpoint stays as it was), 2 bad usage or input, 130 interrupted,
    143 terminated (both after the checkpoint was written: --resume goes on).
    """
    from lyaopt.errors import DivergedError, LyaoptError
    from lyaopt.io.extras import needs_extra

    wanted = _Wanted(**options)
    system = load_system(scenario)
    if wanted.plot is not None:
        check_picture("lyaopt train", wanted.plot)
    with Interrupts(signal.SIGTERM) as interrupts:
        try:
            with needs_extra("train"):
                algorithm = wanted.algorithm or _algorithm_of(wanted)
                summary = _train(system, wanted, algorithm, interrupts)
        except DivergedError as error:
            raise _Diverged(f"lyaopt train: {error}; the checkpoint was left as it was") from None
        except LyaoptError as error:
            raise InputError(f"lyaopt train: {error}") from None
        _print(summary, wanted, algorithm)
        if wanted.plot is not None:
            from lyaopt.learning.plot import draw_training

            write_whole(Path(wanted.plot), draw_training(wanted.out, wanted.plot))
        return interrupts.status


def _algorithm_of(wanted: _Wanted) -> str:
    """What learns if nothing is said of it."""
    from lyaopt.learning.run_folder import RunFolder

    return str(RunFolder(wanted.out).read_run()["algorithm"]) if wanted.resume else "lyappo"


def _train(system: System, wanted: _Wanted, algorithm: str, interrupts: Interrupts) -> Summary:
    from lyaopt.learning.run_folder import RunFolder
    from lyaopt.learning.training import begin, resume, use_one_thread

    use_one_thread()
    folder = RunFolder(wanted.out)
    given = {name: getattr(wanted, name) for name in ("preset", "episodes", "replications", "seed")}
    given = {name: value for name, value in given.items() if value is not None}
    if wanted.vary:
        given["ranges"] = _ranges(wanted.vary)
    with folder.locked():
        start = resume if wanted.resume else begin
        training = start(folder, system, algorithm, **given)
        with (
            _watched(training.config.updates, training.learner.done) as show,
            _written(wanted.tensorboard) as write,
        ):

            def look_up(line: dict[str, Any]) -> bool:
                show(line)
                write(line)
                return not interrupts.seen

            return training.run(look_up)


def _ranges(texts: tuple[str, ...]) -> Ranges:
    from lyaopt.learning.ranges import Ranges

    named = {}
    for text in texts:
        name, _, ends = text.partition("=")
        try:
            low, high = map(float, ends.split(":"))
        except ValueError:
            raise InputError(f"lyaopt train: --vary: expected NAME=LOW:HIGH, got {text!r}") from None
        named[name] = (low, high)
    return Ranges.from_dict(named)


@contextmanager
def _written(folder: str | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that hands the lines of the log to TensorBoard, if that is wanted."""
    if folder is None:
        yield lambda line: None
        return
    from lyaopt.learning.tensorboard import Scalars

    with Scalars(folder) as scalars:
        yield scalars.add


@contextmanager
def _watched(updates: int, done: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that takes the lines of the log, shown as a bar if someone watches."""
    if not sys.stderr.isatty():
        yield lambda line: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    live = TextColumn(
        "{task.description}  "
        "return {task.fields[reward]:.1f}  energy {task.fields[energy]:.3f} mJ/slot  "
        "backlog {task.fields[backlog]:.3f} tasks"
    )
    nothing: dict[str, Any] = {"reward": float("nan"), "energy": float("nan"), "backlog": float("nan")}
    console = Console(stderr=True)
    with Progress(BarColumn(), TimeRemainingColumn(), live, console=console, transient=True) as bar:
        task = bar.add_task(
            "begins" if done else "looks for a start", total=updates, completed=done, **nothing
        )

        def show(line: dict[str, Any]) -> None:
            energy = 1e3 * (line["local_energy_j"] + line["transmit_energy_j"])
            shown = {"reward": line["return"], "energy": energy, "backlog": line["backlog"]}
            bar.update(task, description="learns", completed=line["update"], **shown)

        yield show


def _print(summary: Summary, wanted: _Wanted, algorithm: str) -> None:
    from lyaopt.io.json_lines import encode

    document = {"algorithm": algorithm, "out": wanted.out, **asdict(summary)}
    sys.stdout.buffer.write(encode(document) + b"\n")
