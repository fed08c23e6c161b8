"""A comparison of all learners and policies on all scenarios, computed cell by cell.

    python -m benchmarks.campaign run [--scenario NAME]... [--policy NAME]... [--seeds N] [--jobs N]
    python -m benchmarks.campaign table|write

A cell is a scenario, a policy and a seed of training or search; other policies have one cell for each
scenario. Finished cells are lines of benchmarks/learning_results.ndjson; `run` computes the missing ones. All
policies are evaluated on the same replications, whose seed no training or search uses. `table` prints the
results, and `write` puts them into docs/explanation/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("learning_results.ndjson")
PAGE = RESULTS.parent.parent / "docs" / "explanation" / "results.md"
SCENARIOS = ("paper", "balanced", "scarce-edge", "shadowing", "bursty")
POLICIES = ("best-fixed", "table", "greedy", "all-local", "all-offload", "middle", "random", "planning")
SEARCHED = ("best-fixed",)
LEARNERS: dict[str, tuple[str, str | None]] = {
    "lyappo": ("lyappo", "best"),
    "lyappo-shared": ("lyappo", "shared"),
    "lyappo-flat": ("lyappo", "tuned"),
    "lyappo-paper": ("lyappo", "paper"),
    "ppo-joint": ("ppo-joint", "paper"),
    "ppo-joint-tuned": ("ppo-joint", "tuned"),
    "ddpg": ("ddpg", None),
}
REPLICATIONS, SLOTS, WARMUP, SEED = 20, 20_000, 2_000, 77
# A decision of planning simulates half a million slots.
SHORT: dict[str, dict[str, int]] = {"planning": {"replications": 4, "slots": 3_000, "warmup": 1_000}}


@dataclass(frozen=True)
class Cell:
    """Scenario, policy and seed of a line of the results."""

    scenario: str
    policy: str
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        """The fields as a tuple."""
        return self.scenario, self.policy, self.seed


def cells(scenarios: list[str], policies: list[str], seeds: int) -> Iterator[Cell]:
    """All cells, ordered by seed."""
    for seed in range(1, seeds + 1):
        for scenario in scenarios:
            for policy in policies:
                if policy in LEARNERS or policy in SEARCHED or seed == 1:
                    yield Cell(scenario, policy, seed)


def finished() -> list[dict[str, Any]]:
    """The lines of the results."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text().splitlines()]


def do(cell: Cell) -> dict[str, Any]:
    """Train or search, and evaluate."""
    from lyaopt.model.scenarios import load_scenario

    system = load_scenario(cell.scenario)
    start = time.perf_counter()
    policy, training = (_trained if cell.policy in LEARNERS else _made)(cell, system)
    ready = time.perf_counter()
    measured = _measured(system, policy, **SHORT.get(cell.policy, {}))
    if cell.policy in SHORT:
        measured["base"] = base_of(system, cell.policy)
    return {
        "scenario": cell.scenario,
        "policy": cell.policy,
        "seed": cell.seed,
        **measured,
        **training,
        "preparing_s": round(ready - start, 1),
        "evaluating_s": round(time.perf_counter() - ready, 1),
    }


def _made(cell: Cell, system: Any) -> tuple[Any, dict[str, Any]]:
    from lyaopt.experiments.prepare_policy import prepare

    ready = prepare(cell.policy, system, cell.seed - 1)
    return ready.policy, {"prepared_slots": ready.slots}


def base_of(system: Any, policy: str) -> dict[str, list[float | None]]:
    """Evaluate best-fixed on the fewer replications and slots of a slow policy."""
    from lyaopt.experiments.prepare_policy import prepare

    measured = _measured(system, prepare("best-fixed", system, 0).policy, **SHORT[policy])
    return {name: measured[name] for name in ("cost", "energy_mj")}


def _trained(cell: Cell, system: Any) -> tuple[Any, dict[str, Any]]:
    from lyaopt.experiments.learners import Learner
    from lyaopt.experiments.prepare_policy import train

    ready = train(Learner(*LEARNERS[cell.policy]), system, cell.seed)
    checks = [line for line in ready.log if "check_cost" in line]
    best = max((line["update"] for line in checks if line["is_best"]), default=0)
    return ready.policy, {
        "prepared_slots": ready.slots,
        "best_update": best if checks else None,
        "shares": ready.summary.shares,
    }


def _measured(
    system: Any, policy: Any, replications: int = REPLICATIONS, slots: int = SLOTS, warmup: int = WARMUP
) -> dict[str, Any]:
    """Measures of each replication, for paired comparisons of policies."""
    from lyaopt.evaluation import Score
    from lyaopt.simulation import simulate

    result = simulate(system, policy, slots=slots, warmup=warmup, replications=replications, seed=SEED)
    score = Score.of(system, result)
    return {
        "replications": replications,
        "slots": slots,
        "cost": _rounded(score.cost),
        "energy_mj": _rounded(1e3 * score.energy_j),
        "local_mj": _rounded(1e3 * score.local_energy_j),
        "latency_s": _rounded(score.latency_s[0]),
        "p99_s": _rounded(score.latency_s[3]),
        "queues": [float(f"{value:.4g}") for value in score.queues.mean(axis=1)],
        "energy_limited": round(result.limited_share, 4),
        "born": result.born,
        "completed": result.completed,
    }


def _rounded(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]


def run(selected: list[Cell], jobs: int) -> None:
    """Compute the missing cells; a line is written as soon as a cell is finished."""
    present = {(line["scenario"], line["policy"], line["seed"]) for line in finished()}
    missing = [cell for cell in selected if cell.key not in present]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        running = {pool.submit(do, cell): cell for cell in missing}
        for number, future in enumerate(as_completed(running), 1):
            cell = running[future]
            try:
                line = future.result()
            except Exception as error:  # the other cells continue
                print(f"{number}/{len(missing)} {cell.key}: {error!r}", file=sys.stderr, flush=True)
                continue
            with RESULTS.open("a") as file:
                file.write(json.dumps(line) + "\n")
            seconds = line["preparing_s"] + line["evaluating_s"]
            print(f"{number}/{len(missing)} {cell.key}: {seconds:.0f} s", file=sys.stderr, flush=True)


def main() -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["run", "table", "write"])
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--policy", action="append", choices=[*LEARNERS, *POLICIES])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if arguments.what != "run":
        from benchmarks import campaign_table

        if arguments.what == "write":
            campaign_table.write(finished(), PAGE)
        else:
            print(campaign_table.table(finished()))
        return
    policies = arguments.policy or [*POLICIES, *LEARNERS]
    run(list(cells(arguments.scenario or list(SCENARIOS), policies, arguments.seeds)), arguments.jobs)


if __name__ == "__main__":
    main()
