"""Calls of a function in processes of this machine: decimal arithmetic holds Python's global lock.

Each process is a fresh interpreter at the other end of two pipes. Unlike those of `multiprocessing` it does
not fork the threads of this one or run its main module again, and an interrupt of the terminal goes to this
process alone; the others end when their input does.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import Any

from lyaopt.errors import EngineError

_SERVE = "import sys; sys.path[:0] = {path!r}; from lyaopt.verify.processes import serve; serve()"


def in_processes(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[tuple[int, Any]]:
    """Yield position and result of each call as they end; with one worker in order, and in this process.

    Parameters
    ----------
    function : callable
        Of a module, so that another process finds it.
    calls : sequence of tuple
        Arguments of each call.
    workers : int
        Number of processes.

    Raises
    ------
    EngineError
        If a process dies.
    """
    if workers == 1 or len(calls) < 2:
        yield from ((place, function(*arguments)) for place, arguments in enumerate(calls))
        return
    idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
    processes = [_started() for _ in range(min(workers, len(calls)))]
    for process in processes:
        idle.put(process)

    def ask(arguments: tuple[Any, ...]) -> Any:
        process = idle.get()
        try:
            return _answer(process, function, arguments)
        finally:
            idle.put(process)  # also a dead one: the next call would wait for it for ever

    pool = ThreadPoolExecutor(len(processes))
    try:
        futures = {pool.submit(ask, arguments): place for place, arguments in enumerate(calls)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for process in processes:
            process.kill()  # it is idle, or what it computes is not wanted any more
        pool.shutdown(cancel_futures=True)
        for process in processes:
            process.communicate()


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _SERVE.format(path=sys.path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


def _answer(
    process: subprocess.Popen[bytes], function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump((function, arguments), process.stdin)
        process.stdin.flush()
        result, error = pickle.load(process.stdout)
    except (OSError, EOFError, pickle.UnpicklingError):
        raise EngineError(f"a worker ended with status {process.wait()}") from None
    if error is not None:
        raise error
    return result


def serve() -> None:
    """Compute what standard input asks for, until it ends."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a solver prints is no answer
    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = function(*arguments), None
        except Exception as error:
            answer = None, error
        answers.write(pickle.dumps(answer))
        answers.flush()
