"""Load the policy of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lyaopt.io.damage import damage_named
from lyaopt.io.extras import needs_extra

if TYPE_CHECKING:
    from lyaopt.learning.trained_policy import LearnedPolicy


def load_policy(folder: str | Path) -> LearnedPolicy:
    """Load the policy of a training from its newest checkpoint.

    Parameters
    ----------
    folder : str or Path
        `--out` of `lyaopt train`.

    Returns
    -------
    LearnedPolicy

    Raises
    ------
    ProblemError
        If the folder does not hold a complete training, or its files are damaged.
    MissingExtraError
        Without PyTorch (extra `train`).
    """
    # Here, so that `lyaopt.load_policy` exists without PyTorch: help() and `import *` look at every name.
    with needs_extra("train"):
        from lyaopt.learning.algorithm_protocol import best_network
        from lyaopt.learning.algorithms import find_algorithm, stored_configuration
        from lyaopt.learning.networks import Shape
        from lyaopt.learning.price_rules import PricedScenario, rule_of
        from lyaopt.learning.run_folder import RunFolder
        from lyaopt.learning.stored_rules import stored_rule
        from lyaopt.learning.trained_policy import LearnedPolicy
        from lyaopt.model.scenarios import parse_scenario
    files = RunFolder(folder)
    run = files.load_document()
    tensors, _ = files.load_checkpoint()
    with damage_named(folder):
        algorithm = find_algorithm(run["algorithm"])
        config = stored_configuration(run)
        shape = Shape(run["features"], tuple(run["choices"]), run["first_choice"])
        system = parse_scenario(json.dumps(run["scenario"]))
        network = algorithm.network(shape, config, system)
        network.load_state_dict(best_network(tensors))
        rule = stored_rule(tensors) or rule_of(config, system)
        priced = None if rule is None else PricedScenario(rule, system)
        return LearnedPolicy(network, run["algorithm"], config.features, priced)
