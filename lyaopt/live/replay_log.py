"""The simulation beside a run: the same births, cuts and rates, at full speed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.live.finish_first import new_rule
from lyaopt.live.task_log import TaskRecord
from lyaopt.model.device_energies import MeasuredRadio
from lyaopt.model.system import System
from lyaopt.simulation.state import State
from lyaopt.simulation.traces import Trace

SLOT_S = 5e-5
"""Longest slot of the simulation: a stage ends with a slot, half of one too late on average."""
_PIECE = 100_000


@dataclass(frozen=True, eq=False)
class Prediction:
    """Tasks of a log with the latencies of the simulation.

    Attributes
    ----------
    records : tuple of TaskRecord
        Those that were simulated, by birth.
    latency_s : ndarray (n,)
        NaN where the task was not done before the end of the simulation.
    slot_s : float
        Slot length of the simulation.
    """

    records: tuple[TaskRecord, ...]
    latency_s: Floats
    slot_s: float


def predict(
    system: System, records: list[TaskRecord], rates_bps: Floats, *, seconds: float, slot_s: float = SLOT_S
) -> Prediction:
    """Simulate the tasks of a log.

    Energy has no weight, so that CPUs, radios and the edge work at full speed as real ones do; tasks that
    have begun are finished first; and slots are short, so that rounding to slots matters little. Of two tasks
    of a service in one slot the later one is born in the next.

    Parameters
    ----------
    system : System
        With measured profiles.
    records : list of TaskRecord
        Gives births and cuts.
    rates_bps : ndarray (T, M)
        Of the radios in each slot of the system; behind the last one comes the first.
    seconds : float
        To simulate, from the start of the run.
    slot_s : float
        Longest slot of the simulation.

    Returns
    -------
    Prediction
    """
    factor = max(1, int(np.ceil(system.slot_duration_s / slot_s - 1e-9)))
    fine_s = system.slot_duration_s / factor
    slots = int(np.ceil(seconds / fine_s)) + 1
    records = sorted(records, key=lambda record: record.born)
    at = _slots_of_birth(system, records, fine_s)
    if at.size and at.max() >= slots:
        raise ProblemError("$.seconds", f"expected time for all births, got {seconds}")
    trace = _trace(system, records, at, rates_bps, factor, slots)
    done = _simulate(_at_full_speed(system, rates_bps, fine_s), trace)
    service = _services(system, records)
    latency = np.array(
        [done.get((s, b), np.nan) for s, b in zip(service.tolist(), at.tolist(), strict=True)], np.float64
    )
    return Prediction(tuple(records), latency * fine_s, fine_s)


def _services(system: System, records: list[TaskRecord]) -> Integers:
    """Index of the service of each record among all."""
    first = [system.services_of(m).start for m in range(len(system.devices))]
    return np.array([first[record.device] + record.service for record in records], np.int64)


def _slots_of_birth(system: System, records: list[TaskRecord], slot_s: float) -> Integers:
    """Slot in which each task is born, different ones for the tasks of a service."""
    free = np.zeros(len(system.services), np.int64)
    found = np.zeros(len(records), np.int64)
    for i, (record, s) in enumerate(zip(records, _services(system, records).tolist(), strict=True)):
        # Served from the next slot on: half a slot early or late, on average neither.
        found[i] = max(round(record.born / slot_s) - 1, free[s])
        free[s] = found[i] + 1
    return found


def _trace(
    system: System,
    records: list[TaskRecord],
    at: Integers,
    rates_bps: Floats,
    factor: int,
    slots: int,
) -> Trace:
    service = _services(system, records)
    arrivals = np.zeros((slots, len(system.services)), np.int64)
    points = np.zeros_like(arrivals)
    arrivals[at, service] = 1
    points[at, service] = [record.cut for record in records]
    most = rates_bps.max(axis=0)
    shares = (rates_bps / most)[(np.arange(slots) // factor) % len(rates_bps)]
    return Trace(arrivals, shares, points)


def _at_full_speed(system: System, rates_bps: Floats, slot_s: float) -> System:
    """The system with slots of their own cuts, no weight of energy, and radios that carry the rates."""
    most = rates_bps.max(axis=0)
    devices = tuple(
        replace(device, radio=MeasuredRadio(float(rate), float(power)), bandwidth_hz=None)
        for device, rate, power in zip(system.devices, most, system.max_power_w, strict=True)
    )
    return replace(
        system,
        devices=devices,
        slot_duration_s=slot_s,
        slots_per_period=1,
        energy_weight_local=0.0,
        energy_weight_transmit=0.0,
    )


def _simulate(system: System, trace: Trace) -> dict[tuple[int, int], int]:
    """Latency in slots of each task that was done, by service and slot of birth."""
    trace.check_against(system)
    several = len(system.services) > 1
    rule = new_rule() if several else None  # a queue alone is first come, first served without it
    state = State(system, 1, 0, trace, 1, 0 if rule is None else rule.memory)
    if rule is not None:
        state.use_rule(rule.entry)
    assert trace.partition is not None
    plan = state.layout.to_lanes(trace.partition[:, :, None], np.int64)
    found = {}
    while state.slot < trace.slots:
        count = min(_PIECE, trace.slots - state.slot)
        state.advance(count, np.ascontiguousarray(plan[state.slot : state.slot + count]))
        for _, service, born, done in state.take_finished().tolist():
            found[service, born] = done - born
    return found
