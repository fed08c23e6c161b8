"""The end of `lyaopt solve-slot`: handlers run, output arrives, and who watches the process is waited for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "examples" / "slot.json"
START = """
import atexit, os, sys, threading, time
from lyaopt_cli.main import main

class Late:
    def __del__(self, write=os.write):
        write(2, b"taken apart\\n")

late = Late()
atexit.register(print, "handler", file=sys.stderr)
"""


def ended(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"{START}{before}\nmain()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_handlers_run_and_memory_is_left() -> None:
    done = ended("solve-slot", str(FILE))
    assert done.returncode == 0
    assert done.stdout.startswith('{"status":"optimal"')
    assert done.stdout.endswith("}\n")
    assert done.stderr == "handler\n"


def test_a_failure_keeps_its_status() -> None:
    done = ended("solve-slot", "--no-such-option")
    assert done.returncode == 2
    assert "no-such-option" in done.stderr
    assert "taken apart" not in done.stderr


@pytest.mark.parametrize(
    "before",
    [
        "sys.settrace(lambda *_: None)",
        "sys.setprofile(lambda *_: None)",
        "threading.Thread(target=time.sleep, args=(2,)).start()",
    ],
)
def test_what_watches_is_waited_for(before: str) -> None:
    done = ended("solve-slot", str(FILE), before=before)
    assert done.returncode == 0
    assert done.stderr.splitlines() == ["handler", "taken apart"]


def test_other_commands_end_as_python_does() -> None:
    assert ended("schema", "slot").stderr.splitlines() == ["handler", "taken apart"]
