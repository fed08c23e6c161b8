"""Pictures of points by energy and latency, and of trainings: no text is cut, or written over other text."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from lyaopt.evaluation.estimates import Estimate
from lyaopt.evaluation.frontier import FrontierPoint, FrontierReport
from lyaopt.evaluation.frontier_plot import draw_frontier
from lyaopt.experiments.tradeoff import Point, with_front
from lyaopt.experiments.tradeoff_plot import draw_tradeoff
from lyaopt.learning.plot import draw_training
from lyaopt.learning.run_folder import LOG
from lyaopt_cli.main import run
from tests.io.test_pictures import check, drawn  # noqa: F401

NAMES = (
    "best-fixed",
    "greedy",
    "all-offload",
    "middle",
    "random",
    "5,5,5,5,5,5,5,5",
    "runs/" + "long-name/" * 8,
)
CURVES = ("price", "value", "my_module:MyPolicy_of_a_long_name")
# Names of many policies at about the same place: at one, at a corner, on a line, anywhere
SPREADS = {"one place": 0.0, "close": 0.02, "apart": 0.3, "far apart": 2.0}


def estimate(value, share=0.1):
    return Estimate(value, value * (1.0 - share), value * (1.0 + share))


def frontier(spread, policies, curves, bound=True, seed=0):
    """A report with points at random places, `spread` decades apart."""
    rng = np.random.default_rng(seed)

    def point(name, cost=None):
        energy, latency = 10.0 ** (rng.normal(size=2) * spread) * (3e-3, 0.4)
        return FrontierPoint(name, cost, estimate(energy), estimate(latency), 1.0, 0.99, None)

    least = SimpleNamespace(energy_at=lambda latency: 1e-4 / (1.0 + latency), least_j=1e-5)
    rules = {rule: tuple(point(rule, 2.0**step) for step in range(5)) for rule in curves}
    return FrontierReport(least if bound else None, rules, tuple(map(point, policies)), 10, 1, 2, 0)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("count", [1, 4, 7])
def test_frontiers(spread, count, drawn):  # noqa: F811
    draw_frontier(frontier(SPREADS[spread], NAMES[:count], CURVES, seed=count), "p.svg")
    check(drawn[-1])


def test_a_frontier_of_names_alone(drawn):  # noqa: F811
    draw_frontier(frontier(0.1, NAMES, (), bound=False), "p.svg")
    check(drawn[-1])


@pytest.mark.parametrize("name", [NAMES[0], NAMES[-1]])
def test_a_name_at_each_corner_of_a_frontier(name, drawn):  # noqa: F811
    points = [
        FrontierPoint(name, None, estimate(energy), estimate(latency), 1.0, 0.99, None)
        for energy in (1e-4, 1.0)
        for latency in (1e-3, 50.0)
    ]
    draw_frontier(FrontierReport(None, {}, tuple(points), 10, 1, 2, 0), "p.svg")
    check(drawn[-1])


@pytest.mark.parametrize("spread", SPREADS)
def test_tradeoffs(spread, drawn):  # noqa: F811
    """The choice is written at its point, also at the edge."""
    rng = np.random.default_rng(5)
    places = [10.0 ** (rng.normal(size=2) * SPREADS[spread]) for _ in range(3 * len(NAMES))]
    points = with_front(
        [
            Point(NAMES[i % len(NAMES)], 2.0**i, 1.0, 1.0, estimate(3e-3 * energy), estimate(0.4 * latency))
            for i, (energy, latency) in enumerate(places)
        ]
    )
    last = max(points, key=lambda point: point.latency_s.value)
    for chosen in (None, last, max(points, key=lambda point: point.energy_j.value)):
        draw_tradeoff(points, "mean", "p.svg", target_s=0.4, chosen=chosen)
        check(drawn[-1])


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e7])
@pytest.mark.parametrize("updates", [1, 400])
def test_trainings(scale, updates, tmp_path, drawn):  # noqa: F811
    rng = np.random.default_rng(3)
    lines = [
        {
            "decisions": 2000 * (number + 1),
            "return": -scale * rng.exponential(),
            "local_energy_j": scale * rng.exponential(),
            "transmit_energy_j": scale * rng.exponential(),
            "backlog": scale * rng.exponential(),
        }
        for number in range(updates)
    ]
    (tmp_path / LOG).write_text("".join(json.dumps(line) + "\n" for line in lines))
    draw_training(tmp_path, "p.svg")
    check(drawn[-1])


def test_the_picture_of_a_command(drawn, tmp_path):  # noqa: F811
    words = ("frontier", "default", "--policy", "middle", "--policy", "all-offload", "--policy", "random")
    few = ("--slots", "600", "--warmup", "100", "--replications", "2", "--plot", str(tmp_path / "p.svg"))
    assert run([*words, *few]) == 0
    check(drawn[-1])
