"""Gymnasium environment: the choice of partition points."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra
from lyaopt.learning.finished_tasks import FinishedTasks
from lyaopt.learning.gym_text import NOTHING_YET, checked_mode, period_texts, require_text
from lyaopt.learning.observer import CHANNEL_FLOOR, DEVICE_FEATURES, Rows
from lyaopt.learning.price_rules import rule_named
from lyaopt.learning.systems import VectorSystems
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from lyaopt.simulation import Trace, load_trace

with needs_extra("train"):
    import gymnasium
    from gymnasium import spaces
    from gymnasium.error import ResetNeeded

Scenario = str | Path | System
Reward = Callable[[dict[str, NDArray[Any]]], Any]


class PartitionEnv(gymnasium.Env[Rows, NDArray[np.int64]]):
    """One system; a step is a period, and episodes are truncated, never terminated.

    The observation is a flat box, see `lyaopt.learning.observer`. The action is a number for each service:
    the cut k, or k - 1 if the scenario excludes cut 0. `info["action_mask"]`, (S, largest number of choices),
    marks the valid numbers of each service, for learners with heads of equal width. All random numbers depend
    on the seed of the last seeded `reset` and the number of resets since.

    Parameters
    ----------
    scenario : str, Path or System
        Name or path of a scenario, or a system.
    decisions : int, optional
        Periods of an episode; those of the scenario if left out.
    features : collection of str
        Optional features of the observation.
    render_mode : None or "ansi"
        With ``ansi``, `render` returns the last period as text; there are no pictures.
    allocation : str
        ``backlog``, or ``price``: the rule of the policy `price` allocates resources, and what it minimises
        is the reward.
    waiting_cost_j_per_s : float, optional
        theta of ``price``, in J/s; by default that of the scenario, or else the reward is (34).
    reward : callable, optional
        Computes rewards (B,) from the infos of a step, arrays (B, ...) with B = 1 here; `info["cost"]` is the
        negative reward without it.
    trace : Trace or path, optional
        Arrivals and channels to replay; every episode starts at a random slot of it, and goes around.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012, as gymnasium declares it

    def __init__(
        self,
        scenario: Scenario = "default",
        decisions: int | None = None,
        features: Collection[str] = (),
        render_mode: str | None = None,
        allocation: str = "backlog",
        waiting_cost_j_per_s: float | None = None,
        reward: Reward | None = None,
        trace: Trace | str | Path | None = None,
    ) -> None:
        self.render_mode = checked_mode(render_mode)
        systems = make_systems(scenario, 1, decisions, features, allocation, waiting_cost_j_per_s, trace)
        self.systems, self._reward, self._shown = systems, reward, NOTHING_YET
        self.observation_space: spaces.Box = observation_space(self.systems)  # type: ignore[assignment]
        self.action_space = action_space(self.systems)
        self._started = self._over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Rows, dict[str, Any]]:
        """Begin an episode.

        Parameters
        ----------
        seed : int, optional
            Begin the first episode of this seed; by default the next episode.
        options : dict, optional
            Not used.

        Returns
        -------
        observation : ndarray (F,) of float32
        info : dict
        """
        super().reset(seed=seed)
        if seed is not None or not self._started:
            self.systems.seed([self.np_random_seed])
            self.systems.reset()
        elif not self._over:  # after truncation, the next episode has begun already
            self.systems.reset()
        self._started, self._over, self._shown = True, False, NOTHING_YET
        return self.systems.observation[0].copy(), {"action_mask": action_mask(self.systems)}

    def step(self, action: NDArray[np.int64]) -> tuple[Rows, float, bool, bool, dict[str, Any]]:
        """Simulate one period.

        Parameters
        ----------
        action : ndarray (S,) of int
            Partition point of each service.

        Returns
        -------
        observation : ndarray (F,) of float32
        reward : float
        terminated, truncated : bool
        info : dict
            Mean energies of a slot in J, mean backlog in weighted tasks, cost, and of each service the tasks
            that were completed in the period, and their latencies in s, summed.
        """
        if not self._started or self._over:
            raise ResetNeeded("the episode is over: call reset() before step()")
        systems = self.systems
        taken, points = systems.taken + 1, to_points(systems, action)[None]
        self._over = systems.step(points)
        seen = systems.final_observation if self._over else systems.observation
        infos = step_infos(systems)
        reward = rewards(systems, infos, self._reward)
        info = {name: values[0] for name, values in infos.items()}
        if self.render_mode is not None:
            (self._shown,) = period_texts(systems, taken, points, infos)
        return seen[0].copy(), float(reward[0]), False, self._over, info

    def render(self) -> str:
        """Return the last period as text: energy, backlog, completed tasks, and the cuts.

        Returns
        -------
        str

        Raises
        ------
        ProblemError
            If the environment was made without `render_mode` ``ansi``.
        """
        require_text(self.render_mode)
        return self._shown


