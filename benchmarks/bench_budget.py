"""Seconds of a training with the paper's budget, and of a long evaluation."""

from __future__ import annotations

import time

import pytest

torch = pytest.importorskip("torch")

from benchmarks.bench_batch import GROUP  # noqa: E402
from lyaopt.evaluation import evaluate  # noqa: E402
from lyaopt.learning import load_policy  # noqa: E402
from lyaopt.learning.run_folder import RunFolder  # noqa: E402
from lyaopt.learning.start_training import begin  # noqa: E402
from lyaopt.learning.training import use_one_thread  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402

SYSTEM = load_scenario("default")
SLOTS = 2_500 * 200 * SYSTEM.slots_per_period
REPLICATIONS = 50
CONVEX = "CVXPY with Clarabel, parametrised, 9 solves"


@pytest.mark.parametrize("preset", ["tuned", "shared", "best"])
def test_the_budget_of_the_paper(record, tmp_path, preset):
    """2,500 episodes of 200 decisions of 10 slots, checkpoints and log included, on one core."""
    use_one_thread()
    warm = RunFolder(tmp_path / "warm")
    with warm.locked():
        begin(warm, SYSTEM, "lyappo", preset=preset, episodes=50).run(lambda line: False)
    folder = RunFolder(tmp_path / "run")
    with folder.locked():
        summary = begin(folder, SYSTEM, "lyappo", preset=preset).run()
    group = "The paper's budget of training: 500,000 decisions, 5,000,000 slots"
    record.time(group, f"lyaopt, preset {preset}", summary.seconds, "training")
    for name, share in summary.shares.items():
        record.time(group, f"of {preset}, in the {name}", share * summary.seconds, "training")
    convex = SLOTS * record.seconds(GROUP, CONVEX)
    record.time(group, "Algorithm 1 with CVXPY, extrapolated from its time per slot", convex, "training")
    ratio = convex / summary.seconds
    bound = ">= 3,000x, one core"
    record.require(f"training ({preset}), of Algorithm 1 with CVXPY", bound, f"{ratio:,.0f}x", ratio >= 3_000)
    _time_evaluation(record, folder, preset)


def _time_evaluation(record, folder, preset):
    start = time.perf_counter()
    evaluate(
        SYSTEM,
        [load_policy(folder.path)],
        replications=REPLICATIONS,
        slots=1_000_000 // REPLICATIONS,
        warmup=0,
    )
    seconds = time.perf_counter() - start
    record.time(
        "An evaluation of 1,000,000 slots, intervals included", f"preset {preset}", seconds, "evaluation"
    )
    record.require(f"evaluation of 10^6 slots ({preset})", "< 10 s", f"{seconds:.1f} s", seconds < 10.0)
