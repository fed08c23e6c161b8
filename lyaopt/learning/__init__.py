"""Learning the partition points: environments, networks, and the algorithms that train them.

Importing the package registers `lyaopt/Partition-v0` with gymnasium, if that is installed. Names that need
PyTorch (extra `train`) are imported on first use: environments work without it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lyaopt.errors import DivergedError
from lyaopt.io.extras import needs_extra
from lyaopt.learning.config import PPOConfig, preset, preset_names
from lyaopt.learning.ddpg_config import DDPGConfig
from lyaopt.learning.loading import load_policy
from lyaopt.learning.observer import FeatureLayout, Observer
from lyaopt.learning.systems import VectorSystems

if TYPE_CHECKING:
    from lyaopt.learning.algorithm_protocol import Learner, Report
    from lyaopt.learning.ddpg import DDPG
    from lyaopt.learning.ppo import PPO
    from lyaopt.learning.trained_policy import LearnedPolicy
    from lyaopt.learning.training import Summary, Training

ENVIRONMENT = "lyaopt/Partition-v0"

_WITH_TORCH = {
    "LearnedPolicy": "trained_policy",
    "Learner": "algorithm_protocol",
    "Report": "algorithm_protocol",
    "DDPG": "ddpg",
    "PPO": "ppo",
    "Summary": "training",
    "Training": "training",
}

__all__ = [
    "DDPG",
    "ENVIRONMENT",
    "PPO",
    "DDPGConfig",
    "DivergedError",
    "FeatureLayout",
    "LearnedPolicy",
    "Learner",
    "Observer",
    "PPOConfig",
    "Report",
    "Summary",
    "Training",
    "VectorSystems",
    "load_policy",
    "preset",
    "preset_names",
]


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs_extra("train"):
        return getattr(import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)


def _register() -> None:
    from gymnasium.envs.registration import register, registry

    if ENVIRONMENT not in registry:
        register(
            ENVIRONMENT,
            entry_point="lyaopt.learning.gym:PartitionEnv",
            vector_entry_point="lyaopt.learning.gym_vector:PartitionVectorEnv",
        )


if find_spec("gymnasium") is not None:
    _register()
