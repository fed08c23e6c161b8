"""Tasks of a block: those done in a stage go on to the next, and new ones join."""

from lyaopt._kernels.simulation.task_queues import (
    LOCAL,
    STAGES,
    Place,
    complete,
    enter,
    is_first_done,
    new_task,
)
from lyaopt._kernels.simulation.task_sizes import size_at
from lyaopt._kernels.slot.problems import TAU
from lyaopt._kernels.toolchain.jit import helper


@helper
def add_tasks(count, point, place, slot, amounts, queues, tasks):
    """Let `count` new tasks of a service join at this partition point; return how many finish at once.

    They are of size 1. There must be room for them.
    """
    finished = 0
    for _ in range(count):
        task = new_task(slot, point, 1.0, tasks)
        finished += enter(task, LOCAL, place, slot, amounts, queues, tasks)
    return finished


def adding(name, join):
    """Return the function that adds tasks whose sizes may differ; ``join`` is `enter`, or goes elsewhere."""

    def add(count, point, place, slot, work, queues, tasks):
        """As `add_tasks`; `work` is (amounts, sizes, b), with the TaskSizes of block b.

        It stands by itself, so that what draws sizes is not compiled into loops that need none.
        """
        finished = 0
        amounts, sizes, b = work
        for number in range(count):
            size = size_at(b, number, place, slot, sizes) if sizes.law.size > 0 else 1.0
            task = new_task(slot, point, size, tasks)
            finished += join(task, LOCAL, place, slot, amounts, queues, tasks)
        return finished

    add.__name__ = add.__qualname__ = name
    return helper(add)


_add_sized_tasks = adding("add_sized_tasks", enter)


@helper
def move_tasks(b, slot, arrivals, rates, due, model, queues, tasks):
    """Pass on tasks that are done, last stage first, and add the new ones, in all lanes that are `due`.

    None is due after it.
    """
    amounts, tau = model.amounts, model.scalars[TAU]
    waiting, backlog, head = queues.waiting, queues.backlog, queues.head
    born, completed, points = queues.born, queues.completed, queues.points
    services, lanes = arrivals.shape
    width = lanes // amounts.shape[2]
    for t in range(lanes):
        if due[t] == 0.0:
            continue
        due[t] = 0.0
        device, replication = t // width, b * width + t % width
        for back in range(STAGES):
            stage = STAGES - 1 - back
            for n in range(services):
                served = rates[stage, n, t] * tau
                done = is_first_done(backlog[stage, n, t], head[stage, n, t], served)
                if waiting[stage, n, t] > 0 and done:
                    place = Place(n, t, device, replication)
                    completed[n, t] += complete(stage, place, served, slot, amounts, queues, tasks)
        for n in range(services):
            if arrivals[n, t] > 0:
                place = Place(n, t, device, replication)
                born[n, t] += arrivals[n, t]
                if model.sizes.law.size == 0:
                    completed[n, t] += add_tasks(
                        arrivals[n, t], points[n, t], place, slot, amounts, queues, tasks
                    )
                else:
                    work = amounts, model.sizes, b
                    completed[n, t] += _add_sized_tasks(
                        arrivals[n, t], points[n, t], place, slot, work, queues, tasks
                    )
