"""Cells: the units of a sweep that are computed and stored one by one.

A cell is a policy at one point of the grid, or a training that serves all points. Its key is a digest of
everything that determines its result. Figures therefore share common cells, and a change of the definition
recomputes only the cells that it affects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from lyaopt._version import __version__
from lyaopt.errors import ProblemError
from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.learners import Learner, configuration_of
from lyaopt.experiments.provenance import digest
from lyaopt.experiments.traced import check_trace
from lyaopt.experiments.variations import varied
from lyaopt.experiments.waiting import BOUND, Waiting
from lyaopt.io.user_modules import source_digest
from lyaopt.model.profiles import format_profile
from lyaopt.model.scenarios import scenario_to_dict
from lyaopt.model.system import System
from lyaopt.policies import is_searched, make_policy, policy_names
from lyaopt.policies.own_policy import is_own
from lyaopt.simulation import RecordedTrace

_KEY_LENGTH = 32


@dataclass(frozen=True, eq=False)
class Cell:
    """Unit of computation.

    Attributes
    ----------
    policy : str
        Its name in the sweep.
    points : tuple of int
        Grid points at which the policy is evaluated.
    systems : tuple of System
        At these points.
    measuring : Measuring
    seed : int or None
        Training seed; None without training.
    learner : Learner or None
    training_system : System or None
        The system of the training.
    waiting : Waiting or None
        Of a policy with a waiting cost or mean latency of its own.
    trace : RecordedTrace or None
        Arrivals and channels, in place of those that are drawn.
    """

    policy: str
    points: tuple[int, ...]
    systems: tuple[System, ...]
    measuring: Measuring
    seed: int | None = None
    learner: Learner | None = None
    training_system: System | None = None
    waiting: Waiting | None = None
    trace: RecordedTrace | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it evaluates a bound, not a policy."""
        return (self.policy if self.waiting is None else self.waiting.policy) == BOUND

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON values."""
        systems = [_described(system) for system in self.systems]
        document: dict[str, Any] = {"lyaopt": __version__, "systems": systems}
        if self.trace is not None:
            document["trace"] = self.trace.to_dict()
        waits = {} if self.waiting is None else {"waiting": self.waiting.to_dict()}
        if self.is_bound:
            return {**document, "policy": BOUND, **waits}
        measuring = asdict(self.measuring)
        if self.learner is not None and self.training_system is not None:
            measuring.pop("search_seed")
            training = {
                **self.learner.to_dict(),
                "seed": self.seed,
                "system": _described(self.training_system),
                "configuration": asdict(configuration_of(self.learner, self.training_system)),
            }
            return {**document, "training": training, "evaluation": measuring}
        policy = self.policy if self.waiting is None else self.waiting.policy
        if not is_searched(policy):
            measuring.pop("search_seed")
        own = {"module": source_digest(policy)} if is_own(policy) else {}
        return {**document, "policy": policy, **own, **waits, "evaluation": measuring}

    @cached_property
    def key(self) -> str:
        """Digest of `inputs`, the name of the cell in the store."""
        return digest(self.inputs)[:_KEY_LENGTH]

    @property
    def label(self) -> str:
        """Description for messages."""
        points = ", ".join(map(str, self.points)) if len(self.points) < 4 else f"{len(self.points)} points"
        trained = "" if self.seed is None else f", training seed {self.seed}"
        return f"{self.policy} at point {points}{trained}"


def _described(system: System) -> dict[str, Any]:
    # Digests of profiles and of replayed times, as files may change under their names.
    profiles = "".join(format_profile(service.profile) for service in system.services)
    found = {**scenario_to_dict(system), "profiles": hashlib.sha256(profiles.encode()).hexdigest()}
    laws = [service.arrivals for service in system.services if service.arrivals.kind == "replayed"]
    if laws:
        found["times"] = digest([law.task_times_s.tolist() for law in laws])
    return found


def cells_of(sweep: Sweep, system: System, trace: RecordedTrace | None = None) -> tuple[Cell, ...]:
    """List the cells of a sweep, ordered by training seed.

    Parameters
    ----------
    sweep : Sweep
        Definition of points, policies and training seeds.
    system : System
        The scenario that the sweep varies.
    trace : RecordedTrace, optional
        What the sweep's `trace` names.

    Returns
    -------
    tuple of Cell

    Raises
    ------
    ProblemError
        If a policy is unknown, a value does not suit its setting, the evaluation uses a training seed, or the
        trace does not fit a point.
    """
    systems = sweep.systems(system)
    for number, policy in enumerate(sweep.policies):
        _check(sweep, policy, f"$.policies[{number}]", systems)
    seeds = range(1, sweep.training_seeds + 1)
    if any(sweep.learner(policy) for policy in sweep.policies) and sweep.evaluation.seed in seeds:
        reason = f"expected no training seed (1 to {sweep.training_seeds}), got {sweep.evaluation.seed}"
        raise ProblemError("$.evaluation.seed", reason)
    if trace is not None:
        check_trace(sweep, systems, trace)
    cells = (*_untrained(sweep, systems), *_trained(sweep, system, systems))
    return cells if trace is None else tuple(replace(cell, trace=trace) for cell in cells)


def _check(sweep: Sweep, policy: str, place: str, systems: Sequence[System]) -> None:
    known = (*policy_names(), BOUND, *sweep.waiting)
    if sweep.learner(policy) is not None or policy in known:
        return
    for system in systems:
        try:
            make_policy(policy, system)  # points as text
        except ProblemError as error:
            raise ProblemError(place, error.reason) from None


def _untrained(sweep: Sweep, systems: Sequence[System]) -> Iterator[Cell]:
    for policy in sweep.policies:
        if sweep.learner(policy) is None:
            for point, varied_system in enumerate(systems):
                one = (point,), (varied_system,)
                yield Cell(policy, *one, sweep.evaluation, waiting=sweep.waits(policy))


def _trained(sweep: Sweep, system: System, systems: Sequence[System]) -> Iterator[Cell]:
    for seed in range(1, sweep.training_seeds + 1):
        for policy in sweep.policies:
            learner = sweep.learner(policy)
            if learner is None:
                continue
            if learner.once:
                training_system = varied(system, learner.at, sweep.more_models)
                points = tuple(range(len(systems)))
                yield Cell(policy, points, tuple(systems), sweep.evaluation, seed, learner, training_system)
                continue
            for point, varied_system in enumerate(systems):
                one = (point,), (varied_system,)
                yield Cell(policy, *one, sweep.evaluation, seed, learner, varied_system)
