"""What reading the kernel sources and the built core told, remembered in the user's cache.

A hash of all sources takes longer than solving a slot. It holds as long as no file has changed, of which its
size, times and place on disk tell: the time when its status last changed (ctime) cannot be set back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

_VERSION = 1


def stamp(folder: str, files: Iterable[str]) -> str:
    """Describe the state on disk of all modules in a folder and the folders in it, and of more files.

    Parameters
    ----------
    folder : str
        Folder of the modules.
    files : iterable of str
        Paths of the others; they may be missing.
    """
    lines, waiting = [], [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):  # of editors, some of them links to nowhere
                    continue
                if entry.name.endswith(".py"):
                    lines.append(_line(entry.path, entry.stat()))
                elif entry.name != "__pycache__" and entry.is_dir():
                    waiting.append(entry.path)
    for path in files:
        with suppress(OSError):
            lines.append(_line(path, os.stat(path)))
    return "\n".join(sorted(lines))


def _line(path: str, status: os.stat_result) -> str:
    return (
        f"{path} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_dev} {status.st_ino}"
    )


def recall(folder: str, state: str) -> dict[str, Any]:
    """Return what was remembered of a folder in the same state; nothing if it has changed.

    Parameters
    ----------
    folder, state : str
        The folder, and its `stamp`.
    """
    try:
        with open(_place(folder), "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return {}
            record = json.loads(file.read())
        same = record["version"] == _VERSION and record["state"] == state
        return dict(record["known"]) if same else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def remember(folder: str, state: str, known: dict[str, Any]) -> None:
    """Write what is known of a folder in a state; where there is no cache it is found out again.

    Parameters
    ----------
    folder, state : str
        As of `recall`.
    known : dict
        JSON values.
    """
    with suppress(OSError):
        place = _place(folder)
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        written = f"{place}.{os.getpid()}"
        with open(written, "w") as file:
            json.dump({"version": _VERSION, "known": known, "state": state}, file)
        os.replace(written, place)


def _place(folder: str) -> str:
    """Where the record of a folder is: a name for each folder of this machine."""
    base = os.environ.get("LYAOPT_CACHE_DIR")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lyaopt")
    status = os.stat(folder)
    return os.path.join(base, f"sources-{status.st_dev}-{status.st_ino}.json")
