"""The end of a short command: Python takes its modules apart for longer than a slot takes to solve."""

from __future__ import annotations

import atexit
import os
import sys

_TOOLS = 6  # of sys.monitoring


def leave(status: int) -> None:
    """End the process as `sys.exit` does, handlers of `atexit` included, but leave its memory to the system.

    Returns where something else is to happen at the end: other threads run, or a debugger, a profiler or an
    interactive session watches. Files that are open for writing must be closed or flushed, except for the
    standard streams.

    Parameters
    ----------
    status : int
        Exit status.
    """
    if _is_watched() or _has_threads():
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # it is closed: Python would exit with another status
            return
    os._exit(status)


def _is_watched() -> bool:
    if sys.gettrace() is not None or sys.getprofile() is not None or sys.flags.interactive:
        return True
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    return monitoring is not None and any(map(monitoring.get_tool, range(_TOOLS)))


def _has_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1
