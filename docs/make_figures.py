"""Draw the figures of the documentation: python docs/make_figures.py (needs matplotlib and PyTorch)."""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from lyaopt import SlotProblem, load_scenario, make_policy, solve_slot
from lyaopt.evaluation.plot import draw_evaluation
from lyaopt.simulation import Simulator, run_in_steps
from lyaopt.simulation.plot import draw_run
from lyaopt_cli.main import run as run_command

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
TAU, DELTA, CAPACITY = 0.01, 1e-28, 1.5e9
QUEUES = np.array([6.1e6, 3.9e6, 3.0e6, 1.9e6, 0.8e6])
FRONTIER = ["--seed", "11", "--slots", "200000"]
COLOURS = ("#2b6ca3", "#c8553d")


def solve(weight: float) -> tuple[np.ndarray, float]:
    """Return CPU speeds and the multiplier of one device with five services."""
    one, none = np.ones(1), np.zeros((1, QUEUES.size))
    problem = SlotProblem(
        TAU, DELTA, weight, 1.0, 1e9, CAPACITY * one, one, one, one, QUEUES[None], none, none
    )
    solution = solve_slot(problem)
    return solution.local_cpu_hz[0], float(solution.local_multiplier[0])


def crossing(ax: plt.Axes, weight: float) -> None:
    """Demand (a staircase of backlogs) against supply (what energy and capacity are worth)."""
    nu = np.linspace(0, 7e6, 1400)
    demand = (QUEUES[:, None] * (QUEUES[:, None] > nu)).sum(0) / TAU
    supply = np.minimum(CAPACITY, np.sqrt(nu / (3 * weight * DELTA)))
    speeds, multiplier = solve(weight)
    ax.plot(nu / 1e6, demand / 1e9, color=COLOURS[0], drawstyle="steps-post")
    ax.plot(nu / 1e6, supply / 1e9, color=COLOURS[1])
    ax.plot(multiplier / 1e6, speeds.sum() / 1e9, "o", color="black", ms=6, zorder=3)
    ax.annotate(
        f"optimum: {speeds.sum() / 1e9:.2f} GHz\nat ν = {multiplier / 1e6:.2f} Mcycles",
        (multiplier / 1e6, speeds.sum() / 1e9),
        xytext=(4.25, 1.02 if multiplier < 2e6 else 0.25),
        arrowprops={"arrowstyle": "-", "lw": 0.7, "shrinkB": 5},
        fontsize=9,
    )
    ax.text(0.15, QUEUES.sum() / TAU / 1e9 + 0.03, "demand: backlogs above ν", color=COLOURS[0], fontsize=9)
    ax.text(7.1, supply[-1] / 1e9 + 0.04, "supply", color=COLOURS[1], fontsize=9, ha="right")
    ax.set(xlabel="multiplier ν (Mcycles of backlog)", ylim=(0, 1.85), xlim=(0, 7.2))


def draw_crossing() -> None:
    """Write images/crossing.svg."""
    mpl.rcParams.update({"svg.hashsalt": "lyaopt", "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for ax, weight, title in zip(axes, (1e15, 1.5e16), ("the capacity limits", "energy limits"), strict=True):
        crossing(ax, weight)
        ax.set_title(f"$U^l$ = {weight:g}: {title}", fontsize=10, loc="left")
    axes[0].set_ylabel("total CPU speed (GHz)")
    figure.savefig(IMAGES / "crossing.svg", metadata={"Date": None})


def draw_simulation() -> None:
    """Write images/run.svg."""
    system = load_scenario("default")
    simulator = Simulator(system, make_policy("middle", system), seed=1)
    simulator.run(0, warmup=500)
    series = run_in_steps(simulator, 6000, steps=300)
    (IMAGES / "run.svg").write_bytes(draw_run(simulator.result(), series, "run.svg"))


def draw_training() -> None:
    """Write images/training.svg and images/compare.svg, as the commands of tutorials/train.md do."""
    with TemporaryDirectory() as folder:
        out = str(Path(folder, "run"))
        train = ["train", "balanced", "--preset", "tuned", "--episodes", "1000", "--out", out]
        evaluate = ["evaluate", out, "best-fixed", "middle", "random", "balanced"]
        for command, name in ((train, "training.svg"), (evaluate, "compare.svg")):
            assert run_command([*command, "--plot", str(IMAGES / name)]) == os.EX_OK


def draw_frontier() -> None:
    """Write images/frontier.svg, and print its numbers, which explanation/results.md shows."""
    command = ["frontier", "balanced", *FRONTIER, "--plot", str(IMAGES / "frontier.svg")]
    assert run_command(command) == os.EX_OK


def draw_own_policy() -> None:
    """Write images/own_policy.svg from what the snippets of tutorials/write-a-policy.md evaluate."""
    page = (DOCS / "tutorials" / "write-a-policy.md").read_text()
    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(snippet, names)
    (IMAGES / "own_policy.svg").write_bytes(draw_evaluation(names["found"], "own_policy.svg"))


def main() -> None:
    """Write them all."""
    IMAGES.mkdir(exist_ok=True)
    draw_crossing()
    draw_simulation()
    draw_training()
    draw_own_policy()
    draw_frontier()


if __name__ == "__main__":
    main()