def rewards(systems: VectorSystems, infos: dict[str, NDArray[Any]], reward: Reward | None) -> NDArray[Any]:
    """Return the rewards (B,) of a step.

    Parameters
    ----------
    systems : VectorSystems
        After the step.
    infos : dict
        Of the step, arrays (B, ...).
    reward : callable or None
        None for the rewards of `systems`.

    Raises
    ------
    ProblemError
        If the callable returns anything but B finite numbers.
    """
    if reward is None:
        return systems.reward.astype(np.float64)
    returned = reward(infos)
    try:
        values = np.array(returned, np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape != (systems.replications,) or not np.isfinite(values).all():
        reason = f"expected it to return {systems.replications} finite numbers, got {returned!r:.80}"
        raise ProblemError("$.reward", reason)
    return values


def make_systems(
    scenario: Scenario,
    count: int,
    decisions: int | None,
    features: Collection[str],
    allocation: str = "backlog",
    waiting_cost_j_per_s: float | None = None,
    trace: Trace | str | Path | None = None,
) -> VectorSystems:
    """Make the systems of an environment.

    Parameters
    ----------
    scenario : str, Path or System
        As in `PartitionEnv`.
    count : int
        Replications.
    decisions : int or None
        As in `PartitionEnv`.
    features, allocation, waiting_cost_j_per_s, trace
        As in `PartitionEnv`.

    Returns
    -------
    VectorSystems

    Raises
    ------
    ProblemError
        If there is no such allocation.
    """
    system = scenario if isinstance(scenario, System) else load_scenario(scenario)
    replayed = trace if trace is None or isinstance(trace, Trace) else load_trace(trace, system)
    traces = () if replayed is None else (replayed,)
    rule = rule_named(allocation, system, waiting_cost_j_per_s, traces)
    systems = VectorSystems(
        system, replications=count, decisions=decisions, features=features, rule=rule, trace=replayed
    )
    systems.watch = FinishedTasks(system, count)
    return systems


def observation_space(systems: VectorSystems) -> spaces.Box:
    """Return the observation space (F,) of `systems`: only decibels may be negative."""
    layout = systems.observer.layout
    low = np.zeros(layout.size, np.float32)
    layout.of_devices(low)[:, DEVICE_FEATURES.index("channel") :] = CHANNEL_FLOOR
    return spaces.Box(low, np.full_like(low, np.finfo(np.float32).max), dtype=np.float32)


def action_space(systems: VectorSystems) -> spaces.MultiDiscrete:
    """Return the action space of `systems`: one number for each service."""
    return spaces.MultiDiscrete(systems.choices - systems.first_choice)


def to_points(systems: VectorSystems, actions: NDArray[Any]) -> NDArray[np.int64]:
    """Convert `actions` (..., S) to cuts of `systems`."""
    return np.asarray(actions, np.int64) + systems.first_choice


def action_mask(systems: VectorSystems) -> NDArray[np.bool_]:
    """Return the valid actions (S, largest number of choices) of `systems`."""
    allowed = systems.choices - systems.first_choice
    return np.arange(allowed.max()) < allowed[:, None]


def step_infos(systems: VectorSystems) -> dict[str, NDArray[Any]]:
    """Return the info of `systems` after a period, arrays (B, ...)."""
    mask, watch = action_mask(systems), systems.watch
    return {
        "action_mask": np.repeat(mask[None], systems.replications, axis=0),
        "local_energy_j": systems.energy[:, 0].copy(),
        "transmit_energy_j": systems.energy[:, 1].copy(),
        "backlog": systems.backlog.copy(),
        "cost": -systems.reward.astype(np.float64),
        **({} if watch is None else {"completed_tasks": watch.count.copy()}),
        **({} if watch is None else {"latency_sum_s": watch.latency_sum_s.copy()}),
    }
