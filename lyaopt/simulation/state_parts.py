"""Parts of the replications of a state, which threads simulate at once.

A part is a range of blocks. Its arrays are views of those of the state; its tables of tasks are its own,
since replications of one table take their lines from one pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.simulation import task_queues
from lyaopt._kernels.simulation.state_types import Record, ReplicationState, Span, StreamModel, Tasks, Trace
from lyaopt.arrays import Integers
from lyaopt.simulation.kernel_arrays import new_tasks, remove_tasks, with_room
from lyaopt.simulation.layout import Layout
from lyaopt.threads import in_threads

_LEAST_WORK = 60_000
"""Service-slots of a call, most of a millisecond: with fewer, handing them over to threads takes longer."""
_BY_BLOCK = ("fractions", "shares", "weights", "channels")
"""Fields of models that have an axis of blocks, first, or no entries."""


@dataclass
class Part:
    """A range of blocks, and the tasks of their replications.

    Attributes
    ----------
    blocks : slice
        Numbers of the blocks.
    tasks : Tasks
        Their tables, which grow. Replications are counted from the first of the part.
    """

    blocks: slice
    tasks: Tasks

    def take_finished(self, layout: Layout) -> Integers:
        """Tasks finished since the last call (D, 4): replication, service, slot of birth, slot when done.

        Parameters
        ----------
        layout : Layout
            Of the state.
        """
        lines = self.tasks.log[: self.tasks.pool[task_queues.LOGGED]]
        replication = lines[:, task_queues.REPLICATION] + self.blocks.start * layout.width
        service = layout.service_at[lines[:, task_queues.ROW], lines[:, task_queues.DEVICE]]
        times = lines[:, task_queues.BORN], lines[:, task_queues.DONE]
        finished = np.stack([replication, service, *times], axis=1)
        self.forget_finished()
        return finished[replication < layout.replications]

    def forget_finished(self) -> None:
        """Discard the tasks that `take_finished` would return."""
        self.tasks.pool[task_queues.LOGGED] = 0

    def task_arrays(self) -> dict[str, Integers]:
        """What is used of the tables, as `State.arrays` names it."""
        table, pool, log = self.tasks
        used, logged = pool[task_queues.USED], pool[task_queues.LOGGED]
        return {"tasks": table[:used], "pool": pool, "log": log[:logged]}

    def take_over_tasks(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue with the tasks of another state.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `State.arrays` returns them.
        """
        table = with_room(arrays["tasks"], len(self.tasks.table))
        self.tasks = Tasks(table, arrays["pool"].copy(), with_room(arrays["log"], len(self.tasks.log)))

    def remove_tasks(self) -> None:
        """Remove all tasks, alive and finished."""
        remove_tasks(self.tasks)


class SlotArrays(NamedTuple):
    """What the loop over slots takes beside a span and tasks, in its order.

    Attributes
    ----------
    model, streams, trace, state, record
        Tuples of arrays of `lyaopt._kernels.simulation.state_types`.
    plan : ndarray (P, blocks, N, L) of int
        Partition points of P periods.
    """

    model: Any
    streams: StreamModel
    trace: Trace
    plan: Integers
    state: ReplicationState
    record: Record

    def of(self, blocks: slice) -> SlotArrays:
        """The same for a range of blocks.

        Parameters
        ----------
        blocks : slice
            Numbers of the blocks.
        """
        model = self.model._asdict()
        own = {name: model[name][blocks] for name in _BY_BLOCK if len(model.get(name, ()))}
        sizes = self.model.sizes._replace(replication=self.model.sizes.replication[blocks])
        sums = type(self.state.sums)(*(array[blocks] for array in self.state.sums))
        arrays = {name: array[blocks] for name, array in self.state._asdict().items() if name != "sums"}
        return SlotArrays(
            self.model._replace(**own, sizes=sizes),
            self.streams._replace(lane_replication=self.streams.lane_replication[blocks]),
            self.trace._replace(starts=self.trace.starts[blocks]),
            np.ascontiguousarray(self.plan[:, blocks]),
            ReplicationState(**arrays, sums=sums),
            Record(*(array[blocks] for array in self.record)),
        )


def new_parts(layout: Layout, workers: int) -> tuple[Part, ...]:
    """Cut the blocks into parts of equal size, without tasks.

    Parameters
    ----------
    layout : Layout
        Of the state.
    workers : int
        How many parts there are, if there are enough blocks.
    """
    count = min(workers, layout.blocks)
    cuts = [layout.blocks * number // count for number in range(count + 1)]
    return tuple(Part(slice(*cut), new_tasks()) for cut in pairwise(cuts))


def part_with(parts: Sequence[Part], block: int) -> Part:
    """Return the part that holds a block.

    Parameters
    ----------
    parts : sequence of Part
        Of a state.
    block : int
        Number of the block.
    """
    return next(part for part in parts if block < part.blocks.stop)


def advance_parts(
    kernel: Callable[..., Any], parts: Sequence[Part], span: Span, arrays: SlotArrays, layout: Layout
) -> None:
    """Simulate slots, each part in a thread of its own if that is worth it.

    Parameters
    ----------
    kernel : callable
        A loop over slots.
    parts : sequence of Part
        Their tables of tasks grow.
    span : Span
        The slots.
    arrays : SlotArrays
        Of all parts.
    layout : Layout
        Of the state.
    """

    def advance(number: int) -> None:
        part = parts[number]
        model, streams, trace, plan, state, record = arrays if len(parts) == 1 else arrays.of(part.blocks)
        table, log = kernel(span, model, streams, trace, plan, state, part.tasks, record)
        part.tasks = part.tasks._replace(table=table, log=log)

    work = (span.stop - span.start) * layout.services * layout.replications
    if len(parts) > 1 and work >= _LEAST_WORK:
        in_threads(advance, len(parts))
    else:
        for number in range(len(parts)):
            advance(number)
