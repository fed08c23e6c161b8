"""What device processes and the edge process have in common."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lyaopt.errors import MissingExtraError, ProblemError, ProfileError
from lyaopt.io.user_modules import one_line
from lyaopt.live.messages import Channel
from lyaopt.live.networks import LiveNetwork, NetworkOptions

FAILED = 1


def clock() -> float:
    """Seconds of the monotonic clock, which all processes of a machine share."""
    return time.monotonic()


def pin(core: int | None) -> None:
    """Keep this process on a `core`, where the system can."""
    if core is not None and hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def load_networks(options: list[dict[str, Any]]) -> list[LiveNetwork]:
    """Load the network of each of `options`, equal ones once."""
    found: dict[str, LiveNetwork] = {}
    for each in options:
        name = repr(sorted(each.items()))
        if name not in found:
            found[name] = LiveNetwork(NetworkOptions(**each))
    return [found[repr(sorted(each.items()))] for each in options]


class Events:
    """What a process has to tell of its tasks, in seconds since the start of the run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self.start_s = 0.0

    def add(self, device: int, service: int, task: int, **known: Any) -> None:
        """Add what is `known` of the `task` of a `service` of a `device`; floats are times."""
        told = {
            name: value - self.start_s if isinstance(value, float) else value for name, value in known.items()
        }
        with self._lock:
            self._events.append({"device": device, "service": service, "task": task} | told)

    def take(self) -> list[dict[str, Any]]:
        """Return what came since the last call."""
        with self._lock:
            events, self._events = self._events, []
            return events


def in_background(channel: Channel, work: Callable[[], None]) -> None:
    """Run `work` in a thread; an error is told over the `channel`, and ends the process."""

    def run() -> None:
        try:
            work()
        except EOFError:  # the controller is gone
            os._exit(0)
        except BaseException as error:
            fail(channel, error)

    threading.Thread(target=run, daemon=True).start()


def fail(channel: Channel, error: BaseException) -> None:
    """Tell of an `error` over the `channel`, and end the process."""
    refused = isinstance(error, (ProblemError, ProfileError, MissingExtraError))
    with suppress(OSError):
        channel.send({"error": str(error) if refused else one_line(error), "refused": refused})
    os._exit(FAILED)


def settle() -> None:
    """Spare what is there from garbage collections to come: they would stop the run for milliseconds."""
    gc.collect()
    gc.freeze()
