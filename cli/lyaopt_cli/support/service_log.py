"""The log of a service, on standard error: lines of text or of JSON, and not too many."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime

_MOST_A_SECOND = 20


def start_log(level: str, form: str) -> None:
    """Write the log of `lyaopt serve`, and what asyncio says, to standard error.

    Parameters
    ----------
    level : str
        The least that is written: debug, info, warning or error.
    form : str
        text or json.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
    handler.addFilter(Throttle(_MOST_A_SECOND))
    for name in ("lyaopt.serve", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level.upper() if name != "asyncio" else logging.WARNING)


class Throttle(logging.Filter):
    """Lets pass so many messages a second, as a client that misbehaves may cause any number of them.

    Parameters
    ----------
    most : int
        Messages below errors in any second.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._second = -1
        self._passed = self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message passes; the first one of a later second says how many did not."""
        second = int(time.monotonic())
        if second != self._second:
            if self._dropped:
                record.msg = f"{record.getMessage()} ({self._dropped} messages before it were left out)"
                record.args = ()
            self._second, self._passed, self._dropped = second, 0, 0
        if record.levelno >= logging.ERROR or self._passed < self._most:
            self._passed += 1
            return True
        self._dropped += 1
        return False


def _stamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = f"{_stamp(record)} {record.levelname.lower()} lyaopt serve: {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document)
