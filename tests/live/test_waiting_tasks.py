"""Queues for one server: who comes first, and what is told of them."""

from __future__ import annotations

import threading

from lyaopt.live.waiting_tasks import Waiting, WaitingTasks, seconds_left


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def queues() -> tuple[WaitingTasks, Clock]:
    clock = Clock()
    return WaitingTasks(clock, seconds_left(clock)), clock


def test_the_largest_backlog_is_served_first_and_each_queue_in_order():
    tasks, _ = queues()
    for queue, amount, name in [(0, 2.0, "a"), (1, 1.0, "b"), (1, 1.5, "c"), (0, 1.0, "d")]:
        tasks.put(Waiting(queue, amount, name))
    # 3.0 against 2.5, then 1.0 against 2.5, 1.0 against 1.5, 1.0
    assert [tasks.take(0.0).content for _ in range(4)] == ["a", "b", "c", "d"]
    assert tasks.take(0.0) is None


def test_of_equal_backlogs_the_older_task_comes_first():
    tasks, clock = queues()
    for name in "bac":
        clock.now += 1.0
        tasks.put(Waiting(name, 2.0, name))
    assert [tasks.take(0.0).content for _ in range(3)] == ["b", "a", "c"]


def test_what_is_served_counts_by_what_is_left():
    tasks, clock = queues()
    tasks.put(Waiting("q", 2.0))
    tasks.put(Waiting("q", 3.0))
    tasks.take(0.0)
    clock.now = 0.5
    assert tasks.backlog() == [{"queue": "q", "tasks": 2, "amount": 4.5, "left": 1.5}]
    clock.now = 10.0
    assert tasks.backlog()[0]["left"] > 0.0
    tasks.end()
    assert tasks.backlog() == [{"queue": "q", "tasks": 1, "amount": 3.0, "left": 3.0}]


def test_who_waits_is_woken_by_a_task():
    tasks, _ = queues()
    found = []
    waiting = threading.Thread(target=lambda: found.append(tasks.take(None)))
    waiting.start()
    task = Waiting("q", 1.0)
    tasks.put(task)
    waiting.join()
    assert found == [task]
