"""Which device had a part in a reward, and which choices had an effect at all, for B systems at once.

The arrays of the state are those of grouped.py; `row` and `device` (S,) say where each service is kept.
"""

from lyaopt._kernels._jit import Kernel, helper
from lyaopt._kernels.fifo import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.grouped import Systems, compiled_type
from lyaopt._kernels.period import BACKLOGS, BORN, LOCAL_ENERGY, POWER, PRESENT, RATES


@helper
def _held_up(tau, place, width, row, device, share, sums):
    """Return what Qbar owes, summed over a period, to edge work that was not served in its slot."""
    total = 0.0
    for s in range(row.size):
        n, t = row[s], device[s] * width + place
        total += share[s, EDGE] * (sums[BACKLOGS + EDGE, n, t] - tau * sums[RATES + EDGE, n, t])
    return max(total, 0.0)


def _credit(
    slots,
    tau,
    energy_weight,
    backlog_weight,
    width,
    row,
    device,
    share,
    systems,
    born,
    parts,
    met,
):
    """Write the parts of the last period's rewards, `parts` (B, M + 1), and `met` (B, S).

    Each device's part is its energy, its local and transmission queues, and edge work of its own that was
    served in its slot; the last part is edge work that had to wait. They add up to the reward.

    `met` says whether a task of a service was born in the period: else its point changed nothing. `born`
    (B, S) are the tasks born before the period, after the call those born until now. `share` (S, 3) is what
    a unit of backlog adds to Qbar.
    """
    per_slot = 1.0 / slots
    for i in range(parts.shape[0]):
        b, place = i // width, i % width
        held_up = _held_up(tau, place, width, row, device, share, systems.service_sums[b, PRESENT])
        devices = parts.shape[1] - 1
        parts[i, devices] = -per_slot * backlog_weight * held_up
        for m in range(devices):
            sums = systems.device_sums[b, PRESENT, :, m * width + place]
            parts[i, m] = -per_slot * energy_weight * (sums[LOCAL_ENERGY] + tau * sums[POWER])
        for s in range(row.size):
            n, t = row[s], device[s] * width + place
            waiting = 0.0
            for stage in (LOCAL, TRANSMIT):
                waiting += share[s, stage] * systems.service_sums[b, PRESENT, BACKLOGS + stage, n, t]
            waiting += share[s, EDGE] * tau * systems.service_sums[b, PRESENT, RATES + EDGE, n, t]
            parts[i, device[s]] -= per_slot * backlog_weight * waiting
            now = systems.ledger[b, BORN, n, t]
            met[i, s] = now > born[i, s]
            born[i, s] = now


def _signature():
    from numba.core import types

    numbers = [types.int64, types.float64, types.float64, types.float64]
    places = [types.int64, types.int64[::1], types.int64[::1]]
    written = [types.int64[:, ::1], types.float32[:, ::1], types.boolean[:, ::1]]
    return types.void(*numbers, *places, types.float64[:, ::1], compiled_type(Systems), *written)


credit = Kernel("credit", _signature, _credit)
