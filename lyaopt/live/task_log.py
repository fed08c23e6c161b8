"""What became of each task, in seconds since the start of a run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class TaskRecord:
    """One task; times are None until they come.

    Attributes
    ----------
    device, service, task, cut : int
        Numbers: of the device, of the service on it, of the task of this service, and its cut.
    born, head_started, head_done, sent, tail_started, tail_done : float or None
        Seconds since the start of the run. A task that is sent as it is has no head, and one that stays on
        its device is neither sent nor has a tail.
    bits : int
        That were sent.
    equal : bool or None
        Whether the outputs have the bits of those of the whole network.
    """

    device: int
    service: int
    task: int
    cut: int
    born: float
    head_started: float | None = None
    head_done: float | None = None
    sent: float | None = None
    tail_started: float | None = None
    tail_done: float | None = None
    bits: int = 0
    equal: bool | None = None

    @property
    def finished(self) -> float | None:
        """When its outputs were there; None while it is in flight."""
        if self.tail_done is not None:
            return self.tail_done
        # Nothing of it was to be sent: the head was the whole network.
        return self.head_done if self.equal is not None else None

    @property
    def latency_s(self) -> float | None:
        """From birth to the outputs; None while it is in flight."""
        return None if self.finished is None else self.finished - self.born


_COLUMNS = tuple(item.name for item in fields(TaskRecord))


class TaskLog:
    """The tasks of a run. Devices tell of births, heads and sendings, the edge of tails.

    Attributes
    ----------
    records : dict
        Of `TaskRecord`, by device, service and task.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[int, int, int], TaskRecord] = {}
        self._early: dict[tuple[int, int, int], dict[str, Any]] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Add what a process tells of a task: the edge may tell of a tail before the device of a birth.

        Parameters
        ----------
        event : dict
            Device, service and task, and what else is known, by the names of `TaskRecord`.
        """
        key = event["device"], event["service"], event["task"]
        known = self.records.get(key)
        if known is not None:
            for name, value in event.items():
                setattr(known, name, value)
        elif "born" in event:
            self.records[key] = TaskRecord(**self._early.pop(key, {}) | event)
        else:
            self._early[key] = self._early.get(key, {}) | event

    @property
    def born(self) -> int:
        """Number of tasks."""
        return len(self.records)

    @property
    def finished(self) -> tuple[TaskRecord, ...]:
        """Tasks whose outputs are there, by birth."""
        return tuple(record for record in self.in_order() if record.finished is not None)

    @property
    def in_flight(self) -> int:
        """Number of tasks whose outputs are not there."""
        return self.born - len(self.finished)

    @property
    def unequal(self) -> int:
        """Number of tasks whose outputs differ from those of the whole network."""
        return sum(record.equal is False for record in self.records.values())

    def in_order(self) -> list[TaskRecord]:
        """All tasks, by birth."""
        return sorted(self.records.values(), key=lambda record: (record.born, record.device, record.service))


def log_bytes(
    suffix: str, runs: Sequence[tuple[str, TaskLog]], names: Sequence[tuple[str, Sequence[str]]]
) -> bytes:
    """Return the logs of some runs as the content of a file.

    Parameters
    ----------
    suffix : str
        ``.csv``, or ``.ndjson`` for a JSON document a line.
    runs : sequence of (str, TaskLog)
        Name of the policy, and its log.
    names : sequence of (str, sequence of str)
        Name of each device, and names of its services.
    """
    rows = [{"policy": name} | _row(record, names) for name, log in runs for record in log.in_order()]
    if suffix == ".ndjson":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, ("policy", *_COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _row(record: TaskRecord, names: Sequence[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in _COLUMNS}
    device, services = names[record.device]
    return row | {"device": device, "service": services[record.service]}
