"""What is said of a run: loads and times by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt import Device, System
from lyaopt.live import Outcome, Seconds, TaskLog, predict, run_document
from tests.live.systems import measured_service

HEAD, TAIL, BITS = (0.0, 0.020, 0.050), (0.040, 0.015, 0.0), (60_000, 30_000, 0)
SECONDS = Seconds(HEAD, TAIL, (0.0,) * 3, (0.0,) * 3, BITS, 5)


def event(task, **known):
    return {"device": 0, "service": 0, "task": task} | known


def document_of(*events):
    system = System(
        (Device(150.0, (measured_service(HEAD, TAIL, BITS),), id="camera"),), edge_capacity_hz=1e9
    )
    outcome = Outcome(TaskLog(), seconds=10.0)
    for each in events:
        outcome.log.add(each)
    prediction = predict(system, outcome.log.in_order(), np.full((1, 1), 1e6), seconds=12.0)
    return run_document(system, [SECONDS], outcome, prediction)


def test_loads_and_stages_are_those_by_hand():
    found = document_of(
        event(0, cut=1, born=1.0),
        event(0, head_started=1.01, head_done=1.03),
        event(0, sent=1.06, bits=30_000),
        event(0, tail_started=1.07, tail_done=1.08, equal=True),
        # Born while the first head ran: its own takes from the end of that one on.
        event(1, cut=2, born=1.02, head_started=1.04, head_done=1.09, equal=False),
        event(2, cut=0, born=5.0),
        event(2, sent=5.06, bits=60_000),
    )
    assert found["tasks"] == {"born": 3, "finished": 2, "in_flight": 1, "unequal": 1}
    load = found["load"]
    assert load["devices"] == pytest.approx([(0.02 + 0.05) / 10.0])
    assert load["radios"] == pytest.approx([(0.03 + 0.06) / 10.0])
    assert load["edge"] == pytest.approx(0.01 / 10.0)
    stages = found["stages"]
    assert stages["head_s"] == pytest.approx({"run": (0.03 + 0.06) / 2, "measured": (0.02 + 0.05) / 2})
    assert stages["tail_s"] == pytest.approx({"run": 0.02, "measured": 0.015})
    rows = {row["cut"]: row for row in found["rows"]}
    assert rows[1]["measured_s"]["mean"] == pytest.approx(0.08)
    assert rows[2]["device"] == "camera"
    assert rows[2]["service"] == "service-0"
    assert rows[None]["tasks"] == 2
    assert set(rows) == {None, 1, 2}


def test_a_run_in_which_nothing_was_done_has_no_rows():
    found = document_of(event(0, cut=1, born=1.0))
    assert found["rows"] == []
    assert found["stages"]["head_s"] == {"run": None, "measured": None}
    assert found["load"] == {"devices": [0.0], "radios": [0.0], "edge": 0.0}
