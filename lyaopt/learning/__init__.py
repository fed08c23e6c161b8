"""Learning the partition points: environments, networks, and the algorithms that train them.

Importing it makes `lyaopt/Partition-v0` known to gymnasium, where that is installed.
"""

from importlib.util import find_spec

from lyaopt.learning.observer import FeatureLayout, Observer
from lyaopt.learning.systems import VectorSystems

__all__ = ["ENVIRONMENT", "FeatureLayout", "Observer", "VectorSystems"]

ENVIRONMENT = "lyaopt/Partition-v0"


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
