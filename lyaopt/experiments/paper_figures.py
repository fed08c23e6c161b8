"""The experiments of the paper, section V: its figures as sweeps, and its claims.

The paper names neither networks nor ranges. We chose ours by the capacities of devices, channels and edge
before seeing any result: docs/explanation/paper-figures.md gives the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.learners import DECISIONS, LEARNERS, Learner
from lyaopt.experiments.sweeps import Part
from lyaopt.experiments.variations import SERVICES
from lyaopt.experiments.waiting import BOUND
from lyaopt.model.system import System

ONCE = "lyappo-once"
"""LyaPPO trained once over the range of a sweep."""
OURS = "lyappo"
BASELINES = ("ppo-joint", "ddpg", "random", "middle")
"""PPO, DDPG-Cov, Random-Cov and Fix-Cov, in the order in which the paper compares with them."""

EPISODE = 200
"""Decisions of an episode of the paper, to which returns refer for any length of episodes."""

SEEDS, QUICK_SEEDS = 5, 1
EVALUATION_SEED = 4_000
"""Seed of replications that were not used during development."""
_FULL, _QUICK = 200_000, 30_000
_POLICIES = ("best-fixed", OURS, ONCE, *BASELINES, BOUND)
_CURVES = ("lyappo", "lyappo-shared", "lyappo-paper", "ppo-joint", "ppo-joint-paper", "ddpg")
_QUICK_CURVES = ("lyappo", "ppo-joint", "ddpg")


@dataclass(frozen=True)
class Trend:
    """A claim of the paper on how a measure changes along a sweep.

    Attributes
    ----------
    measure : str
    rises : bool
    policy : str
    """

    measure: str
    rises: bool
    policy: str = OURS


@dataclass(frozen=True)
class Figure:
    """A figure of the paper.

    Attributes
    ----------
    title : str
    setting : str or None
        Setting that varies; None for training curves.
    axis : str
        Label of the axis, with the unit.
    unit : float
        Unit of the axis.
    values, quick : tuple
        Values of the setting, and those of the quick version.
    ranges, at : mapping
        Of the training that serves all points.
    percent : tuple of float
        Energy that LyaPPO saves compared with each of `BASELINES`, as the paper claims.
    trends : tuple of Trend
    """

    title: str
    setting: str | None = None
    axis: str = "decisions"
    unit: float = 1.0
    values: tuple[Any, ...] = ()
    quick: tuple[Any, ...] = ()
    ranges: Mapping[str, Any] | None = None
    at: Mapping[str, Any] | None = None
    percent: tuple[float, ...] = ()
    trends: tuple[Trend, ...] = ()


def _work_moves(to_edge: bool) -> tuple[Trend, ...]:
    """Claims that follow from moving work to the edge, or back to the devices."""
    return (
        Trend("cut_depth", not to_edge),
        Trend("local_queue_cycles", not to_edge),
        Trend("transmit_queue_bits", to_edge),
        Trend("edge_queue_cycles", to_edge),
    )


FIGURES: dict[str, Figure] = {
    "fig3": Figure("Convergence in training"),
    "fig4": Figure(
        "Number of networks on a device",
        setting=SERVICES,
        axis="networks on a device",
        values=(1, 2, 3, 4),
        quick=(1, 2, 4),
        ranges={SERVICES: (1, 4)},
        at={SERVICES: 4},
        percent=(11.98, 31.49, 22.28, 23.18),
        trends=(Trend("energy_j", True), *_work_moves(to_edge=True)),
    ),
    "fig5": Figure(
        "Speed of the devices",
        setting="cpu_capacity_hz",
        axis="speed of a device, GHz",
        unit=1e9,
        values=(0.5e9, 1.0e9, 1.5e9, 2.0e9, 2.5e9),
        quick=(0.5e9, 1.5e9, 2.5e9),
        ranges={"cpu_capacity_hz": (0.5e9, 2.5e9)},
        percent=(24.29, 56.62, 49.82, 53.83),
        trends=(
            Trend("energy_j", False),
            Trend("local_energy_j", False),
            Trend("transmit_energy_j", True),
            *_work_moves(to_edge=True),
            Trend("energy_j", False, "ddpg"),
        ),
    ),
    "fig6": Figure(
        "Largest transmit power",
        setting="max_power_w",
        axis="largest power of a device, W",
        values=(0.1, 0.2, 0.3, 0.4, 0.5),
        quick=(0.1, 0.3, 0.5),
        ranges={"max_power_w": (0.1, 0.5)},
        percent=(14.67, 34.78, 32.47, 34.48),
        trends=(
            Trend("energy_j", False),
            Trend("transmit_energy_j", False),
            Trend("local_energy_j", True),
            *_work_moves(to_edge=False),
            Trend("energy_j", False, "ddpg"),
        ),
    ),
    "fig7": Figure(
        "Speed of the edge server",
        setting="edge_capacity_hz",
        axis="speed of the edge server, GHz",
        unit=1e9,
        values=(0.3e9, 1e9, 3e9, 8e9, 20e9),
        quick=(0.3e9, 3e9, 20e9),
        ranges={"edge_capacity_hz": (0.3e9, 20e9)},
        percent=(19.47, 27.36, 27.22, 23.09),
        trends=(
            Trend("energy_j", False),
            Trend("local_energy_j", False),
            Trend("transmit_energy_j", True),
            *_work_moves(to_edge=True),
            Trend("energy_j", False, "ddpg"),
            Trend("energy_j", False, "ppo-joint"),
        ),
    ),
}


BY_PRICES = "-prices"
"""Ends the names of sweeps that show a figure of the paper under the price rule."""


def figure_of(name: str | None) -> Figure | None:
    """Return the figure of the paper that the sweep `name` shows, if it does, also under the price rule."""
    return FIGURES.get((name or "").removesuffix(BY_PRICES))


def number_of(name: str) -> str:
    """Return the number of the figure `name`, such as ``Fig. 5`` or ``Fig. 5 by prices``."""
    by_prices = " by prices" if name.endswith(BY_PRICES) else ""
    return f"Fig. {name.removesuffix(BY_PRICES)[3:]}{by_prices}"


def title_of(figure: str | None, name: str) -> str:
    """Return the heading of a sweep.

    Parameters
    ----------
    figure : str or None
        Figure of the paper that it reproduces.
    name : str
        Heading of other sweeps.

    Returns
    -------
    str
    """
    known = figure_of(figure)
    return f"{number_of(figure)}: {known.title}" if known and figure else name


def parts(
    names: tuple[str, ...], system: System, scenario: str, *, quick: bool, training_seeds: int | None
) -> list[Part]:
    """Define the sweeps that reproduce figures.

    Parameters
    ----------
    names : tuple of str
        Keys of `FIGURES`.
    system : System
        The scenario that the sweeps vary.
    scenario : str
        Name of `system`.
    quick : bool
        Whether to use fewer points and smaller budgets.
    training_seeds : int or None
        None for the default.

    Returns
    -------
    list of Part

    Raises
    ------
    ProblemError
        If there is no such figure.
    """
    training_seeds = training_seeds or (QUICK_SEEDS if quick else SEEDS)
    for name in names:
        if name not in FIGURES:
            raise ProblemError("$.figure", f"expected one of {', '.join(FIGURES)} or all, got {name!r}")
    define = {name: _sweep if FIGURES[name].setting else _curves for name in names}
    return [Part(define[name](name, scenario, quick, training_seeds), system, name) for name in names]


def _curves(name: str, scenario: str, quick: bool, training_seeds: int) -> Sweep:
    decisions = _QUICK if quick else DECISIONS
    return Sweep(
        policies=_QUICK_CURVES if quick else _CURVES,
        name=name,
        scenario=scenario,
        training_seeds=training_seeds,
        evaluation=_measuring(quick),
        learners=_learners(_CURVES, decisions),
    )


def _sweep(name: str, scenario: str, quick: bool, training_seeds: int) -> Sweep:
    figure, decisions = FIGURES[name], _QUICK if quick else _FULL
    preset = "shared" if quick else "best"  # "best" searches for a start in eight systems
    once = Learner("lyappo", preset, decisions, dict(figure.ranges or {}), dict(figure.at or {}))
    return Sweep(
        policies=_POLICIES,
        name=name,
        scenario=scenario,
        training_seeds=training_seeds,
        vary={figure.setting or "": list(figure.quick if quick else figure.values)},
        evaluation=_measuring(quick),
        learners={**_learners((OURS, *BASELINES), decisions), ONCE: once},
    )


def _learners(names: tuple[str, ...], decisions: int) -> dict[str, Learner]:
    return {name: replace(LEARNERS[name], decisions=decisions) for name in names if name in LEARNERS}


def _measuring(quick: bool) -> Measuring:
    budget = {"replications": 8, "slots": 10_000, "warmup": 1_000} if quick else {}
    return Measuring(seed=EVALUATION_SEED, **budget)
