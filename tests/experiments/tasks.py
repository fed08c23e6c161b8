"""Tasks that workers do in tests: some raise, some kill their worker, some never end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def do(task: tuple[str, str, str]) -> None:
    """Task (what, name, folder): record the attempt, then fail or write a file."""
    what, name, folder = task
    tried = Path(folder) / f"{name}.tried"
    with tried.open("a") as file:
        file.write("x")
    if what == "raise" or (what == "raise once" and tried.read_text() == "x"):
        raise ValueError("expected better, got this")
    if what == "die" or (what == "die once" and tried.read_text() == "x"):
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        time.sleep(600.0)
    if what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    (Path(folder) / f"{name}.done").touch()
