"""The scenario with what was measured, and scenarios that cannot be run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lyaopt import Device, Service, System
from lyaopt.errors import ProblemError
from lyaopt.live.measured_system import check_runnable, measured_profile, seconds_of, with_measured
from lyaopt.live.task_log import TaskLog
from lyaopt.model.arrival_laws import TaskSize
from lyaopt.model.edges import Edge
from lyaopt.model.profiles import load_profile
from tests.live.systems import measured_service

SERVICE = Service("alexnet")


def log_of_all_cuts() -> TaskLog:
    """Three tasks of each of three cuts, one an outlier: heads of 10 + k ms, sent in 5, tails of 20 - k."""
    log = TaskLog()
    for task in range(9):
        cut, born, more = task % 3, 1.0 * task, {0: -1e-3, 1: 0.0, 2: 0.5}[task // 3]
        told = {"device": 0, "service": 0, "task": task}
        log.add(told | {"cut": cut, "born": born})
        ready = born
        if cut > 0:
            ready = born + 0.010 + 0.001 * cut + more
            log.add(told | {"head_started": born, "head_done": ready})
        if cut < 2:
            sent = ready + 0.005
            log.add(told | {"sent": sent, "bits": 1000 - cut})
            done = sent + 0.020 - 0.001 * cut + more
            log.add(told | {"tail_started": sent, "tail_done": done, "equal": True})
        else:
            log.add(told | {"equal": True})
    return log


def test_medians_are_of_heads_from_birth_and_tails_from_the_last_bit():
    found = seconds_of(log_of_all_cuts(), 0, 0, 3)
    assert found.head_s == pytest.approx((0.0, 0.011, 0.012))
    assert found.tail_s == pytest.approx((0.020, 0.019, 0.0))
    assert found.bits == (1000, 999, 0)
    assert found.runs == 3
    assert found.head_range_s[0] == found.tail_range_s[2] == 0.0
    assert found.head_range_s[1] > 0.1  # of three, half of the way to the outlier


def test_seconds_are_those_of_the_scenario_s_processors():
    profile = load_profile("alexnet")
    seconds = replace(
        seconds_of(log_of_all_cuts(), 0, 0, 3),
        head_s=tuple(0.001 * k for k in range(9)),
        tail_s=tuple(0.001 * (8 - k) for k in range(9)),
        head_range_s=(0.0,) * 9,
        tail_range_s=(0.0,) * 9,
        bits=tuple(1000 - 125 * k for k in range(9)),
    )
    devices = Device(100.0, (SERVICE,), cpu_capacity_hz=2e8), Device(100.0, (SERVICE,), cpu_capacity_hz=3e9)
    system = System(devices, edge_capacity_hz=7e9)
    profiles = [measured_profile(profile, seconds, hz, 7e9) for hz in (2e8, 3e9)]
    found = with_measured(system, profiles)
    for s, hz in enumerate((2e8, 3e9)):
        assert found.local_cycles[s] / hz == pytest.approx(seconds.head_s)
        assert found.edge_cycles[s] / 7e9 == pytest.approx(seconds.tail_s)
        assert found.transmit_bits[s].tolist() == list(seconds.bits)


@pytest.mark.parametrize(
    ("system", "place"),
    [
        (System((Device(100.0, (SERVICE,), cpu_capacity_hz=0.0),)), r"devices\[0\].cpu_capacity_hz"),
        (System((Device(100.0, (SERVICE,)),), edge_capacity_hz=0.0), "edge_capacity_hz"),
        (
            System((Device(100.0, (replace(SERVICE, task_size=TaskSize(cv=0.5)),)),)),
            r"services\[0\].task_size",
        ),
        (System((Device(100.0, (SERVICE,)),), edges=(Edge(capacity_hz=1e9), Edge(capacity_hz=2e9))), "edges"),
    ],
)
def test_systems_that_a_run_cannot_stand_for_are_refused(system, place):
    with pytest.raises(ProblemError, match=place):
        check_runnable(system)


def test_others_are_not_refused():
    check_runnable(System((Device(100.0, (measured_service((0.0, 1.0), (1.0, 0.0), (8, 0)),)),)))
