"""Slot documents for tests, and runs of the command line."""

from __future__ import annotations

import copy
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

Path = tuple[Any, ...]

EXAMPLE: dict[str, Any] = {
    "slot_duration_s": 0.01,
    "bandwidth_hz": 1e6,
    "noise_psd_dbm_per_hz": -174.0,
    "edge_capacity_hz": 2e10,
    "energy_coefficient": 1e-28,
    "energy_weight_local": 1e17,
    "energy_weight_transmit": 1e13,
    "devices": [
        {
            "id": "camera",
            "cpu_capacity_hz": 1.5e9,
            "max_power_w": 0.3,
            "channel_gain": 2.5e-10,
            "bandwidth_hz": 4e5,
            "services": [
                {
                    "id": "a",
                    "local_queue_cycles": 3.1e6,
                    "transmit_queue_bits": 8.5e4,
                    "edge_queue_cycles": 9.9e7,
                },
                {
                    "id": "b",
                    "local_queue_cycles": 7.7e6,
                    "transmit_queue_bits": 2.5e5,
                    "edge_queue_cycles": 1.2e8,
                },
            ],
        },
        {
            "id": "phone",
            "cpu_capacity_hz": 1e9,
            "max_power_w": 0.2,
            "channel_gain": 8e-11,
            "services": [
                {"id": "a", "local_queue_cycles": 4e5, "transmit_queue_bits": 1e3, "edge_queue_cycles": 0},
            ],
        },
    ],
}


# Every optional key: weights, a table of operating points, a measured radio, a shared spectrum.
GENERAL: dict[str, Any] = EXAMPLE | {
    "spectrum": "shared",
    "devices": [
        EXAMPLE["devices"][0]
        | {
            "cpu_points": [{"hz": 5e8, "power_w": 0.1}, {"hz": 1.2e9, "power_w": 0.5}],
            "services": [
                EXAMPLE["devices"][0]["services"][0]
                | {"local_weight": 2e7, "transmit_weight": 3e5, "edge_weight": 1e8},
                EXAMPLE["devices"][0]["services"][1] | {"edge_weight": 0.0},
            ],
        },
        EXAMPLE["devices"][1] | {"radio": {"rate_bps": 2e6, "power_w": 0.8}},
    ],
}


def weighted() -> dict[str, Any]:
    """A fresh copy of the general example with the weights alone."""
    document = copy.deepcopy(GENERAL)
    del document["spectrum"], document["devices"][0]["cpu_points"], document["devices"][1]["radio"]
    return document


def general() -> dict[str, Any]:
    """A fresh copy of the example with every optional key."""
    return copy.deepcopy(GENERAL)


def example() -> dict[str, Any]:
    """A fresh copy of the example: two devices with two services and one."""
    return copy.deepcopy(EXAMPLE)


def at(document: Any, path: Path) -> Any:
    """The value at a path."""
    for step in path:
        document = document[step]
    return document


def shown(path: Path) -> str:
    """The path as errors write it."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def objects(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of all objects of a document."""
    if isinstance(value, dict):
        yield path
        for key, child in value.items():
            yield from objects(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from objects(child, (*path, index))


def keys(document: Any = EXAMPLE) -> list[Path]:
    """Paths of all keys of a document."""
    return [(*path, key) for path in objects(document) for key in at(document, path)]


NUMBERS = [path for path in keys() if isinstance(at(EXAMPLE, path), int | float)]
IDS = [path for path in keys() if path[-1] == "id"]


def with_literal(path: Path, literal: str, indent: int | None = None, of: Any = EXAMPLE) -> str:
    """Text of an example with other JSON text at a path."""
    document = copy.deepcopy(of)
    at(document, path[:-1])[path[-1]] = "@@"
    return json.dumps(document, indent=indent).replace('"@@"', literal)


def with_repeated(path: Path, of: Any = EXAMPLE) -> str:
    """Text of an example with the key at a path repeated, with the same value."""
    document = copy.deepcopy(of)
    parent = at(document, path[:-1])
    parent["@@"] = parent[path[-1]]
    return json.dumps(document).replace('"@@"', json.dumps(path[-1]))


def use_stdin(monkeypatch: Any, content: bytes) -> None:
    """Replace standard input by `content`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def command(*arguments: str) -> list[str]:
    """The `lyaopt` command as a list for subprocess."""
    return [sys.executable, "-m", "lyaopt_cli", *arguments]


def interpreted() -> dict[str, str]:
    """Environment of a process that interprets the kernels, which needs no compilation.

    Its output is buffered whatever the tests themselves run with.
    """
    return os.environ | {"LYAOPT_CORE": "python", "PYTHONUNBUFFERED": ""}


def on_a_terminal(*arguments: str) -> str:
    """Output of a command on a terminal of 80 columns, both streams, without its colours; it must succeed."""
    leader, follower = pty.openpty()
    environment = interpreted() | {"COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(command(*arguments), stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    chunks = []
    try:
        while chunk := os.read(leader, 4096):
            chunks.append(chunk)
    except OSError:
        # Linux says so when the other end is closed.
        pass
    os.close(leader)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(chunks).decode())


def printed(capsysbinary: Any) -> tuple[bytes, list[str]]:
    """Standard output of a command, and the lines on standard error."""
    captured = capsysbinary.readouterr()
    return captured.out, captured.err.decode().splitlines()
