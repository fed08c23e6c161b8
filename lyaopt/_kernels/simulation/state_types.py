"""Named tuples of arrays that the simulation kernels take, and their compiled types.

Kernels work on blocks of `width` replications, so that the data of a block stays in the cache. Within a
block a lane is one device of one replication: lane l is device l // width of replication l % width.

Shapes: b blocks, N services a device, M devices, L = M width lanes, T slots, K + 1 cuts.
The axis of length 3 is the stage: LOCAL, TRANSMIT, EDGE of task_queues.py.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.toolchain.jit import inline


class Span(NamedTuple):
    """Slots to simulate, from `start` up to but not including `stop`, in periods of `slots_per_period`."""

    start: Any
    stop: Any
    slots_per_period: Any


class Model(NamedTuple):
    """The system, and how its resources are allocated.

    - `method`: one of those named in exact_allocation.py.
    - `scalars` (6,), `devices` (3, M): see exact_allocation.py.
    - `amounts` (3, N, M, K + 1): cycles, bits, cycles of a task in each stage, by cut.
    - `fractions` (b, 2, L), `shares` (b, 3, N, L): see share_allocation.py; of no blocks for exact methods.
    """

    method: Any
    scalars: Any
    devices: Any
    amounts: Any
    fractions: Any
    shares: Any


class StreamKeys(NamedTuple):
    """What keys the draws of L lanes: `seed` uint64, `lane_replication` and `lane_device` (L,) uint32."""

    seed: Any
    lane_replication: Any
    lane_device: Any


class StreamModel(NamedTuple):
    """What channel gains and arrivals are drawn from.

    - `seed`, `lane_replication` (b, L), `lane_device` (L,): see StreamKeys.
    - `options` (OPTIONS,): see stream_options.py.
    - `lane_gain`, `lane_distance` (L,): mean gain, and distance in metres, where the device starts.
    - `lane_mean` (N, L): mean number of new tasks in a slot.
    """

    seed: Any
    options: Any
    lane_replication: Any
    lane_device: Any
    lane_gain: Any
    lane_distance: Any
    lane_mean: Any


class Trace(NamedTuple):
    """Recorded `gain` (T, M) and `arrivals` (T, N, M) from slot 0 on; T = 0 to draw them instead."""

    gain: Any
    arrivals: Any


class Queues(NamedTuple):
    """The queues of tasks; all arrays are (b, 3, N, L), see task_queues.py.

    - `backlog`: all that waits; it equals head + behind + lost, rounded.
    - `head`: what is left of the first task; infinite in an empty queue.
    - `behind`, `lost`: all tasks but the first, as an unevaluated sum of two numbers.
    - `first`, `last`: numbers of tasks, -1 if there is none; `waiting`: how many tasks.
    """

    backlog: Any
    head: Any
    behind: Any
    lost: Any
    first: Any
    last: Any
    waiting: Any


class ReplicationState(NamedTuple):
    """The state of all replications, except their tasks.

    - `points` (b, N, L): partition points in force.
    - `born`, `completed` (b, N, L): number of tasks so far.
    - `service_sums` (b, 2, 6, N, L), `device_sums` (b, 2, 7, L): see sums.py.
    - `last_gain` (b, L): channel gains of the last slot.
    - `channel` (b, 4, L), `busy` (b, N, L): state of the streams, see stream_options.py and traffic.py.
    """

    queues: Any
    points: Any
    born: Any
    completed: Any
    service_sums: Any
    device_sums: Any
    last_gain: Any
    channel: Any
    busy: Any


class Tasks(NamedTuple):
    """Tasks alive and finished: `table` (capacity, 3), `pool` (4,), `log` (lines, 5), see task_queues.py."""

    table: Any
    pool: Any
    log: Any


class Record(NamedTuple):
    """All that is recorded of T slots: `services` (b, T, 7, N, L), `devices` (b, T, 3, L), see sums.py."""

    services: Any
    devices: Any


class Placement(NamedTuple):
    """Where each of S services is kept: `row` n and `device` m (S,), in blocks of `width` replications."""

    row: Any
    device: Any
    width: Any


@inline
def block_of(state, b):
    """Return block `b` of a ReplicationState: the same arrays without their first axis."""
    queues = state.queues
    block_queues = Queues(
        queues.backlog[b],
        queues.head[b],
        queues.behind[b],
        queues.lost[b],
        queues.first[b],
        queues.last[b],
        queues.waiting[b],
    )
    return ReplicationState(
        block_queues,
        state.points[b],
        state.born[b],
        state.completed[b],
        state.service_sums[b],
        state.device_sums[b],
        state.last_gain[b],
        state.channel[b],
        state.busy[b],
    )


_F1, _F2, _F3, _F4, _F5 = (f"f8[{':,' * n}::1]" for n in range(5))
_I1, _I2, _I3, _I4 = (f"i8[{':,' * n}::1]" for n in range(4))
FIELD_TYPES: dict[type, tuple[str | type, ...]] = {
    Span: ("i8", "i8", "i8"),
    Model: ("i8", _F1, _F2, _F4, _F3, _F4),
    StreamKeys: ("u8", "u4[::1]", "u4[::1]"),
    StreamModel: ("u8", _F1, "u4[:,::1]", "u4[::1]", _F1, _F1, _F2),
    Trace: (_F2, _I3),
    Queues: (_F4, _F4, _F4, _F4, _I4, _I4, _I4),
    ReplicationState: (Queues, _I3, _I3, _I3, _F5, _F4, _F2, _F3, "b1[:,:,::1]"),
    Tasks: (_I2, _I1, _I2),
    Record: (_F5, _F4),
    Placement: (_I1, _I1, "i8"),
}
"""Types of the fields, as in signatures. Modules with tuples of their own add them."""


def compiled_type(kind: str | type) -> Any:
    """Return the Numba type of one of the tuples above, or of a signature's argument such as "f8[::1]"."""
    from numba.core import types
    from numba.core.sigutils import normalize_signature

    if isinstance(kind, str):
        return normalize_signature(f"void({kind})")[0][0]
    return types.BaseTuple.from_types([compiled_type(field) for field in FIELD_TYPES[kind]], kind)


def compiled_signature(result: Any, *arguments: str | type) -> Any:
    """Return the Numba signature of a kernel with these arguments, each as `compiled_type` takes it."""
    return compiled_type(result)(*map(compiled_type, arguments))
