"""Vector environment of stable-baselines3."""

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
    """A `VectorSystems` for the algorithms of stable-baselines3.

    Observations and rewards are copied, because the algorithms store them. Episodes are truncated, and the
    algorithms bootstrap from `terminal_observation`. Wrap it in `VecMonitor` to log returns.

    Parameters
    ----------
    systems : VectorSystems
    """

    def __init__(self, systems: VectorSystems) -> None:
        self.systems = systems
        self._actions = np.zeros((systems.replications, systems.choices.size), np.int64)
        super().__init__(systems.replications, observation_space(systems), action_space(systems))

    def reset(self) -> Rows:
        """Begin the next episodes, or after `seed` the first ones of its seeds."""
        seeds = [seed for seed in self._seeds if seed is not None]
        if seeds:
            self.systems.seed(seeds)
        self._reset_seeds()
        self._reset_options()
        self.systems.reset()
        return self.systems.observation.copy()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Store `actions` (B, S) for `step_wait`."""
        self._actions = to_points(self.systems, actions)

    def step_wait(self) -> tuple[Rows, Rows, NDArray[np.bool_], list[dict[str, Any]]]:
        """Simulate one period."""
        systems = self.systems
        over = systems.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over:
            for info, last in zip(infos, systems.final_observation.copy(), strict=True):
                info.update({"terminal_observation": last, "TimeLimit.truncated": True})
        return systems.observation.copy(), systems.reward.copy(), np.full(self.num_envs, over), infos

    def close(self) -> None:
        """Do nothing: no resources are open."""

    def get_attr(self, attr_name: str, indices: _Indices = None) -> list[Any]:
        """Return `attr_name` of the `VectorSystems` for each of `indices`; `render_mode` is None."""
        value = None if attr_name == "render_mode" else getattr(self.systems, attr_name)
        return [value for _ in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: _Indices = None) -> None:
        """Refuse to set `attr_name` to `value` for `indices`: replications share all attributes."""
        raise AttributeError(f"replications share all attributes: {attr_name!r} cannot be set")

    def env_method(
        self, method_name: str, *method_args: Any, indices: _Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Refuse to call `method_name` with `method_args` and `method_kwargs` for `indices`."""
        raise AttributeError(f"replications have no method {method_name!r}")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: _Indices = None
    ) -> list[bool]:
        """Return False for each of `indices`: none is wrapped in `wrapper_class`."""
        return [False for _ in self._chosen(indices)]

    def _chosen(self, indices: _Indices) -> Sequence[int]:
        return list(self._get_indices(indices))
