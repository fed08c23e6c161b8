"""Which device had a part in a reward, and which choices had an effect at all, for B systems at once.

The arrays of the state are those of state_types.py; `row` and `device` (S,) say where each service is kept.
"""

from lyaopt._kernels.simulation.slot_loop import BACKLOGS, BORN, LOCAL_ENERGY, POWER, PRESENT, RATES
from lyaopt._kernels.simulation.state_types import Systems, compiled_type
from lyaopt._kernels.simulation.task_queues import BACKLOG, EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.toolchain.jit import Kernel, helper

# Columns of `edge`: seconds of work that waits at the end, and what one second more at the start would have
# cost in the period
WAITING, RATE = range(2)
EDGE_COLUMNS = 2


@helper
def _held_up(tau, capacity, place, width, row, device, share, sums):
    """Return what edge work not served in its slot adds to Qbar in a period, its seconds, and those served.

    All are sums over the slots.
    """
    cost, seconds, served = 0.0, 0.0, 0.0
    for s in range(row.size):
        n, t = row[s], device[s] * width + place
        given = tau * sums[RATES + EDGE, n, t]
        left = max(sums[BACKLOGS + EDGE, n, t] - given, 0.0)
        cost += share[s, EDGE] * left
        seconds += left / capacity
        served += given / capacity
    return cost, seconds, served


@helper
def _edge_work(tau, capacity, place, width, row, device, sums, backlog, before, joined):
    """Write the seconds of edge work that joined, of each device, and return those that wait.

    `before` (M,) holds the seconds that waited at the last call, and then those that wait now.
    """
    joined[:] = -before
    before[:] = 0.0
    for s in range(row.size):
        n, m = row[s], device[s]
        t = m * width + place
        waits = backlog[n, t] / capacity
        joined[m] += waits + tau * sums[RATES + EDGE, n, t] / capacity
        before[m] += waits
    return before.sum()


def _credit(
    slots,
    tau,
    capacity,
    energy_weight,
    backlog_weight,
    width,
    row,
    device,
    share,
    systems,
    own_waiting,
    born,
    before,
    parts,
    met,
    joined,
    edge,
):
    """Write the devices' parts of the last period's rewards, `parts` (B, M), and `met` (B, S).

    A device's part is its energy, its local and transmission queues, and edge work of its own that was served
    in its slot. Edge work that had to wait had to because of the work of all: of it, `joined` (B, M) are the
    seconds of F^e = `capacity` that each device added, and `edge` (B, 2) what is named above. With
    `own_waiting` each device's part holds all edge work of its own, and the parts sum to the reward.

    `met` says whether a task of a service was born in the period: else its point changed nothing. `born`
    (B, S) are the tasks born before the period, after the call those born until now; `before` (B, M) goes
    from call to call likewise. `share` (S, 3) is what a unit of backlog adds to Qbar.
    """
    per_slot = 1.0 / slots
    for i in range(parts.shape[0]):
        b, place = i // width, i % width
        period, work = systems.service_sums[b, PRESENT], systems.work[b, BACKLOG, EDGE]
        cost, seconds, served = _held_up(tau, capacity, place, width, row, device, share, period)
        # It would have waited in every slot in which other work waits: then the server is busy all the time.
        busy = min(served * per_slot / tau, 1.0)
        edge[i, RATE] = backlog_weight * busy * cost / seconds if seconds > 0.0 else 0.0
        edge[i, WAITING] = _edge_work(
            tau, capacity, place, width, row, device, period, work, before[i], joined[i]
        )
        for m in range(parts.shape[1]):
            sums = systems.device_sums[b, PRESENT, :, m * width + place]
            parts[i, m] = -per_slot * energy_weight * (sums[LOCAL_ENERGY] + tau * sums[POWER])
        for s in range(row.size):
            n, t = row[s], device[s] * width + place
            waits = period[BACKLOGS + EDGE, n, t]
            waiting = share[s, EDGE] * (
                waits if own_waiting else min(tau * period[RATES + EDGE, n, t], waits)
            )
            for stage in (LOCAL, TRANSMIT):
                waiting += share[s, stage] * period[BACKLOGS + stage, n, t]
            parts[i, device[s]] -= per_slot * backlog_weight * waiting
            now = systems.ledger[b, BORN, n, t]
            met[i, s] = now > born[i, s]
            born[i, s] = now


def _signature():
    from numba.core import types

    numbers = [types.int64, *[types.float64] * 4]
    places = [types.int64, types.int64[::1], types.int64[::1]]
    rows = types.float64[:, ::1]
    written = [types.int64[:, ::1], rows, types.float32[:, ::1], types.boolean[:, ::1], rows, rows]
    known = types.float64[:, ::1], compiled_type(Systems), types.boolean
    return types.void(*numbers, *places, *known, *written)


credit = Kernel("credit", _signature, _credit)
