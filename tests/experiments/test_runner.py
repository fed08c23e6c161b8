"""Workers that raise, die or hang: failing tasks are tried twice and reported, all others done."""

from __future__ import annotations

import errno
import platform
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from lyaopt.errors import ProblemError
from lyaopt.experiments import runner
from lyaopt.experiments.engines import engine_names
from lyaopt.experiments.runner import Watch, run_tasks
from tests.experiments import tasks


def run(tmp_path, behaviours, **options):
    (tmp_path / "out").mkdir()
    by_key = {name: (what, name, str(tmp_path / "out")) for name, what in behaviours.items()}
    seen: list[int] = []
    failed = run_tasks(
        tasks.do,
        by_key,
        tmp_path / "running",
        is_done=partial(is_done, tmp_path),
        progress=seen.append,
        **options,
    )
    return failed, seen


def is_done(tmp_path, name):
    return (tmp_path / "out" / f"{name}.done").exists()


def attempts(tmp_path, name):
    return len((tmp_path / "out" / f"{name}.tried").read_text())


@pytest.mark.parametrize("jobs", [1, 2])
def test_tasks_that_fail_twice_are_reported_and_the_others_done(tmp_path, jobs):
    behaviours = {"a": "raise", "b": "", "c": "die", "d": "raise once", "e": "die once", "f": ""}
    failed, seen = run(tmp_path, behaviours, jobs=jobs)
    assert failed == {"a": "ValueError: expected better, got this", "c": "its worker died"}
    assert all(is_done(tmp_path, name) for name in "bdef")
    assert attempts(tmp_path, "e") == 2
    assert attempts(tmp_path, "c") == 2
    assert attempts(tmp_path, "a") >= 2
    assert seen == sorted(seen)
    assert seen[-1] == 4


@pytest.mark.parametrize("what", ["hang", "stop"])
def test_a_worker_over_its_time_limit_is_killed(tmp_path, what):
    failed, _ = run(tmp_path, {"a": what, "b": "", "c": ""}, jobs=2, timeout_s=2.0)
    assert failed == {"a": "it took longer than 2 s"}
    assert attempts(tmp_path, "a") == 2
    assert is_done(tmp_path, "b")
    assert is_done(tmp_path, "c")


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_engines_report_the_same(tmp_path, name):
    pytest.importorskip(name, reason=f"extra {name}")
    failed, _ = run(tmp_path, {"a": "raise", "b": "", "c": "die", "d": ""}, jobs=2, engine_name=name)
    assert failed == {"a": "ValueError: expected better, got this", "c": "its worker died"}
    assert is_done(tmp_path, "b")
    assert is_done(tmp_path, "d")


@pytest.mark.parametrize("name", ["local", "dask", "ray"])
def test_one_worker_is_another_process(tmp_path, name):
    """A task may crash its process, and workers ignore Ctrl-C."""
    if name != "local":
        pytest.importorskip(name, reason=f"extra {name}")
    assert run(tmp_path, {"a": ""}, jobs=1, engine_name=name)[0] == {}
    assert is_done(tmp_path, "a")
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def test_no_tasks_end_immediately(tmp_path):
    assert run(tmp_path, {}) == ({}, [0])


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(ProblemError, match=r"\$\.engine: expected one of local, dask, ray; got 'abacus'"):
        run(tmp_path, {"a": ""}, engine_name="abacus")
    assert engine_names() == ("local", "dask", "ray")


def test_only_workers_of_this_machine_are_killed(tmp_path):
    """Process ids of other hosts mean nothing here."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    watch = Watch(tmp_path, 0.0, {}, bool, lambda done: None)
    for node, ends in (("another-machine", False), (platform.node(), True)):
        (tmp_path / "task").write_text(f"{bystander.pid} 1 {node}")
        time.sleep(0.05)
        watch.kill_if_late(tmp_path / "task")
        assert (watch.late == {"task"}) == ends
    assert bystander.wait() == -signal.SIGKILL


def test_a_full_disk_is_the_reason_and_no_dead_worker(tmp_path, monkeypatch):
    """Called here as workers call it: the marker of the task cannot be written."""
    running = tmp_path / "running"
    running.mkdir()
    monkeypatch.setattr(runner, "_end_with", lambda parent: None)

    def full(path, text):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runner.Path, "write_text", full)
    reason = runner._attempt(tasks.do, "a", ("", "a", str(tmp_path)), str(running))
    assert reason == f"{running / 'a'}: No space left on device"
    assert list(running.iterdir()) == []


def test_workers_end_with_their_parent_in_the_middle_of_a_task(tmp_path):
    """The parent is killed while its worker sleeps; the pipe closes when the worker is gone."""
    running = str(tmp_path / "running")
    code = f"""
import os, threading
if os.fork() == 0:
    from lyaopt.experiments.runner import _attempt
    from tests.experiments import tasks
    os.makedirs({running!r})
    os.write(1, b"x")
    _attempt(tasks.do, "a", ("hang", "a", {str(tmp_path)!r}), {running!r})
threading.Event().wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.read(1) == b"x"
        while not (tmp_path / "a.tried").exists():
            time.sleep(0.01)
        parent.kill()
        assert parent.stdout.read() == b""


def test_workers_follow_their_caller_into_another_folder(tmp_path, monkeypatch):
    """Workers are kept for the next tasks; the folder in which they were started may be gone by then."""
    for name in ("first", "second"):
        here = tmp_path / name
        here.mkdir()
        monkeypatch.chdir(here)
        Path("out").mkdir()
        task = {name: ("", name, "out")}
        failed = run_tasks(tasks.do, task, Path("running"), is_done=partial(is_done, Path()), jobs=1)
        assert failed == {}
        assert is_done(here, name)
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(here)
