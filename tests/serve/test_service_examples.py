"""The unit and the container file: their commands parse, and what they name exists."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from lyaopt_cli.main import group

FOLDER = Path(__file__).parents[2] / "examples" / "service"
UNIT, CONTAINER = FOLDER / "lyaopt-serve.service", FOLDER / "Containerfile"
CONTEXT = click.Context(group)


def parsed(words: list[str]) -> dict[str, object]:
    assert Path(words[0]).name == "lyaopt"
    command = group.get_command(CONTEXT, words[1])
    return command.make_context(words[1], words[2:], parent=CONTEXT).params


def settings() -> dict[str, str]:
    lines = [line for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_the_unit_starts_a_server_that_tells_when_it_is_ready():
    unit = settings()
    given = parsed(shlex.split(unit["ExecStart"]))
    assert unit["Type"] == "notify"
    assert unit["RestrictAddressFamilies"] == "AF_UNIX"
    assert given["address"] is None
    folder = f"/run/{unit['RuntimeDirectory']}/"
    assert given["path"].startswith(folder)
    assert given["metrics"].startswith(f"unix:{folder}")
    assert given["grace"] < float(unit["TimeoutStopSec"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd")
def test_systemd_reads_the_unit():
    done = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True)
    assert not re.findall(r"Unknown|Failed to parse", done.stderr)


def test_the_container_starts_a_server():
    text = CONTAINER.read_text()
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    given = parsed(json.loads(command))
    assert given["address"] is None
    (volume,) = re.findall(r"^VOLUME (.*)$", text, re.MULTILINE)
    assert given["path"].startswith(f"{volume}/")
    assert "STOPSIGNAL SIGTERM" in text
