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
    - `weights` (b, 3, N, L): what the slot problems weigh services by, see weighted_allocation.py; of no
      blocks where backlogs do.
    - `rule`: address of a rule that writes them, see rules.py, or 0; `failed` (2,): the first slot in which
      it did not, or -1, and whether it raised an error there.
    - `laws`: see PowerLaws.
    - `sizes`: see TaskSizes.
    """

    method: Any
    scalars: Any
    devices: Any
    amounts: Any
    fractions: Any
    shares: Any
    weights: Any
    rule: Any
    failed: Any
    laws: Any
    sizes: Any


class TaskSizes(NamedTuple):
    """Laws of the sizes of tasks, see task_sizes.py.

    - `seed`, `replication` (b, L): as of a StreamModel.
    - `law`, `spread` (N, M): which law, and its spread; of no entries where all tasks are of size 1.
    """

    seed: Any
    replication: Any
    law: Any
    spread: Any


class PowerLaws(NamedTuple):
    """What the CPUs and radios of the devices take, as general_problems.py has it.

    - `curve` (M,): -1 where the law of the CPU is cubic, else a row of the tables.
    - `curve_hz`, `curve_slope` (C, K): tables of CPUs.
    - `measured` (M,): 1 where the radio is measured.
    - `rate`, `watts` (M,): of measured radios, in bit/s and W; empty where there is none.
    - `slope` (M,): what they draw beside, in W for each bit/s at which they send; empty where nothing.
    - `tail_time`, `tail_watts` (M,): for how many seconds they stay awake after they sent, and what they draw
      then in W; empty where none does.
    - `traced`: 1 where gains are those of a trace, which are shares of the rate of a measured radio.
    - `shared`: 1 where the devices of a replication share their spectrum, else 0.
    """

    curve: Any
    curve_hz: Any
    curve_slope: Any
    measured: Any
    rate: Any
    watts: Any
    slope: Any
    tail_time: Any
    tail_watts: Any
    traced: Any
    shared: Any


class StreamKeys(NamedTuple):
    """What keys the draws of L lanes: `seed` uint64, `lane_replication` and `lane_device` (L,) uint32."""

    seed: Any
    lane_replication: Any
    lane_device: Any


class ArrivalLaws(NamedTuple):
    """Laws of the arrivals of services, see arrival_laws.py.

    - `kind` (N, M), `numbers` (N, M, 5): of no entries where all arrivals are Poisson.
    - `times` (J,): of all that is replayed, in slots.
    """

    kind: Any
    numbers: Any
    times: Any


class StreamModel(NamedTuple):
    """What channel gains and arrivals are drawn from.

    - `seed`, `lane_replication` (b, L), `lane_device` (L,): see StreamKeys.
    - `options` (OPTIONS,): see stream_options.py.
    - `lane_gain`, `lane_distance` (L,): mean gain, and distance in metres, where the device starts.
    - `lane_mean` (N, L): mean number of new tasks in a slot; 0 of services with a law of their own.
    - `laws`: see ArrivalLaws.
    """

    seed: Any
    options: Any
    lane_replication: Any
    lane_device: Any
    lane_gain: Any
    lane_distance: Any
    lane_mean: Any
    laws: Any


class Trace(NamedTuple):
    """Recorded `gain` (T, M) and `arrivals` (T, N, M); T = 0 to draw them instead.

    `starts` (b, width) is the slot of the trace in which each replication starts. Behind the last slot comes
    the first one.
    """

    gain: Any
    arrivals: Any
    starts: Any


class Sums(NamedTuple):
    """Sums over slots: `services` (b, 2, 6, N, L) and `devices` (b, 2, 8, L), see sums.py."""

    services: Any
    devices: Any


class ReplicationState(NamedTuple):
    """The state of all replications, except their tasks.

    - `queue_amounts` (b, 4, 3, N, L), `queue_links` (b, 3, 3, N, L): see Queues.
    - `task_counts` (b, 2, N, L): number of tasks BORN and COMPLETED so far.
    - `points` (b, N, L): partition points in force.
    - `sums`: see Sums.
    - `last_gain` (b, L): channel gains of the last slot.
    - `channel` (b, 4, L), `busy` (b, N, L): state of the streams, see stream_options.py and traffic.py.
    - `rates` (b, 3, N, L), `efforts` (b, 4, L): what was allocated in the last slot: rates of service, and
      the SPEED in Hz and POWER in W of each device; of its radio the seconds for which it stays AWAKE, and
      the energy of its TAIL in the slot in J.
    - `memory` (b, K, 3, N, L): what a rule keeps from slot to slot, see rules.py.
    """

    queue_amounts: Any
    queue_links: Any
    task_counts: Any
    points: Any
    sums: Any
    last_gain: Any
    channel: Any
    busy: Any
    rates: Any
    efforts: Any
    memory: Any


# Rows of `queue_amounts`, `queue_links`, `task_counts` and `efforts`
BACKLOG, HEAD, BEHIND, LOST = range(4)
QUEUE_AMOUNTS = 4
FIRST, LAST, WAITING = range(3)
QUEUE_LINKS = 3
BORN, COMPLETED = range(2)
TASK_COUNTS = 2
SPEED, POWER, AWAKE, TAIL = range(4)
EFFORTS = 4


class Queues(NamedTuple):
    """The queues of tasks of one block, see task_queues.py: (3, N, L), the last three fields (N, L).

    - `backlog`: all that waits; it equals head + behind + lost, rounded.
    - `head`: what is left of the first task; infinite in an empty queue.
    - `behind`, `lost`: all tasks but the first, as an unevaluated sum of two numbers.
    - `first`, `last`: numbers of tasks, -1 if there is none; `waiting`: how many tasks.
    - `born`, `completed`: number of tasks so far; `points`: partition points in force.
    """

    backlog: Any
    head: Any
    behind: Any
    lost: Any
    first: Any
    last: Any
    waiting: Any
    born: Any
    completed: Any
    points: Any


class Tasks(NamedTuple):
    """Tasks alive and finished: `table` (capacity, 4), `pool` (4,), `log` (lines, 5), see task_queues.py."""

    table: Any
    pool: Any
    log: Any


class Record(NamedTuple):
    """All that is recorded of T slots: `services` (b, T, 7, N, L), `devices` (b, T, 4, L), see sums.py."""

    services: Any
    devices: Any


class Placement(NamedTuple):
    """Where each of S services is kept: `row` n and `device` m (S,), in blocks of `width` replications."""

    row: Any
    device: Any
    width: Any


@inline
def queues_of(state, b):
    """Return the queues of block `b` of a ReplicationState, which share its memory."""
    amounts, links, counts = state.queue_amounts[b], state.queue_links[b], state.task_counts[b]
    return Queues(
        amounts[BACKLOG],
        amounts[HEAD],
        amounts[BEHIND],
        amounts[LOST],
        links[FIRST],
        links[LAST],
        links[WAITING],
        counts[BORN],
        counts[COMPLETED],
        state.points[b],
    )


_F1, _F2, _F3, _F4, _F5 = (f"f8[{':,' * n}::1]" for n in range(5))
_I1, _I2, _I3, _I4, _I5 = (f"i8[{':,' * n}::1]" for n in range(5))
FIELD_TYPES: dict[type, tuple[str | type, ...]] = {
    Span: ("i8", "i8", "i8"),
    PowerLaws: (_I1, _F2, _F2, _I1, _F1, _F1, _F1, _F1, _F1, "i8", "i8"),
    TaskSizes: ("u8", "u4[:,::1]", _I2, _F2),
    Model: ("i8", _F1, _F2, _F4, _F3, _F4, _F4, "i8", _I1, PowerLaws, TaskSizes),
    StreamKeys: ("u8", "u4[::1]", "u4[::1]"),
    ArrivalLaws: (_I2, _F3, _F1),
    StreamModel: ("u8", _F1, "u4[:,::1]", "u4[::1]", _F1, _F1, _F2, ArrivalLaws),
    Trace: (_F2, _I3, _I2),
    Sums: (_F5, _F4),
    ReplicationState: (_F5, _I5, _I4, _I3, Sums, _F2, _F3, "b1[:,:,::1]", _F4, _F3, _F5),
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
