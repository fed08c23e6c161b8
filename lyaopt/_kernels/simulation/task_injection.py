"""Tasks that join by command, not by chance: for simulations of what one more task would bring."""

from lyaopt._kernels.simulation.slot_loop import BORN, COMPLETED
from lyaopt._kernels.simulation.state_types import Systems, Tasks, compiled_type
from lyaopt._kernels.simulation.task_queues import ALIVE, LOCAL, LOGGED, USED, enter, new_task, roomy
from lyaopt._kernels.toolchain.jit import Kernel


def _bear(slot, width, births, cuts, amounts, systems, tasks):
    """Let `births` tasks of each service (b, N, L) join with these `cuts`, born in `slot`.

    `amounts` is that of the model. Return the tables of tasks, which may have grown.
    """
    table, pool, log = tasks
    coming = births.sum()
    log = roomy(log, pool[LOGGED], pool[ALIVE] + coming)
    table = roomy(table, pool[USED], coming - (pool[USED] - pool[ALIVE]))
    blocks, services, count = births.shape
    for b in range(blocks):
        work, links, ledger = systems.work[b], systems.links[b], systems.ledger[b]
        for n in range(services):
            for t in range(count):
                ledger[BORN, n, t] += births[b, n, t]
                for _ in range(births[b, n, t]):
                    task = new_task(table, pool, slot, cuts[b, n, t])
                    ledger[COMPLETED, n, t] += enter(
                        task, LOCAL, n, t, width, b * width, slot, amounts, work, links, table, pool, log
                    )
    return table, log


def _signature():
    from numba.core import types

    places, grown = types.int64[:, :, ::1], types.int64[:, ::1]
    amounts = types.float64[:, :, :, ::1]
    groups = [compiled_type(group) for group in (Systems, Tasks)]
    return types.Tuple((grown, grown))(types.int64, types.int64, places, places, amounts, *groups)


bear = Kernel("bear", _signature, _bear)
