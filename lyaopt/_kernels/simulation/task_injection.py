"""Tasks that join by command, not by chance: for simulations of what one more task would bring."""

from lyaopt._kernels.simulation.state_types import ReplicationState, Tasks, compiled_signature, queues_of
from lyaopt._kernels.simulation.task_moves import add_tasks
from lyaopt._kernels.simulation.task_queues import Place, make_room
from lyaopt._kernels.toolchain.jit import Kernel


def _inject_tasks(slot, births, points, amounts, state, tasks):
    """Let `births` tasks of each service (b, N, L) join, born in `slot`, at these partition `points`.

    `amounts` is that of the model; all tasks are of size 1. Return the table and the log of tasks, which
    may have grown.
    """
    tasks = make_room(tasks, births.sum())
    blocks, services, lanes = births.shape
    width = lanes // amounts.shape[2]
    for b in range(blocks):
        queues = queues_of(state, b)
        for n in range(services):
            for t in range(lanes):
                place = Place(n, t, t // width, b * width + t % width)
                count, point = births[b, n, t], points[b, n, t]
                queues.born[n, t] += count
                queues.completed[n, t] += add_tasks(count, point, place, slot, amounts, queues, tasks)
    return tasks.table, tasks.log


def _signature():
    grown = "Tuple((i8[:,::1], i8[:,::1]))"
    places = "i8[:,:,::1]"
    return compiled_signature(grown, "i8", places, places, "f8[:,:,:,::1]", ReplicationState, Tasks)


inject_tasks = Kernel("inject_tasks", _signature, _inject_tasks)
