"""The tuples of arrays that the simulation kernels take, made for a system.

They are defined in `lyaopt._kernels.simulation.state_types`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.simulation import exact_allocation, sums, task_queues
from lyaopt._kernels.simulation import state_types as types
from lyaopt._kernels.simulation.rules import FAILED
from lyaopt._kernels.simulation.state_types import (
    Model,
    PowerLaws,
    Record,
    ReplicationState,
    StreamModel,
    Tasks,
    TaskSizes,
    Trace,
)
from lyaopt._kernels.simulation.stream_options import CHANNEL_ROWS
from lyaopt._kernels.slot import problems
from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.arrival_arrays import size_laws
from lyaopt.simulation.layout import Layout
from lyaopt.simulation.streams import make_streams
from lyaopt.simulation.traces import Trace as Recorded

FIRST_ROOM = 1024
"""Initial rows of the tables of tasks and of finished tasks; both grow."""
_LINES = 128
"""Bytes of two lines of the cache, which processors fetch together."""
_NO_TASKS = (-1, 0, 0, 0)
"""Initial pool: no free task, none used or alive, nothing logged."""


def exact_method(layout: Layout) -> int:
    """Return the fastest method of exact allocation.

    Parameters
    ----------
    layout : Layout
        Its numbers of devices and services decide.

    Returns
    -------
    int
        One of those named in `lyaopt._kernels.simulation.exact_allocation`.
    """
    if layout.rows > NETWORK_ITEMS:
        return exact_allocation.SELECT
    many_at_edge = layout.rows * layout.devices > NETWORK_ITEMS
    return exact_allocation.SELECT_AT_EDGE if many_at_edge else exact_allocation.SORT


def make_model(system: System, layout: Layout, traced: bool = False) -> Model:
    """Convert a system for the kernels, with exact allocation.

    Parameters
    ----------
    system : System
        M devices with S services in all.
    layout : Layout
        Of the same system.
    traced : bool
        Whether gains are those of a trace.
    """
    return Model(
        exact_method(layout),
        _scalars(system),
        _devices(system),
        _amounts(system, layout),
        fractions=np.empty((0, 0, 0)),
        shares=np.empty((0, 0, 0, 0)),
        weights=np.empty((0, 0, 0, 0)),
        rule=0,
        failed=np.full(FAILED, -1),
        laws=_laws(system, traced),
        sizes=TaskSizes(np.uint64(0), np.zeros((layout.blocks, layout.lanes), np.uint32), *size_laws(system)),
    )


def _laws(system: System, traced: bool) -> PowerLaws:
    """The laws of the devices: f^3 or a hull; a measured rate, or Shannon's in its own or shared spectrum."""
    curves, measured = system.curves, ~np.isnan(system.radio_rate_bps)
    rate, watts, slope, tail_time, tail_watts = _radios(system)
    return PowerLaws(
        curves.row,
        curves.hz,
        curves.slope,
        measured.astype(np.int64),
        rate,
        watts,
        slope,
        tail_time,
        tail_watts,
        int(traced),
        int(system.spectrum == "shared"),
    )


def _radios(system: System) -> Iterator[Floats]:
    """Rates, powers, slopes, tails and their powers of measured radios; each empty where there is none."""
    radios = [device.radio for device in system.devices]
    for field in ("rate_bps", "power_w", "slope_w_per_bps", "tail_s", "tail_power_w"):
        values = np.array([0.0 if radio is None else getattr(radio, field) for radio in radios])
        some = any(radios) if field in ("rate_bps", "power_w") else values.any()
        yield values if some else values[:0]


def _scalars(system: System) -> Floats:
    values = np.empty(problems.SCALARS)
    values[problems.TAU] = system.slot_duration_s
    values[problems.DELTA] = system.energy_coefficient
    values[problems.WEIGHT_LOCAL] = system.energy_weight_local
    values[problems.WEIGHT_TRANSMIT] = system.energy_weight_transmit
    values[problems.EDGE_CAPACITY] = system.edge_capacity_hz
    values[problems.NOISE] = system.noise_w_per_hz
    return values


def _devices(system: System) -> Floats:
    rows = np.empty((exact_allocation.DEVICE_ROWS, len(system.devices)))
    rows[exact_allocation.CPU_CAPACITY] = system.cpu_capacity_hz
    rows[exact_allocation.MAX_POWER] = system.max_power_w
    rows[exact_allocation.BANDWIDTH] = system.device_bandwidth_hz
    return rows


def _amounts(system: System, layout: Layout) -> Floats:
    """Cycles, bits, cycles of a task in each stage, by partition point (3, N, M, K + 1)."""
    tables = (system.local_cycles, system.transmit_bits, system.edge_cycles)
    spread = layout.spread([table.T for table in tables])
    return np.ascontiguousarray(np.moveaxis(spread, 1, -1))


def make_stream_model(system: System, layout: Layout, seed: int) -> StreamModel:
    """Make the parameters and keys of the draws of channels and arrivals.

    Parameters
    ----------
    system : System
        Its channel and arrival models are drawn from.
    layout : Layout
        Gives the numbers of blocks and lanes.
    seed : int
        From 0 to 2^64 - 1.

    Returns
    -------
    StreamModel
        All blocks have the replication numbers of the first one; `State` replaces them.
    """
    streams = make_streams(system, seed, range(layout.width))
    return StreamModel(
        streams.seed,
        streams.options,
        np.tile(streams.lane_replication, (layout.blocks, 1)),
        streams.lane_device,
        streams.lane_gain,
        streams.lane_distance,
        streams.mean,
        streams.laws,
    )


