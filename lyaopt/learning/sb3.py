"""Copies of a system as the vector environment of stable-baselines3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.io.extras import needs_extra
from lyaopt.learning.observer import Rows
from lyaopt.learning.systems import VectorSystems

with needs_extra("sb3"):
    import gymnasium
    from stable_baselines3.common.vec_env import VecEnv

    from lyaopt.learning.gym import action_space, observation_space, to_points

_Indices = None | int | Iterable[int]


class PartitionVecEnv(VecEnv):
    """What the algorithms of stable-baselines3 train on.

    Its observations and rewards are copies, as those algorithms keep them. Ends are truncations, which they
    bootstrap from `terminal_observation`. Returns of episodes are logged by its `VecMonitor` around this.

    Parameters
    ----------
    systems : VectorSystems
    """

    def __init__(self, systems: VectorSystems) -> None:
        self.systems = systems
        self._actions = np.zeros((systems.replications, systems.choices.size), np.int64)
        super().__init__(systems.replications, observation_space(systems), action_space(systems))

    def reset(self) -> Rows:
        """Begin the first episodes of the seeds given to `seed`, or the next ones."""
        seeds = [seed for seed in self._seeds if seed is not None]
        if seeds:
            self.systems.seed(seeds)
        self._reset_seeds()
        self._reset_options()
        self.systems.reset()
        return self.systems.observation.copy()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take note of the actions."""
        self._actions = to_points(self.systems, actions)

    def step_wait(self) -> tuple[Rows, Rows, NDArray[np.bool_], list[dict[str, Any]]]:
        """Take a period."""
        systems = self.systems
        over = systems.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over:
            for info, last in zip(infos, systems.final_observation.copy(), strict=True):
                info.update({"terminal_observation": last, "TimeLimit.truncated": True})
        return systems.observation.copy(), systems.reward.copy(), np.full(self.num_envs, over), infos

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: _Indices = None) -> list[Any]:
        """An attribute of the copies, which is that of `VectorSystems`; there is no `render_mode`."""
        value = None if attr_name == "render_mode" else getattr(self.systems, attr_name)
        return [value for _ in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: _Indices = None) -> None:
        """Copies have no attributes of their own."""
        raise AttributeError(f"copies of a system are alike: {attr_name!r} cannot be set")

    def env_method(
        self, method_name: str, *method_args: Any, indices: _Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Copies have no methods of their own."""
        raise AttributeError(f"copies of a system have no method {method_name!r}")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: _Indices = None
    ) -> list[bool]:
        """None of the copies is."""
        return [False for _ in self._chosen(indices)]

    def _chosen(self, indices: _Indices) -> Sequence[int]:
        return list(self._get_indices(indices))
