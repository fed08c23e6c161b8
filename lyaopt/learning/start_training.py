"""Begin a training in an empty folder, or resume the one that it holds."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
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
from lyaopt.simulation.trace_parts import TraceParts
from lyaopt.simulation.traces import Trace


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
    trace: TraceParts | None = None,
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
    trace : TraceParts, optional
        Arrivals and channels, of whose first part all is that the training simulates.
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
    training = Training(folder, system, entry, config, seed, ranges, _trained_on(trace))
    named = {"algorithm": algorithm, "preset": preset, "seed": seed}
    used = {} if trace is None else {"trace": trace.to_dict()}
    folder.write_document({**named, **_run_document(training, system), **used})
    return training


def resume(
    folder: RunFolder, system: System, algorithm: str, *, trace: TraceParts | None = None, **expected: Any
) -> Training:
    """Resume the training of a folder from its checkpoint, or from the start without one.

    Parameters
    ----------
    folder : RunFolder
        Locked.
    system : System
        To train on; must equal that of the run.
    algorithm : str
        A name in `ALGORITHMS`; must equal that of the run.
    trace : TraceParts, optional
        Must have the recording and the part of the run.
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
        _check_trace(run.get("trace"), trace)
        return _resumed(folder, run, system, {**expected, "algorithm": algorithm}, _trained_on(trace))


def _trained_on(trace: TraceParts | None) -> Trace | None:
    return None if trace is None else trace.searched


def _check_trace(begun: Mapping[str, Any] | None, trace: TraceParts | None) -> None:
    """Check that a training continues on the part of the trace on which it was begun."""
    given = None if trace is None else trace.to_dict()
    if given == begun:
        return
    place, expected, got = "$.trace", _named(begun), _named(given)
    if given is not None and begun is not None and given["sha256"] == begun["sha256"]:
        place, expected, got = "$.search_slots", begun["searched_slots"], given["searched_slots"]
    raise ProblemError(place, f"expected {expected}, as the training was begun; got {got}")


def _named(trace: Mapping[str, Any] | None) -> str:
    return "none" if trace is None else f"the trace of SHA-256 {trace['sha256'][:12]}"


def _resumed(
    folder: RunFolder, run: dict[str, Any], system: System, expected: dict[str, Any], trace: Trace | None
) -> Training:
    entry = find_algorithm(expected["algorithm"], expected.get("preset"))
    ranges = Ranges.from_dict(run["ranges"])
    named = {name: run[name] for name in ("preset", "seed", "algorithm")}
    actual = {**run["config"], **named, "ranges": ranges}
    for name, value in expected.items():
        if value != actual[name]:
            reason = f"expected {actual[name]!r}, as the training was begun; got {value!r}"
            raise ProblemError(f"$.{name}", reason)
    if json.loads(json.dumps(scenario_to_dict(system))) != run["scenario"]:
        raise ProblemError("$.scenario", f"expected the scenario in {folder.path}, got another one")
    training = Training(folder, system, entry, stored_configuration(run), run["seed"], ranges, trace)
    if folder.has_checkpoint:
        training.restore()
    return training


def _run_document(training: Training, system: System) -> dict[str, Any]:
    """What `run.json` holds besides names and seed."""
    return {
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
