"""Tasks of a block: those done in a stage go on to the next, and new ones join."""

from lyaopt._kernels.simulation.exact_allocation import TAU
from lyaopt._kernels.simulation.task_queues import (
    LOCAL,
    STAGES,
    Place,
    complete,
    enter,
    new_task,
)
from lyaopt._kernels.toolchain.jit import helper


@helper
def add_tasks(count, point, place, slot, amounts, queues, tasks):
    """Let `count` new tasks of a service join at this partition point; return how many finish at once.

    There must be room for them.
    """
    finished = 0
    for _ in range(count):
        task = new_task(slot, point, tasks)
        finished += enter(task, LOCAL, place, slot, amounts, queues, tasks)
    return finished


@helper
def move_tasks(b, slot, arrivals, rates, due, model, block, tasks):
    """Pass on tasks that are done, last stage first, and add the new ones, in all lanes that are `due`."""
    amounts, tau, queues = model.amounts, model.scalars[TAU], block.queues
    points, born, completed, waiting = block.points, block.born, block.completed, block.queues.waiting
    services, lanes = arrivals.shape
    width = lanes // amounts.shape[2]
    for t in range(lanes):
        if due[t] == 0.0:
            continue
        device, replication = t // width, b * width + t % width
        for back in range(STAGES):
            stage = STAGES - 1 - back
            for n in range(services):
                if waiting[stage, n, t] > 0:
                    place, served = Place(n, t, device, replication), rates[stage, n, t] * tau
                    completed[n, t] += complete(stage, place, served, slot, amounts, queues, tasks)
        for n in range(services):
            if arrivals[n, t] > 0:
                place = Place(n, t, device, replication)
                born[n, t] += arrivals[n, t]
                completed[n, t] += add_tasks(
                    arrivals[n, t], points[n, t], place, slot, amounts, queues, tasks
                )
