"""Engines that compute cells: joblib's local processes, Dask or Ray (extras `dask` and `ray`).

Dask and Ray start workers on this machine, unless DASK_SCHEDULER_ADDRESS or RAY_ADDRESS names a cluster. Its
workers must see the folder of the experiment under the same path.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from multiprocessing import resource_tracker
from typing import Any

from lyaopt.errors import EngineError, MissingExtraError, ProblemError
from lyaopt.io.extras import needs_extra

# Cells are small networks and compiled loops: one thread each, and one cell on each core.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

# After Ctrl-C joblib's resource tracker removes the folder of the workers, and would warn that it was left.
_NO_WARNING = {"PYTHONWARNINGS": "ignore:resource_tracker"}


def _processes(jobs: int) -> int:
    # With one process, joblib would compute in this one, which a crashing task would end. For jobs = 1,
    # `pre_dispatch` submits one task at a time.
    return max(2, jobs)


@contextmanager
def _local(jobs: int) -> Iterator[None]:
    from joblib import parallel_config

    with parallel_config(backend="loky", n_jobs=_processes(jobs), inner_max_num_threads=1):
        _start_without_sigint(_processes(jobs))
        yield


def _start_without_sigint(processes: int) -> None:
    """Start workers with SIGINT blocked: only this process handles Ctrl-C, and stops its workers."""
    from joblib import Parallel, delayed

    # Workers inherit the signal mask. The resource tracker starts first, as in Python 3.11 its start resets
    # the mask.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _without_standard_output(), _environment(_NO_WARNING):
            Parallel(batch_size=1)(delayed(os.getpid)() for _ in range(processes))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_standard_output() -> Iterator[None]:
    """Drop what is written to file descriptor 1: a worker that is stopped early prints a traceback there."""
    before = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(nowhere)


@contextmanager
def _dask(jobs: int) -> Iterator[None]:
    import dask
    from dask.distributed import LocalCluster
    from joblib import parallel_config
    from joblib._dask import DaskDistributedBackend

    class RemoteBackend(DaskDistributedBackend):
        """Never computes in this process, as joblib does if it counts a single worker."""

        def effective_n_jobs(self, n_jobs: int) -> int:
            return _processes(super().effective_n_jobs(n_jobs))

    # Dask repeats the tasks of a dead worker. Its limit is out of reach, as joblib would wait forever for a
    # task that Dask abandons; `lyaopt.experiments.runner` limits the attempts instead.
    with dask.config.set({"distributed.scheduler.allowed-failures": 1000}):
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        cluster: Any = address or LocalCluster(
            n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        )
        try:
            with _client(cluster), parallel_config(backend=RemoteBackend(), n_jobs=-1):
                yield
        finally:
            if address is None:
                cluster.close()


def _client(cluster: Any) -> Any:
    from dask.distributed import Client

    try:
        return Client(cluster)
    except (OSError, ValueError) as error:
        raise EngineError(f"no scheduler at DASK_SCHEDULER_ADDRESS={cluster}: {error}") from None


@contextmanager
def _ray(jobs: int) -> Iterator[None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read at import
    import ray
    from joblib import parallel_config
    from ray.util.joblib import register_ray

    # Ray starts no more workers than it has processors.
    here: Any = {"num_cpus": _processes(jobs), "include_dashboard": False}
    local = {} if "RAY_ADDRESS" in os.environ else here
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **local)
    register_ray()
    try:
        with parallel_config(backend="ray", n_jobs=_processes(jobs)):
            yield
    finally:
        ray.shutdown()


_ENGINES: dict[str, Callable[[int], AbstractContextManager[None]]] = {
    "local": _local,
    "dask": _dask,
    "ray": _ray,
}


_PACKAGES = {"dask": ("dask", "distributed"), "ray": ("ray",)}


def cores() -> int:
    """Count the cores of this process as joblib does, with affinity and container limits.

    Returns
    -------
    int

    Raises
    ------
    EngineError
        If LOKY_MAX_CPU_COUNT is not a number.
    MissingExtraError
        Without joblib (extra `experiments`).
    """
    with needs_extra("experiments"):
        from joblib import cpu_count

    try:
        return int(cpu_count())
    except ValueError as error:
        raise EngineError(f"LOKY_MAX_CPU_COUNT: {error}") from None


def engine_names() -> tuple[str, ...]:
    """Return the names that `engine` accepts."""
    return tuple(_ENGINES)


@contextmanager
def engine(name: str, jobs: int) -> Iterator[None]:
    """Run `joblib.Parallel` on an engine within the block.

    Parameters
    ----------
    name : str
        One of `engine_names`.
    jobs : int
        Workers.

    Raises
    ------
    ProblemError
        If there is no such engine.
    MissingExtraError
        If it is not installed.
    EngineError
        If the environment gives no valid number of cores.
    """
    if name not in _ENGINES:
        raise ProblemError("$.engine", f"expected one of {', '.join(_ENGINES)}; got {name!r}")
    for package in (*_PACKAGES.get(name, ()), "joblib"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "experiments" if name == "local" else name)
    cores()  # joblib reads LOKY_MAX_CPU_COUNT for any number of jobs
    with _environment(_ONE_THREAD), _ENGINES[name](jobs):
        yield


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment, which new processes inherit, within the block."""
    before = {variable: os.environ.get(variable) for variable in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value
