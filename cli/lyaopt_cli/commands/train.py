"""`lyaopt train`: learn the partition points of a scenario."""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.judgement import judge_training, judged_parts
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import plot_option, replications_option
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_folder, check_picture, write_whole
from lyaopt_cli.support.traces import Parts, option_errors, trace_options
from lyaopt_cli.support.training import Begun, TrainingOptions, parse_ranges, run_training

if TYPE_CHECKING:
    from lyaopt.evaluation import Evaluation
    from lyaopt.learning import Summary


class _NotFiniteError(click.ClickException):
    """A reward, loss or gradient is not a finite number."""

    exit_code = 1


@new_command("train", "Learn the partition points of a scenario")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--algorithm",
    type=click.Choice(["lyappo", "ppo-joint", "ddpg"]),
    help="lyappo (default without --resume), or a baseline: ppo-joint (PPO that sets the resource shares "
    "too) or ddpg (DDPG-Cov).",
)
@click.option(
    "--preset",
    type=click.Choice(["paper", "tuned", "shared", "best"]),
    help="Configuration. best (default of lyappo): start from a searched policy, keep the best network; "
    "shared: the same network from random weights; tuned (default of ppo-joint): a network for this number "
    "of devices only; paper: that of the paper.",
)
@click.option(
    "--allocation",
    metavar="backlog|price",
    help="What weighs services in a slot: backlog (default), as in the paper; or price, the rule of the "
    "policy price, with whose cuts the network begins. For best and shared.",
)
@click.option(
    "--waiting-cost",
    type=float,
    metavar="J/S",
    help="With price: what a second of a task is worth, in J (default: of the scenario, or else cost (34)).",
)
@click.option(
    "--episodes",
    type=click.IntRange(min=1),
    help="Training episodes (default: of the preset or the scenario, half a million decisions).",
)
@replications_option(None, " (default: of the preset or algorithm)")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Training seed (default 0).")
@click.option(
    "--vary",
    metavar="NAME=LOW:HIGH",
    multiple=True,
    callback=parse_ranges,
    help="Draw a setting anew for every episode, so that one policy serves a range: edge_capacity_hz, "
    "cpu_capacity_hz, max_power_w, distance_m, arrival_rate_per_s or services_per_device. For best and "
    "shared; may be repeated.",
)
@trace_options
@click.option("--out", metavar="DIR", required=True, help="Folder of checkpoint and log.")
@click.option("--resume", is_flag=True, help="Continue the training in DIR, bit for bit.")
@plot_option("return, energy and backlog at the end")
@click.option("--tensorboard", metavar="DIR", help="Write the log for TensorBoard too (needs tensorboard).")
@json_option("Print the summary as JSON.")
def command(scenario: str, as_json: bool, **options: Any) -> int:
    """Learn the partition points of SCENARIO (a shipped one by name, or a file), and print a summary.

    Needs PyTorch, from the extra lyaopt[train]. DIR holds run.json (scenario, configuration, seed),
    checkpoint.safetensors and log.ndjson, a line for each update. lyaopt simulate SCENARIO --policy DIR
    runs the trained policy. With --trace the policy is trained on its first part and judged on the rest,
    as by lyaopt evaluate.

    \b
    Examples:
      lyaopt train balanced --out run
      lyaopt train balanced --preset paper --episodes 500 --seed 3 --out paper-3
      lyaopt train balanced --algorithm ddpg --out ddpg
      lyaopt train balanced --out run --resume
      lyaopt train balanced --algorithm ppo-joint --preset paper --out joint
      lyaopt train frame-rate --allocation price --waiting-cost 0.01 --out run
      lyaopt train balanced --vary edge_capacity_hz=1e8:2e10 --out any-edge
      lyaopt train s.toml --trace radio.npz --out run
      lyaopt simulate balanced --policy run --policy middle --policy best-fixed

    \b
    Exit status: 0 trained to the end, 1 a reward, loss or gradient was not a
    finite number (the checkpoint is unchanged), 2 bad usage or input,
    130 interrupted, 143 terminated (both after the checkpoint was written:
    --resume continues), 141 output closed.
    """
    training = TrainingOptions(**options)
    system = load_system(scenario)
    check_folder(Path(training.out))
    if training.plot is not None:
        check_picture("lyaopt train", training.plot)
    with Interrupts(signal.SIGTERM) as interrupts, input_errors("lyaopt train"):
        begun = Begun.of(training)
        parts = judged_parts(training.trace, begun.search_slots, system, begun.seed)
        try:
            with option_errors("trace", "search_slots"):
                summary = run_training(system, training, begun.algorithm, parts, interrupts)
        except ArithmeticError as error:
            raise _NotFiniteError(f"lyaopt train: {error}; the checkpoint is unchanged") from None
        judged = (
            judge_training(system, training.out, parts, begun.seed, interrupts) if summary.finished else None
        )
        _print(summary, _Trained(begun.algorithm, training.out, parts, judged), as_json)
        if training.plot is not None:
            from lyaopt.learning.plot import draw_training

            write_whole(Path(training.plot), draw_training(training.out, training.plot))
        return interrupts.status


@dataclass(frozen=True)
class _Trained:
    """What was trained where, and on which part of a trace; `judged` is None without a judgement."""

    algorithm: str
    out: str
    parts: Parts
    judged: Evaluation | None

    def document(self) -> dict[str, Any]:
        """For JSON: how the trace was used, and the judgement."""
        if self.parts.divided is None:
            return {}
        judged = None if self.judged is None else self.judged.to_dict()
        return self.parts.document() | {"judged": judged}


def _print(summary: Summary, trained: _Trained, as_json: bool) -> None:
    named = {"algorithm": trained.algorithm, "out": trained.out}

    def print_text() -> None:
        from lyaopt_cli.tables.training import print_judgement, print_summary

        print_summary(summary, **named)
        print_judgement(trained.judged, trained.parts.lines())

    print_output(as_json, lambda: [named | asdict(summary) | trained.document()], print_text)