def spread_trace(layout: Layout, trace: Recorded | None) -> Trace:
    """Convert a trace for the kernels.

    Parameters
    ----------
    layout : Layout
        Gives the place (n, m) of each service.
    trace : lyaopt.simulation.Trace or None
        None gives a trace of no slots.
    """
    start = 0 if trace is None or trace.starts is None else trace.starts
    starts = layout.in_blocks(start, np.int64)
    if trace is None:
        none = np.empty((0, layout.devices)), np.empty((0, layout.rows, layout.devices), np.int64)
        return Trace(*none, starts)
    return Trace(np.array(trace.channel_gain), layout.spread(trace.arrivals, np.int64), starts)


def new_record(layout: Layout, slots: int) -> Record:
    """A record for the kernel to write.

    Parameters
    ----------
    layout : Layout
        Gives the numbers of blocks, rows and lanes.
    slots : int
        Slots that fit.
    """
    return Record(
        np.empty((layout.blocks, slots, sums.SERVICE_RECORDS, layout.rows, layout.lanes)),
        np.empty((layout.blocks, slots, sums.DEVICE_RECORDS, layout.lanes)),
    )


def new_tasks() -> Tasks:
    """Tables without tasks."""
    table = np.zeros((FIRST_ROOM, task_queues.TASK_COLUMNS), np.int64)
    log = np.zeros((FIRST_ROOM, task_queues.LOG_COLUMNS), np.int64)
    pool = _apart((_LINES,), np.int64)[: len(_NO_TASKS)]  # nothing of another thread beside it
    pool[:] = _NO_TASKS
    return Tasks(table, pool, log)


def with_room(lines: Integers, least: int) -> Integers:
    """Copy lines of a table of tasks, with empty ones after them up to a least number of lines.

    Parameters
    ----------
    lines : ndarray (n, columns) of int
        The lines in use.
    least : int
        Lines of the table.
    """
    table = np.zeros((max(least, len(lines)), lines.shape[1]), np.int64)
    table[: len(lines)] = lines
    return table


def remove_tasks(tasks: Tasks) -> None:
    """Remove all tasks, alive and finished.

    Parameters
    ----------
    tasks : Tasks
        Emptied; its tables keep their sizes.
    """
    tasks.pool[:] = _NO_TASKS


def _apart(shape: tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
    """An empty array that begins lines of the cache: threads that write its blocks slow each other in one."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + _LINES, np.uint8)
    start = -room.ctypes.data % _LINES
    return room[start : start + size].view(dtype).reshape(shape)


def new_state(layout: Layout, memory: int = 0) -> ReplicationState:
    """Arrays of a state, which `empty_state` sets.

    Parameters
    ----------
    layout : Layout
        Gives the numbers of blocks, rows and lanes.
    memory : int
        K, tables (3, N, L) of each block that a rule keeps.
    """
    blocks, shape = layout.blocks, (layout.rows, layout.lanes)
    stages = task_queues.STAGES
    return ReplicationState(
        queue_amounts=_apart((blocks, types.QUEUE_AMOUNTS, stages, *shape)),
        queue_links=_apart((blocks, types.QUEUE_LINKS, stages, *shape), np.int64),
        task_counts=_apart((blocks, types.TASK_COUNTS, *shape), np.int64),
        points=_apart((blocks, *shape), np.int64),
        sums=types.Sums(
            _apart((blocks, 2, sums.SERVICE_SUMS, *shape)),
            _apart((blocks, 2, sums.DEVICE_SUMS, layout.lanes)),
        ),
        last_gain=_apart((blocks, layout.lanes)),
        channel=_apart((blocks, CHANNEL_ROWS, layout.lanes)),
        busy=_apart((blocks, *shape), np.bool_),
        rates=_apart((blocks, stages, *shape)),
        efforts=_apart((blocks, types.EFFORTS, layout.lanes)),
        memory=_apart((blocks, memory, stages, *shape)),
    )


def empty_state(state: ReplicationState, lane_gain: Floats, slots_per_period: int) -> None:
    """Set the state of slot 0.

    Parameters
    ----------
    state : ReplicationState
        Overwritten.
    lane_gain : ndarray (L,)
        Mean channel gains.
    slots_per_period : int
        G.
    """
    for array in named_arrays(state).values():
        array.fill(0)
    state.queue_amounts[:, types.HEAD] = np.inf
    state.queue_links[:, [types.FIRST, types.LAST]] = -1
    state.last_gain[:] = lane_gain
    # Before the first period the observed mean gain is the long-run mean, not zero.
    state.sums.devices[:, sums.PRESENT, sums.GAIN] = slots_per_period * lane_gain


def named_arrays(state: ReplicationState) -> dict[str, np.ndarray]:
    """All arrays of a state by name, including the sums.

    Parameters
    ----------
    state : ReplicationState
        Its arrays are returned, not copied.
    """
    fields = state._asdict()
    services, devices = fields.pop("sums")
    return {**fields, "service_sums": services, "device_sums": devices}
