"""What is said of a run, as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lyaopt.live.comparison import Row, compare
from lyaopt.live.controller import Outcome
from lyaopt.live.measured_system import Seconds
from lyaopt.live.replay_log import Prediction
from lyaopt.live.task_log import TaskLog, TaskRecord
from lyaopt.model.system import System
from lyaopt.simulation.results import versions


def run_document(
    system: System, seconds: Sequence[Seconds], outcome: Outcome, prediction: Prediction
) -> dict[str, Any]:
    """Return what ``lyaopt run --json`` prints of a policy.

    Parameters
    ----------
    system : System
        With measured profiles.
    seconds : sequence of Seconds (S,)
        Of the halves.
    outcome : Outcome
        Of the run.
    prediction : Prediction
        Of its tasks.
    """
    log = outcome.log
    return {
        "tasks": {
            "born": log.born,
            "finished": len(log.finished),
            "in_flight": log.in_flight,
            "unequal": log.unequal,
        },
        "seconds": outcome.seconds,
        "load": _load(system, log, outcome.seconds),
        "stages": _stages(system, log, seconds),
        "rows": [_named(system, row) for row in compare(prediction)],
        "halves": [
            {
                "head_s": list(each.head_s),
                "tail_s": list(each.tail_s),
                "head_range_s": list(each.head_range_s),
                "tail_range_s": list(each.tail_range_s),
                "bits": list(each.bits),
                "runs": each.runs,
            }
            for each in seconds
        ],
        "slot_s": prediction.slot_s,
        "versions": versions(),
    }


def _named(system: System, row: Row) -> dict[str, Any]:
    document = row.document()
    if row.device is not None and row.service is not None:
        document["device"] = system.device_ids[row.device]
        document["service"] = system.service_ids[row.device][row.service]
    return document


def _load(system: System, log: TaskLog, seconds: float) -> dict[str, Any]:
    """Shares of the time in which heads ran, features were sent, and tails ran."""
    devices = range(len(system.devices))
    of = [[record for record in log.records.values() if record.device == m] for m in devices]
    return {
        "devices": [_share(_heads(rows), seconds) for rows in of],
        "radios": [_share(_sendings(rows), seconds) for rows in of],
        "edge": _share(_tails(log.records.values()), seconds),
    }


def _stages(system: System, log: TaskLog, seconds: Sequence[Seconds]) -> dict[str, Any]:
    """Mean time that heads and tails took in the run, and that they took when they were measured."""
    first = [system.services_of(m).start for m in range(len(system.devices))]
    heads, tails = [r for r in log.finished if r.head_done], [r for r in log.finished if r.tail_done]
    spent: list[float] = []
    for m in range(len(system.devices)):
        spent += _each([(r.born, r.head_done or 0.0) for r in heads if r.device == m])
    measured = [seconds[first[r.device] + r.service] for r in (*heads, *tails)]
    before = [each.head_s[r.cut] for r, each in zip(heads, measured, strict=False)]
    before_tails = [each.tail_s[r.cut] for r, each in zip(tails, measured[len(heads) :], strict=True)]
    return {
        "head_s": {"run": _mean(spent), "measured": _mean(before)},
        "tail_s": {
            "run": _mean(_each([(r.sent or 0.0, r.tail_done or 0.0) for r in tails])),
            "measured": _mean(before_tails),
        },
    }


def _each(spans: list[tuple[float, float]]) -> list[float]:
    """What each task of a processor took: from when it was ready, or the one before it was done."""
    found, free = [], 0.0
    for ready, done in sorted(spans, key=lambda span: span[1]):
        found.append(done - max(ready, free))
        free = done
    return found


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _share(spans: Iterable[tuple[float, float]], seconds: float) -> float:
    """Share of the time that spans cover together."""
    covered, end = 0.0, 0.0
    for first, last in sorted(spans):
        covered += max(last - max(first, end), 0.0)
        end = max(end, last)
    return covered / seconds if seconds > 0.0 else 0.0


def _heads(records: Iterable[TaskRecord]) -> list[tuple[float, float]]:
    return [(r.head_started, r.head_done) for r in records if r.head_started is not None and r.head_done]


def _sendings(records: Iterable[TaskRecord]) -> list[tuple[float, float]]:
    """From when features were ready, their wait included, which is that for others."""
    return [(r.born if r.head_done is None else r.head_done, r.sent) for r in records if r.sent is not None]


def _tails(records: Iterable[TaskRecord]) -> list[tuple[float, float]]:
    return [(r.tail_started, r.tail_done) for r in records if r.tail_started is not None and r.tail_done]
