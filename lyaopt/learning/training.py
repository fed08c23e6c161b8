"""Training runs: from the first update to the last, in one go or in several."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np
import torch

from lyaopt._version import __version__
from lyaopt.errors import DivergedError, ProblemError
from lyaopt.learning.algorithm_protocol import Report, below
from lyaopt.learning.algorithms import Algorithm, find_algorithm
from lyaopt.learning.config import WITH_RANGES
from lyaopt.learning.observer import Observer
from lyaopt.learning.ranges import FIXED, Ranges
from lyaopt.learning.run_folder import RunFolder
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.scenarios import scenario_to_dict
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut

_BETWEEN_CHECKPOINTS_S = 10.0
_ENVIRONMENT = "environment."

Progress = Callable[[dict[str, Any]], bool]


def use_one_thread() -> None:
    """Let this process compute in one thread: more are slower for small networks and change last bits."""
    torch.set_num_threads(1)


def run_document(
    system: System,
    config: TrainingConfig,
    preset: str | None,
    seed: int,
    algorithm: str,
    ranges: Ranges = FIXED,
) -> dict[str, Any]:
    """What a training is asked for, as its folder keeps it."""
    return {
        "algorithm": algorithm,
        "preset": preset,
        "seed": seed,
        "config": asdict(config),
        "ranges": ranges.to_dict(),
        "features": Observer(system, config.features).layout.size,
        "choices": system.cuts.tolist(),
        "first_choice": least_cut(system),
        "scenario": scenario_to_dict(system),
        "versions": {
            "lyaopt": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


@dataclass(frozen=True)
class Summary:
    """How a training went.

    Attributes
    ----------
    finished : bool
        Whether it came to its last update.
    updates, episodes, decisions : int
        Made so far, in all runs together.
    seconds, decisions_per_s : float
        Of this run.
    searched : int
        Slots that were simulated beside those of the decisions, for a start and to compare networks.
    shares : dict
        Parts of the time: ``system`` (environment), ``rollout`` (the rest of collecting) and ``update``.
    first, last : dict
        The first and last lines of this run's log; none if it was finished before.
    """

    finished: bool
    updates: int
    episodes: int
    decisions: int
    seconds: float
    decisions_per_s: float
    searched: int
    shares: dict[str, float]
    first: dict[str, Any] | None
    last: dict[str, Any] | None


class Training:
    """A training in a folder that it has to itself (see `RunFolder.locked`).

    It goes on where the folder's checkpoint stands, and equal bits come of it on one machine however often it
    was stopped. Checkpoints are taken after updates, of algorithms that remember whole episodes only where
    these begin: what was learnt since then is done again.
    """

    def __init__(
        self,
        folder: RunFolder,
        system: System,
        algorithm: Algorithm,
        config: TrainingConfig,
        seed: int,
        ranges: Ranges = FIXED,
    ) -> None:
        if ranges.names and getattr(config, "network", "flat") != "shared":
            reason = "expected a network that is told the capacities (preset shared), to vary them"
            raise ProblemError("$.ranges", reason)
        self.folder, self.config = folder, config
        self.environment = algorithm.systems(
            system,
            replications=config.replications,
            seed=seed,
            decisions=config.decisions_per_episode,
            features=config.features,
            ranges=ranges,
        )
        self.learner = algorithm.learner(self.environment, config, seed)
        self._log_length = 0

    def restore(self) -> None:
        """Go on from the checkpoint of the folder."""
        tensors, progress = self.folder.read_checkpoint()
        self.learner.restore(tensors)
        self._log_length = progress["log_bytes"]
        if self.learner.stops_anywhere:
            arrays = {name: tensor.numpy() for name, tensor in below(_ENVIRONMENT, tensors).items()}
            self.environment.go_on(arrays)
        else:
            self.environment.begin(progress["round"])

    def run(self, progress: Progress = lambda line: True) -> Summary:
        """Train to the end, or until `progress` answers False.

        Parameters
        ----------
        progress : callable
            Called with the line of the log after every update.

        Raises
        ------
        DivergedError
            If a reward, loss or gradient is no number; the checkpoint stays as it was.
        """
        with self.folder.log(self._log_length) as log:
            return self._run(log, progress)

    def _run(self, log: IO[bytes], progress: Progress) -> Summary:
        start = written = time.perf_counter()
        lines: list[dict[str, Any]] = []
        spent = np.zeros(3)
        before, wanted = self.learner.done, True
        snapshot: bytes | None = self._snapshot(log)
        while wanted and self.learner.done < self.config.updates:
            report = self._update()
            line = self._line(report)
            spent += report.environment_s, report.collect_s - report.environment_s, report.learn_s
            lines = [*lines[:1], line]
            log.write(json.dumps(line).encode() + b"\n")
            log.flush()
            wanted = progress(line)
            if self.learner.stops_anywhere or self.learner.done % self.config.updates_per_round == 0:
                snapshot = self._snapshot(log)
                now = time.perf_counter()
                if now - written > _BETWEEN_CHECKPOINTS_S:
                    self.folder.write_checkpoint(snapshot)
                    written, snapshot = now, None
        if snapshot is not None:
            self.folder.write_checkpoint(snapshot)
        return self._summary(before, time.perf_counter() - start, spent, lines)

    def _update(self) -> Report:
        try:
            return self.learner.update()
        except DivergedError as error:
            raise DivergedError(f"{error} (episode {self._episodes(self.learner.done) + 1})") from None

    def _episodes(self, updates: int) -> int:
        return updates // self.config.updates_per_round * self.config.replications

    def _decisions(self, updates: int) -> int:
        return updates * self.config.rollout * self.config.replications

    def _snapshot(self, log: IO[bytes]) -> bytes:
        progress = {"round": self.environment.episode, "log_bytes": log.tell()}
        tensors = self.learner.state()
        if self.learner.stops_anywhere:
            arrays = self.environment.snapshot()
            tensors |= {f"{_ENVIRONMENT}{name}": torch.from_numpy(array) for name, array in arrays.items()}
        return self.folder.encode(tensors, progress)

    def _line(self, report: Report) -> dict[str, Any]:
        seen = asdict(report)
        measures, losses = seen.pop("measures"), seen.pop("losses")
        done = {
            "update": seen.pop("update"),
            "episodes": self._episodes(report.update),
            "decisions": self._decisions(report.update),
            "return": report.reward * self.config.decisions_per_episode,
        }
        return {**done, **measures, **losses, **seen}

    def _summary(
        self, before: int, seconds: float, spent: np.ndarray, lines: list[dict[str, Any]]
    ) -> Summary:
        done = self.learner.done
        made = self._decisions(done - before)
        shares = dict(zip(("system", "rollout", "update"), (spent / seconds).tolist(), strict=True))
        return Summary(
            finished=done == self.config.updates,
            updates=done,
            episodes=self._episodes(done),
            decisions=self._decisions(done),
            seconds=seconds,
            decisions_per_s=made / seconds,
            searched=getattr(self.learner, "searched", 0),
            shares=shares,
            first=lines[0] if lines else None,
            last=lines[-1] if lines else None,
        )


def configuration(
    system: System, algorithm: str, preset: str | None = None, ranges: Ranges = FIXED, **changes: Any
) -> Any:
    """The configuration with which `begin` would train; `ProblemError` if an argument is wrong."""
    found = find_algorithm(algorithm, preset)
    preset = preset or found.default_preset
    usual = WITH_RANGES.get(preset or "", {}) if ranges.names else {}
    return found.configure(preset, system.learning, {**usual, **changes})


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
    """A new training in a folder that holds none yet.

    Parameters
    ----------
    folder : RunFolder
        Locked.
    algorithm : str
        A name of `ALGORITHMS`.
    preset : str, optional
        For algorithms that have any.
    ranges : Ranges, optional
        Capacities that every episode draws anew; for networks that are told them.
    **changes
        Fields of the algorithm's configuration.

    Raises
    ------
    ProblemError
        If the folder holds a training, or an argument is wrong.
    """
    if folder.has_run:
        reason = f"{folder.path} holds a training: resume it, or choose another folder"
        raise ProblemError("$.out", reason)
    found = find_algorithm(algorithm, preset)
    preset = preset or found.default_preset
    config = configuration(system, algorithm, preset, ranges, **changes)
    training = Training(folder, system, found, config, seed, ranges)
    folder.write_run(run_document(system, config, preset, seed, algorithm, ranges))
    return training


def resume(folder: RunFolder, system: System, algorithm: str, **given: Any) -> Training:
    """The training of a folder, which goes on where its checkpoint stands, or begins if it has none.

    Parameters
    ----------
    **given
        `preset`, `seed`, `ranges` and fields of the configuration; what is given must be as it was.

    Raises
    ------
    ProblemError
        If the folder holds no training, or one of something else.
    """
    run = folder.read_run()
    found = find_algorithm(algorithm, given.get("preset"))
    ranges = Ranges.from_dict(run["ranges"])
    named = {name: run[name] for name in ("preset", "seed", "algorithm")}
    were = {**run["config"], **named, "ranges": ranges}
    for name, value in {**given, "algorithm": algorithm}.items():
        if value != (was := were[name]):
            raise ProblemError(f"$.{name}", f"expected {was!r}, as the training was begun; got {value!r}")
    if json.loads(json.dumps(scenario_to_dict(system))) != run["scenario"]:
        raise ProblemError("$.scenario", f"expected the scenario in {folder.path}, got another one")
    training = Training(folder, system, found, found.config(**run["config"]), run["seed"], ranges)
    if folder.has_checkpoint:
        training.restore()
    return training
