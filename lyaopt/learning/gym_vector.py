"""Many copies of a system as a vector environment of gymnasium, and a check of such environments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra
from lyaopt.learning.gym import (
    Scenario,
    action_mask,
    action_space,
    make_systems,
    observation_space,
    step_infos,
    to_points,
)
from lyaopt.learning.observer import Rows

with needs_extra("train"):
    import gymnasium
    from gymnasium.utils.env_checker import data_equivalence, data_shares_objects
    from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
    from gymnasium.vector.utils import batch_space

Infos = dict[str, Any]


class PartitionVectorEnv(VectorEnv[Rows, NDArray[np.int64], NDArray[Any]]):
    """Copies of `PartitionEnv`, stepped by the compiled kernels all together.

    Copy b, seeded as an environment alone is, goes through the same, bit for bit. All episodes are truncated
    together, and the next ones begin in the same step.

    Parameters
    ----------
    num_envs : int
    scenario, decisions, features, render_mode
        As of `PartitionEnv`.
    copy : bool
        Whether observations are copied out of the buffers that the next step writes.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Scenario = "default",
        decisions: int | None = None,
        features: Collection[str] = (),
        render_mode: None = None,
        copy: bool = True,
    ) -> None:
        self.num_envs, self.copy = num_envs, copy
        self.systems = make_systems(scenario, num_envs, decisions, features)
        self.single_observation_space = observation_space(self.systems)
        self.single_action_space = action_space(self.systems)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._started = False

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Rows, Infos]:
        """Begin all episodes: the first ones of the seeds (of seed + b, if it is one), or the next ones."""
        if options and "reset_mask" in options:
            raise ProblemError("$.options.reset_mask", "expected none, copies are reset all together")
        if seed is None and not self._started:
            seed = self.np_random_seed
        if isinstance(seed, (int, np.integer)):
            seed = [int(seed) + b for b in range(self.num_envs)]
        if seed is not None:
            self.systems.seed(seed)
        self.systems.reset()
        self._started = True
        return self._shown(self.systems.observation), self._masks()

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Rows, NDArray[Any], NDArray[Any], NDArray[Any], Infos]:
        """Take a period; where it ends the episodes, `final_obs` and `final_info` have what was seen last."""
        systems, count = self.systems, self.num_envs
        over = systems.step(to_points(systems, actions))
        infos = _batched(step_infos(systems))
        if over:
            last = np.empty(count, object)
            last[:] = list(systems.final_observation.copy())
            infos = _batched({"final_obs": last}) | _batched({"final_info": infos}, count) | self._masks()
        observation, reward = self._shown(systems.observation), systems.reward.astype(np.float64)
        return observation, reward, np.zeros(count, np.bool_), np.full(count, over), infos

    def _shown(self, rows: Rows) -> Rows:
        return rows.copy() if self.copy else rows

    def _masks(self) -> Infos:
        return _batched({"action_mask": np.repeat(action_mask(self.systems)[None], self.num_envs, axis=0)})


def _batched(values: Infos, count: int | None = None) -> Infos:
    """Infos as gymnasium batches them: beside each name, which copies have it."""
    infos: Infos = {}
    for name, value in values.items():
        infos[name] = value
        infos[f"_{name}"] = np.ones(len(value) if count is None else count, np.bool_)
    return infos


def check_vector_env(
    envs: VectorEnv[Any, Any, Any], make_one: Callable[[], gymnasium.Env[Any, Any]], most_steps: int = 1000
) -> None:
    """Hold a vector environment to single ones that gymnasium steps in turn.

    Spaces, observations, rewards, ends and infos have to be equal, bit for bit, for one seed and for seeds of
    each copy, through the end of an episode and a little into the next.

    Parameters
    ----------
    envs : VectorEnv
    make_one : callable
        Makes one of the environments that it stands for.
    most_steps : int
        Of each comparison, if no episode ends.

    Raises
    ------
    AssertionError
        Says what differs.
    """
    mode: Any = envs.metadata.get("autoreset_mode")
    _require(isinstance(mode, AutoresetMode), f"metadata['autoreset_mode'] is {mode!r}")
    count = envs.num_envs
    singles = SyncVectorEnv([make_one] * count, autoreset_mode=mode)
    for name in ("single_observation_space", "single_action_space", "observation_space", "action_space"):
        _require(getattr(envs, name) == getattr(singles, name), f"{name} differs")
    apart = [7 * b + 3 for b in range(count)][::-1]
    for seed in (5, apart, 5):
        _compare(envs, singles, seed, most_steps)
    _check_reuse(envs)
    singles.close()


def _compare(envs: Any, singles: Any, seed: int | list[int], most_steps: int) -> None:
    _require_equal(envs.reset(seed=seed), singles.reset(seed=seed), f"reset(seed={seed})")
    envs.action_space.seed(1)
    left = most_steps
    for step in range(most_steps):
        actions = envs.action_space.sample()
        found = envs.step(actions)
        _require_equal(found, singles.step(actions), f"step {step} after reset(seed={seed})")
        if (found[2] | found[3]).any():
            left = min(left, step + 3)
        if step >= left:
            break
    _require_equal(envs.reset(), singles.reset(), "reset() without a seed")


def _check_reuse(envs: Any) -> None:
    first = envs.reset(seed=1)
    second = envs.step(envs.action_space.sample())
    third = envs.step(envs.action_space.sample())
    for one, other in ((first, second), (second, third), (first, third)):
        _require(not data_shares_objects(one, other), "what one call returned is changed by the next")


def _require_equal(found: Any, expected: Any, when: str) -> None:
    for name, one, other in zip(
        ("observation", "reward", "termination", "truncation", "info")
        if len(found) == 5
        else ("observation", "info"),
        found,
        expected,
        strict=True,
    ):
        _require(data_equivalence(one, other, exact=True), f"{name} differs at {when}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
