"""Gymnasium vector environment of many replications, and a check of such environments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra
from lyaopt.learning.gym import (
    Reward,
    Scenario,
    action_mask,
    action_space,
    make_systems,
    observation_space,
    rewards,
    step_infos,
    to_points,
)
from lyaopt.learning.gym_text import NOTHING_YET, checked_mode, period_texts, require_text
from lyaopt.learning.observer import Rows
from lyaopt.simulation import Trace

with needs_extra("train"):
    import gymnasium
    from gymnasium.utils.env_checker import data_equivalence, data_shares_objects
    from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
    from gymnasium.vector.utils import batch_space

Infos = dict[str, Any]


class PartitionVectorEnv(VectorEnv[Rows, NDArray[np.int64], NDArray[Any]]):
    """Replications of `PartitionEnv`, stepped together by the compiled kernels.

    Each replication is bit-identical to a single environment with the same seed. All episodes are truncated
    together; the next ones begin in the same step, or in the next one.

    Parameters
    ----------
    num_envs : int
        B.
    scenario, decisions, features, render_mode, allocation, waiting_cost_j_per_s, reward, trace
        As in `PartitionEnv`.
    copy : bool
        Whether observations are copied from the buffers, which the next step overwrites.
    autoreset_mode : AutoresetMode or str
        ``SameStep``, or ``NextStep`` for wrappers of gymnasium that expect it, such as
        `gymnasium.wrappers.vector.NormalizeObservation`: the step after the end of an episode then takes no
        actions, earns 0, and returns the first observation of the next one.

    Raises
    ------
    ProblemError
        If an argument is wrong.
    """

    metadata = {  # noqa: RUF012
        "render_modes": ["ansi"],
        "render_fps": 1,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Scenario = "default",
        decisions: int | None = None,
        features: Collection[str] = (),
        render_mode: str | None = None,
        copy: bool = True,
        allocation: str = "backlog",
        waiting_cost_j_per_s: float | None = None,
        reward: Reward | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        trace: Trace | str | Path | None = None,
    ) -> None:
        self.render_mode, self._reward = checked_mode(render_mode), reward
        self.metadata = {**self.metadata, "autoreset_mode": _autoreset(autoreset_mode)}
        self._shown = (NOTHING_YET,) * num_envs
        self.num_envs, self.copy = num_envs, copy
        options = decisions, features, allocation, waiting_cost_j_per_s, trace
        self.systems = make_systems(scenario, num_envs, *options)
        self.single_observation_space = observation_space(self.systems)
        self.single_action_space = action_space(self.systems)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._started = self._waits = False  # for a step that only begins the next episodes

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Rows, Infos]:
        """Begin an episode in all replications.

        Parameters
        ----------
        seed : int or sequence of int, optional
            Begin the first episodes of these seeds, or of seed + b; by default the next episodes.
        options : dict, optional
            `reset_mask` is refused.

        Returns
        -------
        observation : ndarray (B, F) of float32
        infos : dict

        Raises
        ------
        ProblemError
            If `options` has a `reset_mask`.
        """
        if options and "reset_mask" in options:
            reason = "expected no mask: replications are reset all together"
            raise ProblemError("$.options.reset_mask", reason)
        if seed is None and not self._started:
            seed = self.np_random_seed
        if isinstance(seed, (int, np.integer)):
            seed = [int(seed) + b for b in range(self.num_envs)]
        if seed is not None:
            self.systems.seed(seed)
        if seed is not None or not self._waits:  # after truncation, the next episodes have begun already
            self.systems.reset()
        self._started, self._waits, self._shown = True, False, (NOTHING_YET,) * self.num_envs
        return self._output(self.systems.observation), self._masks()

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Rows, NDArray[Any], NDArray[Any], NDArray[Any], Infos]:
        """Simulate one period.

        Parameters
        ----------
        actions : ndarray (B, S) of int
            Partition point of each service in each environment.

        Returns
        -------
        observation : ndarray (B, F) of float32
        reward : ndarray (B,)
        terminated, truncated : ndarray (B,) of bool
        infos : dict
            After truncation with `final_obs` and `final_info` of the episodes that ended.
        """
        systems, count = self.systems, self.num_envs
        none = np.zeros(count, np.bool_)
        if self._waits:
            self._waits, self._shown = False, (NOTHING_YET,) * count
            return self._output(systems.observation), np.zeros(count), none, none.copy(), self._masks()
        taken, points = systems.taken + 1, to_points(systems, actions)
        over = systems.step(points)
        told = step_infos(systems)
        reward = rewards(systems, told, self._reward)
        if self.render_mode is not None:
            self._shown = period_texts(systems, taken, points, told)
        observation, infos = self._after(over, _batched(told))
        return self._output(observation), reward, none, np.full(count, over), infos

    def _after(self, over: bool, infos: Infos) -> tuple[Rows, Infos]:
        """What a step returns, by whether and how episodes end."""
        systems = self.systems
        if not over:
            return systems.observation, infos
        if self.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP:
            self._waits = True
            return systems.final_observation, infos
        last = np.empty(self.num_envs, object)
        last[:] = list(systems.final_observation.copy())
        ended = _batched({"final_obs": last}) | _batched({"final_info": infos}, self.num_envs)
        return systems.observation, ended | self._masks()

    def render(self) -> tuple[str, ...]:
        """Return the last period of every replication as text, like `PartitionEnv.render`."""
        require_text(self.render_mode)
        return self._shown

    def _output(self, rows: Rows) -> Rows:
        return rows.copy() if self.copy else rows

    def _masks(self) -> Infos:
        return _batched({"action_mask": np.repeat(action_mask(self.systems)[None], self.num_envs, axis=0)})


def _autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    known = (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP)
    for one in known:
        if mode in (one, one.value):
            return one
    names = " or ".join(f'"{one.value}"' for one in known)
    raise ProblemError("$.autoreset_mode", f"expected {names}, got {getattr(mode, 'value', mode)!r}")


def _batched(values: Infos, count: int | None = None) -> Infos:
    """Infos as gymnasium batches them: each name comes with a mask of the environments that have it."""
    infos: Infos = {}
    for name, value in values.items():
        infos[name] = value
        infos[f"_{name}"] = np.ones(len(value) if count is None else count, np.bool_)
    return infos


def check_vector_env(
    envs: VectorEnv[Any, Any, Any], make_one: Callable[[], gymnasium.Env[Any, Any]], most_steps: int = 1000
) -> None:
    """Compare a vector environment with single environments that gymnasium steps in turn.

    Spaces, observations, rewards, ends and infos must be bit-identical, for one seed and for a seed of each
    environment, until shortly after the end of the first episode.

    Parameters
    ----------
    envs : VectorEnv
        Stepped and compared.
    make_one : callable
        Makes a single environment.
    most_steps : int
        Limit of each comparison.

    Raises
    ------
    AssertionError
        With the first difference.
    """
    mode: Any = envs.metadata.get("autoreset_mode")
    _require(isinstance(mode, AutoresetMode), f"metadata['autoreset_mode'] is {mode!r}")
    count = envs.num_envs
    singles = SyncVectorEnv([make_one] * count, autoreset_mode=mode)
    for name in ("single_observation_space", "single_action_space", "observation_space", "action_space"):
        _require(getattr(envs, name) == getattr(singles, name), f"{name} differs")
    seeds = [7 * b + 3 for b in range(count)][::-1]
    for seed in (5, seeds, 5):
        _compare(envs, singles, seed, most_steps)
    _check_reuse(envs)
    singles.close()


def _compare(envs: Any, singles: Any, seed: int | list[int], most_steps: int) -> None:
    _require_equal(envs.reset(seed=seed), singles.reset(seed=seed), f"reset(seed={seed})")
    envs.action_space.seed(1)
    last = most_steps
    for step in range(most_steps):
        actions = envs.action_space.sample()
        returned = envs.step(actions)
        _require_equal(returned, singles.step(actions), f"step {step} after reset(seed={seed})")
        if (returned[2] | returned[3]).any():
            last = min(last, step + 3)
        if step >= last:
            break
    _require_equal(envs.reset(), singles.reset(), "reset() without a seed")


def _check_reuse(envs: Any) -> None:
    first = envs.reset(seed=1)
    second = envs.step(envs.action_space.sample())
    third = envs.step(envs.action_space.sample())
    for one, other in ((first, second), (second, third), (first, third)):
        _require(not data_shares_objects(one, other), "the result of a call is changed by the next call")


_OF_RESET = ("observation", "info")
_OF_STEP = ("observation", "reward", "termination", "truncation", "info")


def _require_equal(returned: Any, expected: Any, when: str) -> None:
    names = _OF_STEP if len(returned) == len(_OF_STEP) else _OF_RESET
    for name, one, other in zip(names, returned, expected, strict=True):
        _require(data_equivalence(one, other, exact=True), f"{name} differs at {when}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
