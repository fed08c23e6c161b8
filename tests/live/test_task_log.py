"""The log of tasks: in any order of what is told, and in files."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest

from lyaopt.live.task_log import TaskLog, log_bytes

HERE = {"device": 0, "service": 1}
TOLD = [
    HERE | {"task": 0, "cut": 1, "born": 0.25},
    HERE | {"task": 0, "head_started": 0.25, "head_done": 0.5},
    HERE | {"task": 0, "sent": 0.75, "bits": 80},
    HERE | {"task": 0, "tail_started": 0.75, "tail_done": 1.0, "equal": True},
    HERE | {"task": 1, "cut": 2, "born": 0.5},
    HERE | {"task": 1, "head_started": 0.5, "head_done": 0.875, "equal": False},
    HERE | {"task": 2, "cut": 0, "born": 0.75},
    HERE | {"task": 2, "sent": 1.5, "bits": 160},
]


def log_of(events) -> TaskLog:
    log = TaskLog()
    for event in events:
        log.add(event)
    return log


@pytest.mark.parametrize("seed", range(20))
def test_what_is_told_may_come_in_any_order(seed):
    events = random.Random(seed).sample(TOLD, len(TOLD))
    assert log_of(events).records == log_of(TOLD).records


def test_tasks_are_finished_or_in_flight():
    log = log_of(TOLD)
    assert (log.born, len(log.finished), log.in_flight, log.unequal) == (3, 2, 1, 1)
    assert [record.latency_s for record in log.in_order()] == [0.75, 0.375, None]


@pytest.mark.parametrize("count", range(len(TOLD) + 1))
def test_no_task_is_lost_wherever_a_run_ends(count):
    log = log_of(TOLD[:count])
    assert log.born == len(log.finished) + log.in_flight


def test_files_hold_every_task_and_its_times():
    runs, names = [("price", log_of(TOLD)), ("fixed:1", log_of(TOLD[:1]))], [("camera", ["detect", "track"])]
    rows = [json.loads(line) for line in log_bytes(".ndjson", runs, names).decode().splitlines()]
    assert [row["policy"] for row in rows] == ["price", "price", "price", "fixed:1"]
    assert rows[0] == {
        "policy": "price",
        "device": "camera",
        "service": "track",
        "task": 0,
        "cut": 1,
        "born": 0.25,
        "head_started": 0.25,
        "head_done": 0.5,
        "sent": 0.75,
        "tail_started": 0.75,
        "tail_done": 1.0,
        "bits": 80,
        "equal": True,
    }
    table = list(csv.DictReader(io.StringIO(log_bytes(".csv", runs, names).decode())))
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows] == table
