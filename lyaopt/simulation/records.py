"""The record of every slot of a run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.simulation import sums, task_queues
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.traces import Trace
from lyaopt.slot.formulas import local_energy, transmit_energy
from lyaopt.slot.tables import hull_power

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Record:
    """A run of T slots, slot by slot, with services in order of devices. It can be replayed as a trace.

    Attributes
    ----------
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : ndarray (T + 1, S)
        Backlogs at the start of each slot, and after the last one.
    local_cpu_hz, rate_bps, edge_cpu_hz : ndarray (T, S)
    power_w, local_energy_j, transmit_energy_j, tail_energy_j, idle_energy_j : ndarray (T, M)
        `power_w` is that of sending, without tail and idle power.
    completed : ndarray (T, S) of int
        Tasks completed in each slot.
    latency_slots, latency_service : ndarray (tasks completed,) of int
        Slots from birth to completion, and the task's service, in the order of completion.
    arrivals : ndarray (T, S) of int
    channel_gain : ndarray (T, M)
    partition : ndarray (ceil(T / G), S) of int
        As in a trace.
    """

    local_queue_cycles: Floats
    transmit_queue_bits: Floats
    edge_queue_cycles: Floats
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    power_w: Floats
    local_energy_j: Floats
    transmit_energy_j: Floats
    tail_energy_j: Floats
    idle_energy_j: Floats
    completed: Integers
    latency_slots: Integers
    latency_service: Integers
    arrivals: Integers
    channel_gain: Floats
    partition: Integers

    @property
    def trace(self) -> Trace:
        """The trace that replays this run."""
        return Trace(self.arrivals, self.channel_gain, self.partition)

    def to_bytes(self) -> bytes:
        """The record as an .npz file; equal records give equal bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for field in fields(self):
                entry = zipfile.ZipInfo(f"{field.name}.npy", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, getattr(self, field.name), allow_pickle=False)
        return buffer.getvalue()


@dataclass(frozen=True, eq=False)
class EdgesRecord(Record):
    """A run of T slots with E edge servers.

    `channel_gain` is that of the links in use, and `edge_queue_cycles` and `edge_cpu_hz` are sums over the
    servers.

    Attributes
    ----------
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles, local_cpu_hz, rate_bps, edge_cpu_hz
        As of `Record`.
    power_w, local_energy_j, transmit_energy_j, tail_energy_j, idle_energy_j
        As of `Record`.
    completed, latency_slots, latency_service
        As of `Record`.
    arrivals, channel_gain, partition
        As of `Record`.
    link_queue_cycles : ndarray (T + 1, E, S)
        Backlogs at each server at the start of each slot, and after the last one.
    link_cpu_hz : ndarray (T, E, S)
        What each server gives.
    link_gain : ndarray (T, E, M)
        Channel gain of each link.
    edges : ndarray (ceil(T / G), M) of int
        As in a trace.
    """

    link_queue_cycles: Floats
    link_cpu_hz: Floats
    link_gain: Floats
    edges: Integers

    @property
    def trace(self) -> Trace:
        """The trace that replays this run."""
        return Trace(self.arrivals, self.link_gain, self.partition, edges=self.edges)


def _cpu_energy(system: System, speed: Floats) -> Floats:
    """Energy in J of a slot at the speeds (T, M)."""
    tau = system.slot_duration_s
    energy = np.asarray(local_energy(tau, system.energy_coefficient, speed))
    for m, points in enumerate(system.cpu_points):
        if points is not None:
            energy[:, m] = tau * hull_power(points, speed[:, m])
    return energy


class Recorder:
    """Collects the record of one replication, piece by piece.

    Parameters
    ----------
    system : System
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._services: list[Floats] = []
        self._devices: list[Floats] = []
        self._points: list[Integers] = []
        self._finished: list[Integers] = []

    def add(self, services: Floats, devices: Floats, points: Integers, finished: Integers) -> None:
        """Add consecutive slots.

        Parameters
        ----------
        services : ndarray (slots, rows, S, 1)
            As `State.advance_recorded` returns them.
        devices : ndarray (slots, rows, M, 1)
            From the same call.
        points : ndarray (P, S) of int
            Partition points of the periods that began in these slots.
        finished : ndarray (D, 4) of int
            Tasks finished in these slots, as of `State.take_finished`.
        """
        self._services.append(services[..., 0])
        self._devices.append(devices[..., 0])
        self._points.append(points)
        self._finished.append(finished)

    def record(self, backlog: Floats, links: Mapping[str, NDArray[Any]] | None = None) -> Record:
        """The record of all slots so far.

        Parameters
        ----------
        backlog : ndarray (3, S, 1)
            At the end of the last slot.
        links : mapping of str to ndarray, optional
            With several edge servers: what an `EdgesRecord` has beyond a `Record`.
        """
        system, tau = self._system, self._system.slot_duration_s
        services, devices = np.concatenate(self._services), np.concatenate(self._devices)
        queues = [
            np.ascontiguousarray(np.concatenate([services[:, sums.BACKLOGS + stage], backlog[stage].T]))
            for stage in range(task_queues.STAGES)
        ]
        rates = [np.ascontiguousarray(services[:, sums.RATES + stage]) for stage in range(task_queues.STAGES)]
        speed = devices[:, sums.CPU_RECORD]
        power = np.ascontiguousarray(devices[:, sums.POWER_RECORD])
        completed, latency, service = self._tasks(len(services))
        kind: Any = Record if links is None else EdgesRecord
        found: Record = kind(
            local_queue_cycles=queues[task_queues.LOCAL],
            transmit_queue_bits=queues[task_queues.TRANSMIT],
            edge_queue_cycles=queues[task_queues.EDGE],
            local_cpu_hz=rates[task_queues.LOCAL],
            rate_bps=rates[task_queues.TRANSMIT],
            edge_cpu_hz=rates[task_queues.EDGE],
            power_w=power,
            local_energy_j=_cpu_energy(system, speed),
            transmit_energy_j=transmit_energy(tau, power),
            tail_energy_j=np.ascontiguousarray(devices[:, sums.TAIL_RECORD]),
            idle_energy_j=np.tile(transmit_energy(tau, system.idle_power_w), (len(devices), 1)),
            completed=completed,
            latency_slots=latency,
            latency_service=service,
            arrivals=services[:, sums.ARRIVED].astype(np.int64, order="C"),
            channel_gain=np.ascontiguousarray(devices[:, sums.GAIN_RECORD]),
            partition=np.ascontiguousarray(np.concatenate(self._points)),
            **(links or {}),
        )
        return found

    def _tasks(self, slots: int) -> tuple[Integers, Integers, Integers]:
        _, service, born, done = np.concatenate(self._finished).T
        order = np.argsort(done, kind="stable")
        completed = np.zeros((slots, len(self._system.services)), np.int64)
        np.add.at(completed, (done, service), 1)
        return completed, (done - born)[order], service[order]
