"""Begin a training in an empty folder, or resume the one that it holds."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from lyaopt._version import __version__
from lyaopt.errors import ProblemError
from lyaopt.io.damage import damage_named
from lyaopt.learning.algorithms import find_algorithm, stored_configuration
from lyaopt.learning.config import WITH_RANGES
from lyaopt.learning.ranges import FIXED, Ranges
from lyaopt.learning.run_folder import RunFolder
from lyaopt.learning.training import Training
from lyaopt.model.scenarios import scenario_to_dict
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut


def configuration(
    system: System, algorithm: str, preset: str | None = None, ranges: Ranges = FIXED, **changes: Any
) -> Any:
    """Make the configuration with which `begin` would train.

    Parameters
    ----------
    system : System
        Its `learning` settings enter the configuration.
    algorithm : str
        A name in `ALGORITHMS`.
    preset : str, optional
        The algorithm's default if left out.
    ranges : Ranges, optional
        Settings that every episode draws; presets change with them.
    **changes
        Fields of the algorithm's configuration.

    Returns
    -------
    PPOConfig or DDPGConfig

    Raises
    ------
    ProblemError
        If an argument is wrong.
    """
    entry = find_algorithm(algorithm, preset)
    preset = preset or entry.default_preset
    with_ranges = WITH_RANGES.get(preset or "", {}) if ranges.names else {}
    return entry.configure(preset, system.learning, {**with_ranges, **changes})


def begin(
    folder: RunFolder,
    system: System,
    algorithm: str,
    *,
    preset: str | None = None,
    seed: int = 0,
    ranges: Ranges = FIXED,
    **changes: Any,
) -> Training:
    """Begin a training in a folder that holds none.

    Parameters
    ----------
    folder : RunFolder
        Locked.
    system : System
        To train on.
    algorithm : str
        A name in `ALGORITHMS`.
    preset : str, optional
        The algorithm's default if left out.
    seed : int
        Training seed.
    ranges : Ranges, optional
        Settings that every episode draws; needs a shared network.
    **changes
        Fields of the algorithm's configuration.

    Returns
    -------
    Training

    Raises
    ------
    ProblemError
        If the folder holds a training, or an argument is wrong.
    """
    if folder.has_document:
        reason = f"{folder.path} holds a training: resume it, or choose another folder"
        raise ProblemError("$.out", reason)
    entry = find_algorithm(algorithm, preset)
    preset = preset or entry.default_preset
    config = configuration(system, algorithm, preset, ranges, **changes)
    training = Training(folder, system, entry, config, seed, ranges)
    folder.write_document(_run_document(training, system, preset, seed, algorithm))
    return training


def resume(folder: RunFolder, system: System, algorithm: str, **expected: Any) -> Training:
    """Resume the training of a folder from its checkpoint, or from the start without one.

    Parameters
    ----------
    folder : RunFolder
        Locked.
    system : System
        To train on; must equal that of the run.
    algorithm : str
        A name in `ALGORITHMS`; must equal that of the run.
    **expected
        `preset`, `seed`, `ranges` and fields of the configuration that the training must have.

    Returns
    -------
    Training

    Raises
    ------
    ProblemError
        If the folder holds no training, a different one, or damaged files.
    """
    run = folder.load_document()
    with damage_named(folder.path):
        return _resumed(folder, run, system, algorithm, expected)


def _resumed(
    folder: RunFolder, run: dict[str, Any], system: System, algorithm: str, expected: dict[str, Any]
) -> Training:
    entry = find_algorithm(algorithm, expected.get("preset"))
    ranges = Ranges.from_dict(run["ranges"])
    named = {name: run[name] for name in ("preset", "seed", "algorithm")}
    actual = {**run["config"], **named, "ranges": ranges}
    for name, value in {**expected, "algorithm": algorithm}.items():
        if value != actual[name]:
            reason = f"expected {actual[name]!r}, as the training was begun; got {value!r}"
            raise ProblemError(f"$.{name}", reason)
    if json.loads(json.dumps(scenario_to_dict(system))) != run["scenario"]:
        raise ProblemError("$.scenario", f"expected the scenario in {folder.path}, got another one")
    training = Training(folder, system, entry, stored_configuration(run), run["seed"], ranges)
    if folder.has_checkpoint:
        training.restore()
    return training


def _run_document(
    training: Training, system: System, preset: str | None, seed: int, algorithm: str
) -> dict[str, Any]:
    """What `run.json` holds."""
    return {
        "algorithm": algorithm,
        "preset": preset,
        "seed": seed,
        "config": asdict(training.config),
        "ranges": training.environment.ranges.to_dict(),
        "features": training.environment.observer.size,
        "choices": system.cut_counts.tolist(),
        "first_choice": least_cut(system),
        "scenario": scenario_to_dict(system),
        "versions": {
            "lyaopt": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
