"""Tasks on many workers, of which any may raise, die or hang.

A worker says in a file which task it has taken and who it is. So it is known which tasks were in work when a
worker died, and who is to be ended when a task takes too long: a worker that hangs is made one that died. The
death of one may take others with it, so that each of those that were in work is tried once more alone; what
raised is tried once more too. What fails again is reported, and everything else is done.
"""

from __future__ import annotations

import os
import platform
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lyaopt.errors import EngineError
from lyaopt.experiments.engines import engine

_LOOK_EVERY_S = 0.2
_DIED = "its worker died"
_ATTEMPTS, _PATIENCE = 2, 3

Work = Callable[[Any], None]
Progress = Callable[[int], None]
Failures = dict[str, str]


def _attempt(work: Work, key: str, task: Any, running: str) -> str | None:
    """In a worker: do a task; None, or what went wrong."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out the tasks
    marker, parent = Path(running) / key, os.getppid()
    # Dask hands the task of a worker that died to another one, and would do so for ever.
    attempts = int(marker.read_text().split()[1]) if marker.exists() else 0
    if attempts == _ATTEMPTS:
        marker.unlink()
        return _DIED
    marker.write_text(f"{os.getpid()} {attempts + 1} {platform.node()}")
    try:
        work(task)
    except Exception as error:  # whatever it is, the other tasks go on
        return " ".join(f"{type(error).__name__}: {error}".split())
    finally:
        marker.unlink(missing_ok=True)
        if os.getppid() != parent:
            os._exit(1)  # who handed out the tasks was killed: nobody waits for the next one
    return None


@dataclass
class Watch:
    """Looks after workers while they work, in a thread.

    Attributes
    ----------
    late : set of str
        Tasks whose workers were ended because they took too long.
    """

    running: Path
    timeout_s: float
    tasks: Mapping[str, Any]
    is_done: Callable[[str], bool]
    progress: Progress
    late: set[str] = field(default_factory=set)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look, while the block lasts."""
        over = threading.Event()
        thread = threading.Thread(target=self._look, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._show()

    def _look(self, over: threading.Event) -> None:
        while not over.wait(_LOOK_EVERY_S):
            self._show()
            for marker in self.running.iterdir():
                self.end_if_late(marker)

    def _show(self) -> None:
        self.progress(sum(map(self.is_done, self.tasks)))

    def end_if_late(self, marker: Path) -> None:
        """End the worker that a file tells of if it has had its time."""
        try:
            told, since = marker.read_text().split(), marker.stat().st_mtime
            here = len(told) == 3 and told[2] == platform.node()  # elsewhere the number is another's
            if here and time.time() - since > self.timeout_s:
                self.late.add(marker.name)
                os.kill(int(told[0]), signal.SIGKILL)
        except OSError:  # it has just ended
            return

    def reason(self, key: str) -> str:
        """Why a task that was in work is not done."""
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
    """Do tasks.

    Parameters
    ----------
    work : callable
        Does one task, on a worker; what it finds it keeps by itself.
    tasks : mapping
        By keys that can be names of files.
    folder : Path
        Where workers say what they do; theirs alone.
    is_done : callable
        Whether the result of a key is kept.
    engine_name, jobs
        As in `lyaopt.experiments.engines.engine`.
    timeout_s : float
        For one task; of workers on other machines it ends none.
    progress : callable
        Called now and then with the number of tasks done.

    Returns
    -------
    dict
        What went wrong with the tasks that failed twice, by key.

    Raises
    ------
    ProblemError
        If there is no such engine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    watch = Watch(folder, timeout_s, tasks, is_done, progress)
    raised: dict[str, str] = {}
    lost: dict[str, str] = {}
    with engine(engine_name, jobs), watch.looking():
        _do(work, tasks, watch, jobs, raised, lost)
        failed = {key: watch.reason(key) for key, reason in raised.items() if reason == _DIED}
        again = {key: tasks[key] for key in raised if key not in (failed | lost)}
        if again:
            _do(work, again, watch, jobs, failed, lost)
        for key in list(lost):  # alone: whose fault it was shows now
            watch.late.discard(key)
            _do(work, {key: tasks[key]}, watch, 1, failed, failed)
    return failed


def _do(
    work: Work, tasks: Mapping[str, Any], watch: Watch, jobs: int, raised: Failures, lost: Failures
) -> None:
    """Do tasks; after the loss of a worker the rest of them, without those that were in work."""
    waiting, patience = dict(tasks), _PATIENCE
    while waiting := {key: task for key, task in waiting.items() if not watch.is_done(key)}:
        for marker in watch.running.iterdir():
            marker.unlink(missing_ok=True)
        error = _do_once(work, waiting, watch, jobs, raised)
        if error is None:
            return
        gone = [key for key in waiting if (watch.running / key).exists()]
        patience -= not gone  # a worker may die between two tasks, but not for ever
        if patience == 0:
            raise EngineError(f"workers are lost before they begin: {error}")
        lost |= {key: watch.reason(key) for key in gone}
        waiting = {key: task for key, task in waiting.items() if key not in gone}


def _do_once(
    work: Work, tasks: Mapping[str, Any], watch: Watch, jobs: int, raised: Failures
) -> Exception | None:
    """Do tasks; the error with which the engine gave up, if it did."""
    from joblib import Parallel, delayed

    calls = (delayed(_attempt)(work, key, task, str(watch.running)) for key, task in tasks.items())
    try:
        with warnings.catch_warnings():
            # Loky replaces workers that have grown, between two tasks: nothing is lost by it.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
            reasons = Parallel(batch_size=1, pre_dispatch=jobs)(calls)
    except Exception as error:
        return error
    raised |= {key: reason for key, reason in zip(tasks, reasons, strict=True) if reason is not None}
    return None
