"""Training runs: from the first update to the last, in one process or in several."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np
import torch

from lyaopt.errors import DivergedError, ProblemError
from lyaopt.io.input_files import open_regular
from lyaopt.learning.algorithm_protocol import Report, below
from lyaopt.learning.algorithms import Algorithm
from lyaopt.learning.price_rules import rule_of
from lyaopt.learning.ranges import FIXED, Ranges
from lyaopt.learning.run_folder import LOG, RunFolder
from lyaopt.learning.stored_rules import rule_tensors
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.system import System
from lyaopt.simulation.traces import Trace

_BETWEEN_CHECKPOINTS_S = 10.0
_ENVIRONMENT = "environment."

Progress = Callable[[dict[str, Any]], bool]


def use_one_thread() -> None:
    """Restrict PyTorch to one thread: faster for small networks, and results do not depend on the number."""
    torch.set_num_threads(1)


@dataclass(frozen=True)
class Summary:
    """Results of a training.

    Attributes
    ----------
    finished : bool
        Whether all updates are done.
    updates, episodes, decisions : int
        Totals over all processes.
    seconds, decisions_per_s : float
        Of this process.
    searched : int
        Slots simulated in addition to those of the decisions, for the start and the checks.
    shares : dict
        Shares of the time: ``system`` (environment), ``rollout`` (the rest of collecting) and ``update``.
    first, last : dict or None
        First and last log lines of this process; None if the training was finished before.
    kept_start : bool or None
        Whether no network of the training was better than that of its start, which is then the policy; None
        where networks were not compared.
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
    kept_start: bool | None = None


class Training:
    """A training in a locked folder (see `RunFolder.locked`).

    It continues from the checkpoint of the folder. On one machine the results are bit-identical however often
    it is stopped. Checkpoints are written after updates; algorithms whose state is complete only at the start
    of an episode repeat the updates since then.

    Parameters
    ----------
    folder : RunFolder
    system : System
    algorithm : Algorithm
    config : TrainingConfig
    seed : int
    ranges : Ranges, optional
        Settings that every episode draws.
    trace : Trace, optional
        Arrivals and channels of all that the training simulates, its searches and checks as well.

    Raises
    ------
    ProblemError
        If there are ranges and the network has no inputs for them, or a trace beside them.
    """

    def __init__(
        self,
        folder: RunFolder,
        system: System,
        algorithm: Algorithm,
        config: TrainingConfig,
        seed: int,
        ranges: Ranges = FIXED,
        trace: Trace | None = None,
    ) -> None:
        if ranges.names and getattr(config, "network", "flat") != "shared":
            reason = "expected a network with capacities among its inputs (preset shared or best)"
            raise ProblemError("$.ranges", reason)
        self.folder, self.config = folder, config
        rule = rule_of(config, system, () if trace is None else (trace,))
        # Without a trace the rule is that of the scenario, by which it is built again.
        self._rule = {} if rule is None or trace is None else rule_tensors(rule)
        priced = {} if rule is None else {"rule": rule}
        self.environment = algorithm.systems(
            system,
            **priced,
            replications=config.replications,
            seed=seed,
            decisions=config.decisions_per_episode,
            features=config.features,
            ranges=ranges,
            trace=trace,
        )
        self.learner = algorithm.learner(self.environment, config, seed)
        self._log_length = 0

    def restore(self) -> None:
        """Continue from the checkpoint of the folder."""
        tensors, progress = self.folder.load_checkpoint()
        self.learner.restore(tensors)
        self._log_length = progress["log_bytes"]
        if type(self._log_length) is not int or self._log_length < 0:
            raise ProblemError("$.log_bytes", f"expected a number of bytes, got {self._log_length!r}")
        if self.learner.stops_anywhere:
            arrays = {name: tensor.numpy() for name, tensor in below(_ENVIRONMENT, tensors).items()}
            self.environment.restore(arrays)
        else:
            self.environment.begin(progress["round"])

    def run(self, progress: Progress = lambda line: True) -> Summary:
        """Train to the end, or until `progress` returns False.

        Parameters
        ----------
        progress : callable
            Called with the log line after every update.

        Returns
        -------
        Summary

        Raises
        ------
        DivergedError
            If a reward, loss or gradient is not finite; the last checkpoint stays in place.
        """
        with self.folder.log(self._log_length) as log:
            return self._run(log, progress)

    def _run(self, log: IO[bytes], progress: Progress) -> Summary:
        start = written = time.perf_counter()
        lines: list[dict[str, Any]] = []
        spent = np.zeros(3)
        before, going = self.learner.done, True
        # A state that is complete after every update is copied only where it is written.
        late = self.learner.stops_anywhere
        snapshot, pending = None if late else self._snapshot(log), True
        while going and self.learner.done < self.config.updates:
            report = self._update()
            line = self._line(report)
            spent += report.environment_s, report.collect_s - report.environment_s, report.learn_s
            lines = [*lines[:1], line]
            log.write(json.dumps(line).encode() + b"\n")
            log.flush()
            going = progress(line)
            if late or self.learner.done % self.config.updates_per_round == 0:
                snapshot, pending = None if late else self._snapshot(log), True
                now = time.perf_counter()
                if now - written > _BETWEEN_CHECKPOINTS_S:
                    self.folder.write_checkpoint(snapshot or self._snapshot(log), log)
                    written, pending = now, False
        if pending:
            self.folder.write_checkpoint(snapshot or self._snapshot(log), log)
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
        tensors = self.learner.state() | self._rule
        if self.learner.stops_anywhere:
            arrays = self.environment.snapshot()
            tensors |= {f"{_ENVIRONMENT}{name}": torch.from_numpy(array) for name, array in arrays.items()}
        return self.folder.format_checkpoint(tensors, progress)

    def _line(self, report: Report) -> dict[str, Any]:
        fields = asdict(report)
        measures, losses = fields.pop("measures"), fields.pop("losses")
        done = {
            "update": fields.pop("update"),
            "episodes": self._episodes(report.update),
            "decisions": self._decisions(report.update),
            "return": report.reward * self.config.decisions_per_episode,
        }
        return {**done, **measures, **losses, **fields}

    def _summary(
        self, before: int, seconds: float, spent: np.ndarray, lines: list[dict[str, Any]]
    ) -> Summary:
        done = self.learner.done
        shares = dict(zip(("system", "rollout", "update"), (spent / seconds).tolist(), strict=True))
        return Summary(
            finished=done == self.config.updates,
            updates=done,
            episodes=self._episodes(done),
            decisions=self._decisions(done),
            seconds=seconds,
            decisions_per_s=self._decisions(done - before) / seconds,
            searched=getattr(self.learner, "searched", 0),
            shares=shares,
            first=lines[0] if lines else None,
            last=lines[-1] if lines else None,
            kept_start=self._kept_start(),
        )

    def _kept_start(self) -> bool | None:
        """Whether all networks that were checked, by any process, were worse than that of the start."""
        with open_regular(self.folder.path / LOG) as log:
            checks = [json.loads(line)["is_best"] for line in log if b'"is_best"' in line]
        return not any(checks) if checks else None
