"""Run tasks on workers that may raise, crash or hang.

Each worker writes a marker file with its process id and host for the task that it runs. The markers show
which tasks were running when a worker died. A task over its time limit has its worker killed. A dying worker
may take others with it. Tasks that were running are therefore repeated once, one at a time; tasks that raised
are repeated once as well. Tasks that fail again are reported, and all others are completed.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lyaopt.errors import EngineError
from lyaopt.experiments.engines import engine

_CHECK_EVERY_S = 0.2
_DIED = "its worker died"
_ATTEMPTS, _PATIENCE = 2, 3

Work = Callable[[Any], None]
Progress = Callable[[int], None]
Failures = dict[str, str]


def _attempt(work: Work, key: str, task: Any, running: str, folder: str = "") -> str | None:
    """Run a task in a worker; return None, or the reason of the failure.

    It runs in the `folder` in which the tasks were started, where relative paths and modules of the user's
    are found: a worker may have served others before, from another one.
    """
    if folder:
        with suppress(OSError):  # another machine may not have it
            os.chdir(folder)
        if folder not in sys.path:
            sys.path.append(folder)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C
    _end_with(os.getppid())
    marker = Path(running) / key
    try:
        if _attempts(marker) == _ATTEMPTS:  # Dask repeats the task of a dead worker without limit
            marker.unlink()
            return _DIED
        marker.write_text(f"{os.getpid()} {_attempts(marker) + 1} {platform.node()}")
    except OSError as error:  # such as a full disk; with an empty marker the worker would seem dead
        with suppress(OSError):
            marker.unlink(missing_ok=True)
        return f"{marker}: {error.strerror}"
    try:
        work(task)
    except Exception as error:  # any failure: the other tasks continue
        return " ".join(f"{type(error).__name__}: {error}".split())
    finally:
        marker.unlink(missing_ok=True)
    return None


def _attempts(marker: Path) -> int:
    """Attempts at a task so far; a marker that was not written whole counts for none."""
    words = marker.read_text().split() if marker.exists() else []
    return int(words[1]) if len(words) == 3 else 0


@cache
def _end_with(parent: int) -> None:
    """End this worker as soon as its parent process is gone, killed: nobody waits for its tasks."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_CHECK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class Watch:
    """Monitors workers in a thread.

    Attributes
    ----------
    running : Path
        Folder of the markers.
    timeout_s : float
        Time limit of a task.
    tasks : mapping
        By key.
    is_done : callable
        Whether the result of a key is stored.
    progress : callable
        Called with the number of finished tasks.
    late : set of str
        Tasks whose workers were killed at the time limit.
    """

    running: Path
    timeout_s: float
    tasks: Mapping[str, Any]
    is_done: Callable[[str], bool]
    progress: Progress
    late: set[str] = field(default_factory=set)

    @contextmanager
    def monitoring(self) -> Iterator[None]:
        """Monitor the workers within the block."""
        over = threading.Event()
        thread = threading.Thread(target=self._monitor, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._report()

    def _monitor(self, over: threading.Event) -> None:
        while not over.wait(_CHECK_EVERY_S):
            self._report()
            for marker in self.running.iterdir():
                self.kill_if_late(marker)

    def _report(self) -> None:
        self.progress(sum(map(self.is_done, self.tasks)))

    def kill_if_late(self, marker: Path) -> None:
        """Kill the worker of a `marker` if its task exceeds the time limit."""
        try:
            words, since = marker.read_text().split(), marker.stat().st_mtime
            local = len(words) == 3 and words[2] == platform.node()  # process ids of other hosts mean nothing
            if local and time.time() - since > self.timeout_s:
                self.late.add(marker.name)
                os.kill(int(words[0]), signal.SIGKILL)
        except OSError:  # the task has just ended
            return

    def reason(self, key: str) -> str:
        """Explain why task `key`, which was running, has no result."""
        return f"it took longer than {self.timeout_s:g} s" if key in self.late else _DIED


def run_tasks(
    work: Work,
    tasks: Mapping[str, Any],
    folder: Path,
    *,
    is_done: Callable[[str], bool],
    engine_name: str = "local",
    jobs: int = 1,
    timeout_s: float = 3600.0,
    progress: Progress = lambda done: None,
) -> dict[str, str]:
    """Run tasks.

    Parameters
    ----------
    work : callable
        Runs one task on a worker and stores its result.
    tasks : mapping
        By keys, which must be valid file names.
    folder : Path
        For the markers; used by nothing else.
    is_done : callable
        Whether the result of a key is stored.
    engine_name, jobs
        As in `lyaopt.experiments.engines.engine`.
    timeout_s : float
        Time limit of a task; not enforced on other hosts.
    progress : callable
        Called regularly with the number of finished tasks.

    Returns
    -------
    dict
        Reasons of the tasks that failed twice, by key.

    Raises
    ------
    ProblemError
        If there is no such engine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    watch = Watch(folder, timeout_s, tasks, is_done, progress)
    raised: dict[str, str] = {}
    lost: dict[str, str] = {}
    with engine(engine_name, jobs), watch.monitoring():
        _run(work, tasks, watch, jobs, raised, lost)
        failed = {key: watch.reason(key) for key, reason in raised.items() if reason == _DIED}
        again = {key: tasks[key] for key in raised if key not in (failed | lost)}
        if again:
            _run(work, again, watch, jobs, failed, lost)
        for key in list(lost):  # one at a time, to find the task that kills its worker
            watch.late.discard(key)
            _run(work, {key: tasks[key]}, watch, 1, failed, failed)
    return failed


def _run(
    work: Work, tasks: Mapping[str, Any], watch: Watch, jobs: int, raised: Failures, lost: Failures
) -> None:
    """Run tasks; after the loss of a worker, continue without those that were running."""
    waiting, patience = dict(tasks), _PATIENCE
    while waiting := {key: task for key, task in waiting.items() if not watch.is_done(key)}:
        for marker in watch.running.iterdir():
            marker.unlink(missing_ok=True)
        error = _run_once(work, waiting, watch, jobs, raised)
        if error is None:
            return
        gone = [key for key in waiting if (watch.running / key).exists()]
        patience -= not gone  # a worker may die between two tasks, but not repeatedly
        if patience == 0:
            raise EngineError(f"workers die before they start: {error}")
        lost |= {key: watch.reason(key) for key in gone}
        waiting = {key: task for key, task in waiting.items() if key not in gone}


def _run_once(
    work: Work, tasks: Mapping[str, Any], watch: Watch, jobs: int, raised: Failures
) -> Exception | None:
    """Run tasks; return the error of the engine if it failed."""
    from joblib import Parallel, delayed

    where = str(watch.running), os.getcwd()
    calls = (delayed(_attempt)(work, key, task, *where) for key, task in tasks.items())
    try:
        with warnings.catch_warnings():
            # Loky replaces workers with growing memory between two tasks, without losing any.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
            reasons = Parallel(batch_size=1, pre_dispatch=jobs)(calls)
    except Exception as error:
        return error
    raised |= {key: reason for key, reason in zip(tasks, reasons, strict=True) if reason is not None}
    return None
