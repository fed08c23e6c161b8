"""What the kernels that simulate are given: named tuples of arrays, and their compiled types.

Systems are cut into blocks of `width` that stay in the cache; within a block, lane l is device l // width of
system l % width. Shapes below: `b` blocks, N services a device, M devices, L = M width lanes, K + 1 cuts.
"""

from typing import Any, NamedTuple


class Model(NamedTuple):
    """A system: `scalars` (6,), `devices` (3, M), and `amounts` (3, N, M, K + 1), the work of a task by cut.

    Stages of `amounts` are those of task_queues.py; what the others hold is named in slot_loop.py.
    """

    scalars: Any
    devices: Any
    amounts: Any


class SharedModel(NamedTuple):
    """A `Model` with the shares of its resources: `levels` (b, 2, L) and `shares` (b, 3, N, L).

    See share_allocation.py.
    """

    scalars: Any
    devices: Any
    amounts: Any
    levels: Any
    shares: Any


class Chance(NamedTuple):
    """What draws channels and arrivals, see traffic.py; `lane_mean` (N, L) is the mean number of new tasks.

    `lane_system` is (b, L), what else begins with lane_ is (L,).
    """

    seed: Any
    options: Any
    lane_system: Any
    lane_device: Any
    lane_gain: Any
    lane_distance: Any
    lane_mean: Any


class Trace(NamedTuple):
    """Recorded `gain` (T, M) and `arrivals` (T, N, M), from slot 0 on; of no slots to draw them."""

    gain: Any
    arrivals: Any


class Systems(NamedTuple):
    """The state of all systems but their tasks.

    - `work` (b, 4, 3, N, L) and `links` (b, 3, 3, N, L): see task_queues.py.
    - `cuts` (b, N, L): partition points in force; `ledger` (b, 2, N, L): tasks BORN and COMPLETED so far.
    - `service_sums` (b, 2, 6, N, L) and `device_sums` (b, 2, 7, L): over the slots of the PRESENT period, and
      over all periods that are over (PAST).
    - `seen` (b, L): channel gains of the last slot.
    - `channel` (b, 4, L) and `busy` (b, N, L): what the streams carry from slot to slot.
    """

    work: Any
    links: Any
    cuts: Any
    ledger: Any
    service_sums: Any
    device_sums: Any
    seen: Any
    channel: Any
    busy: Any


class Tasks(NamedTuple):
    """Tasks alive and done: `table` (capacity, 3), `pool` (4,) and `log` (lines, 5), see task_queues.py."""

    table: Any
    pool: Any
    log: Any


class Record(NamedTuple):
    """Everything of every slot, or of no slots: `services` (b, T, 7, N, L) and `devices` (b, T, 3, L)."""

    services: Any
    devices: Any


_TYPES = {
    Model: "f8[::1], f8[:,::1], f8[:,:,:,::1]",
    SharedModel: "f8[::1], f8[:,::1], f8[:,:,:,::1], f8[:,:,::1], f8[:,:,:,::1]",
    Chance: "u8, f8[::1], u4[:,::1], u4[::1], f8[::1], f8[::1], f8[:,::1]",
    Trace: "f8[:,::1], i8[:,:,::1]",
    Systems: (
        "f8[:,:,:,:,::1], i8[:,:,:,:,::1], i8[:,:,::1], i8[:,:,:,::1], f8[:,:,:,:,::1], f8[:,:,:,::1], "
        "f8[:,::1], f8[:,:,::1], b1[:,:,::1]"
    ),
    Tasks: "i8[:,::1], i8[::1], i8[:,::1]",
    Record: "f8[:,:,:,:,::1], f8[:,:,:,::1]",
}


def compiled_type(group: type) -> Any:
    """Return the Numba type of one of the tuples above."""
    from numba.core import types
    from numba.core.sigutils import normalize_signature

    members, _ = normalize_signature(f"void({_TYPES[group]})")
    return types.BaseTuple.from_types(members, group)
