"""Tasks that wait for a processor or a radio, in queues of their own; the fullest queue comes first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Waiting:
    """A task in a queue.

    Attributes
    ----------
    queue : hashable
        Whose it is.
    amount : float
        Of work: the seconds that were measured, or bits.
    content : object
        What is needed to serve it.
    since_s : float
        When it was put there.
    """

    queue: Hashable
    amount: float
    content: Any = field(repr=False, default=None)
    since_s: float = 0.0


class WaitingTasks:
    """Queues for one server, filled and looked at by other threads.

    As in the slot problems, the queue with the largest backlog is served, here until the task is done. Of
    equal backlogs the one comes first whose task came first.

    Parameters
    ----------
    clock : callable
        Returns the time in seconds.
    left : callable
        Returns what is left of a task that has been served since a time, which it is given too.
    """

    def __init__(self, clock: Callable[[], float], left: Callable[[Waiting, float], float]) -> None:
        self._clock, self._left = clock, left
        self._changed = threading.Condition()
        self._queues: dict[Hashable, deque[Waiting]] = {}
        self._served: tuple[Waiting, float] | None = None

    def put(self, task: Waiting) -> None:
        """Add a `task`."""
        with self._changed:
            task.since_s = self._clock()
            self._queues.setdefault(task.queue, deque()).append(task)
            self._changed.notify_all()

    def wake(self) -> None:
        """Let a thread that waits look around."""
        with self._changed:
            self._changed.notify_all()

    def take(self, timeout_s: float | None) -> Waiting | None:
        """Take the next task, which is served from now on.

        Parameters
        ----------
        timeout_s : float or None
            Longest wait for one; None waits until `wake` is called.

        Returns
        -------
        Waiting or None
            None if there is none.
        """
        with self._changed:
            if not self._full():
                self._changed.wait(timeout_s)
            full = self._full()
            if not full:
                return None
            task = max(full, key=_urgency).popleft()
            self._served = task, self._clock()
            return task

    def _full(self) -> list[deque[Waiting]]:
        return [queue for queue in self._queues.values() if queue]

    def end(self) -> None:
        """Say that the task that was taken is done."""
        with self._changed:
            self._served = None

    def backlog(self) -> list[dict[str, Any]]:
        """What waits, the task that is served included.

        Returns
        -------
        list of dict
            Of each `queue` that is not empty: the number of `tasks`, their `amount`, and what is `left` of
            the first one.
        """
        with self._changed:
            found = []
            for name, queue in self._queues.items():
                amounts = [task.amount for task in queue]
                if self._served is not None and self._served[0].queue == name:
                    amounts.insert(0, self._left(*self._served))
                if amounts:
                    row = {"queue": name, "tasks": len(amounts), "amount": sum(amounts), "left": amounts[0]}
                    found.append(row)
            return found


def _urgency(queue: deque[Waiting]) -> tuple[float, float]:
    """Backlog; of equal ones the task that came first."""
    return sum(task.amount for task in queue), -queue[0].since_s


def seconds_left(clock: Callable[[], float]) -> Callable[[Waiting, float], float]:
    """Return the `left` of a processor, by its `clock`: a late task is never quite done."""
    return lambda task, since_s: max(task.amount - (clock() - since_s), 0.05 * task.amount)
