"""What learning adds to the price rule: LyaPPO with allocation "price" against the rule that it starts from.

    python benchmarks/price_learning.py --out DIR [--workers K] [--seeds N] [--scenario NAME]... [--part P]
    python benchmarks/price_learning.py --out DIR --table

A cell is a scenario and a training seed. NAME@4 is a scenario with four times its arrivals. Each cell is a
file of DIR, written when it is done; cells that are there stay. Both policies run on the same replications,
whose seed no training uses. `--table` prints the results, and writes benchmarks/price_learning.json and
docs/explanation/prices.md.
`--part` is the part of the decisions to train with: 0.01 for a try.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("price_learning.json")
PAGE = RESULTS.parent.parent / "docs" / "explanation" / "prices.md"
SCENARIOS = ("frame-rate", "balanced@4", "balanced", "shadowing")
WAITING_COST = 0.01
"""J per task and second."""
REPLICATIONS, SLOTS, WARMUP, SEED = 40, 20_000, 2_000, 77
REPLICATIONS_TRAINED = 50
DECISIONS = {"frame-rate": 250_000}
"""Of a training, over all replications; at frame rate every decision meets tasks."""
USUAL_DECISIONS = 500_000
SHORT_HORIZON = {"learning_rate": 1e-3, "discount": 0.99, "advantage_decay": 0.97, "critic_decay": 0.97}
HORIZONS = {"frame-rate": SHORT_HORIZON}
"""Other than those of the preset `best`: at frame rate tasks are done within a tenth of a second. Elsewhere
short horizons made the cuts dearer, as tasks wait for seconds where there is load or a channel is bad."""
KERNELS = {
    "_kernels.simulation.priced_slots": "advance_by_prices",
    "_kernels.learning.added_costs": "write_added_costs",
    "_kernels.learning.credit_assignment": "assign_credit",
    "_kernels.learning.gae": "advantages",
    "_kernels.learning.observe": "observe compute_rewards spread_points",
}
"""What a cell runs: compiled once, side by side, where no core was built."""


def compile_kernel(module: str, name: str) -> None:
    """Compile a kernel into the cache, unless the built core has it."""
    from lyaopt._kernels.toolchain.core_choice import CHOICE

    kernel = getattr(importlib.import_module(f"lyaopt.{module}"), name)
    if CHOICE.core == "jit":
        _ = kernel.compiled


def system_of(name: str) -> Any:
    """Load a scenario, perhaps with a multiple of its arrivals."""
    from lyaopt.model.scenarios import load_scenario

    plain, _, factor = name.partition("@")
    system = load_scenario(plain)
    if not factor:
        return system

    def busier(service: Any) -> Any:
        return replace(service, arrival_rate_per_s=float(factor) * service.arrival_rate_per_s)

    devices = [replace(each, services=tuple(map(busier, each.services))) for each in system.devices]
    return replace(system, devices=tuple(devices))


def config_of(name: str, part: float) -> Any:
    """Configuration of a training: the preset `best`, with horizons that fit the latencies."""
    from lyaopt.learning import preset

    decisions = part * DECISIONS.get(name, USUAL_DECISIONS) / REPLICATIONS_TRAINED
    rollouts = max(6, round(decisions / 100))
    return preset(
        "best",
        allocation="price",
        waiting_cost_j_per_s=WAITING_COST,
        replications=REPLICATIONS_TRAINED,
        episodes=REPLICATIONS_TRAINED,
        decisions_per_episode=100 * rollouts,
        rollout=100,
        **HORIZONS.get(name, {}),
        critic_first=min(5, rollouts // 3),
        checks=5,
    )


def train(system: Any, config: Any, seed: int) -> tuple[Any, list[dict[str, float]]]:
    """Train; return the policy, and the checks of its networks."""
    import torch

    from lyaopt.learning.algorithm_protocol import best_network
    from lyaopt.learning.lyappo import LyaPPO
    from lyaopt.learning.price_rules import PricedScenario, rule_of
    from lyaopt.learning.priced_systems import PricedSystems
    from lyaopt.learning.trained_policy import LearnedPolicy

    torch.set_num_threads(1)
    rule = rule_of(config, system)
    assert rule is not None
    options = {"replications": config.replications, "decisions": config.decisions_per_episode}
    systems = PricedSystems(system, rule, seed=seed, features=config.features, **options)
    learner, checks = LyaPPO(systems, config, seed), []
    while learner.done < config.updates:
        report = learner.update()
        if "check_cost" in report.measures:
            names = ("check_cost", "is_best")
            checks.append({"update": report.update, **{name: report.measures[name] for name in names}})
    learner.network.load_state_dict(best_network(learner.state()))
    priced = PricedScenario(rule, system)
    return LearnedPolicy(learner.network, "lyappo", config.features, priced), checks


def measured(system: Any, policy: Any, replications: int) -> dict[str, Any]:
    """Mean cost, energy and tasks of each replication, and latencies over all."""
    from lyaopt.policies.holding_costs import HoldingCosts
    from lyaopt.simulation import simulate
    from lyaopt.simulation.costs import task_costs

    result = simulate(system, policy, slots=SLOTS, warmup=WARMUP, replications=replications, seed=SEED)
    energy = result.active_energy_j
    theta = HoldingCosts.of_tasks(system, WAITING_COST).rates[0]
    return {
        "cost_j": task_costs(system, energy, result.mean_tasks, theta).sum(axis=0).tolist(),
        "energy_j": energy.sum(axis=0).tolist(),
        "tasks": result.mean_tasks.sum(axis=0).tolist(),
        "latency_s": result.mean_latency_s,
        "completed": result.completed / max(1, result.born),
    }


def do(name: str, seed: int, part: float, replications: int) -> dict[str, Any]:
    """Compute a cell; seed 0 is the rule alone."""
    from lyaopt.policies import make_policy

    start, system = time.process_time(), system_of(name)
    line: dict[str, Any] = {"scenario": name, "seed": seed, "waiting_cost_j_per_s": WAITING_COST}
    if seed == 0:
        policy = make_policy("price", system, waiting_cost_j_per_s=WAITING_COST)
    else:
        config = config_of(name, part)
        policy, checks = train(system, config, seed)
        kept = [check["update"] for check in checks if check["is_best"]]
        line |= {"decisions": config.updates * config.rollout * config.replications, "checks": checks}
        line["best_update"] = kept[-1] if kept else 0
    trained = time.process_time()
    line |= measured(system, policy, replications)
    line["training_s"] = round(trained - start, 1)
    return {**line, "evaluating_s": round(time.process_time() - trained, 1)}


def file_of(out: Path, name: str, seed: int) -> Path:
    """The file of a cell."""
    return out / f"{name.replace('@', '-x')}-{seed}.json"


def run(arguments: argparse.Namespace) -> None:
    """Compute the missing cells, a process for each; those of one seed first."""
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    cells = [(name, seed) for seed in range(arguments.seeds + 1) for name in arguments.scenario]
    missing = [cell for cell in cells if not file_of(out, *cell).exists()]
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        kernels = [(module, name) for module, names in KERNELS.items() for name in names.split()]
        for compiled in [pool.submit(compile_kernel, *kernel) for kernel in kernels]:
            compiled.result()
        print("kernels are ready", file=sys.stderr, flush=True)
        running: dict[Future[dict[str, Any]], tuple[str, int]] = {
            pool.submit(do, *cell, arguments.part, arguments.replications): cell for cell in missing
        }
        for number, future in enumerate(as_completed(running), 1):
            cell = running[future]
            try:
                line = future.result()
            except Exception as error:  # the other cells continue
                print(f"{number}/{len(missing)} {cell}: {error!r}", file=sys.stderr, flush=True)
                continue
            target = file_of(out, *cell)
            target.with_suffix(".tmp").write_text(json.dumps(line))
            target.with_suffix(".tmp").replace(target)
            times = f"{line['training_s']:.0f} + {line['evaluating_s']:.0f} s"
            print(f"{number}/{len(missing)} {cell}: {times}", file=sys.stderr, flush=True)


def main() -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--scenario", action="append")
    parser.add_argument("--part", type=float, default=1.0)
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    arguments.scenario = arguments.scenario or list(SCENARIOS)
    if not arguments.table:
        run(arguments)
        return
    from benchmarks.price_learning_table import summary, table, write

    lines = [json.loads(path.read_text()) for path in sorted(arguments.out.glob("*.json"))]
    document = summary(lines)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    write(document, PAGE)
    print(table(document))


if __name__ == "__main__":
    main()
