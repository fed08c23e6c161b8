"""What the upper level sees and is paid after a period, and what it decides, for B systems at once.

The arrays of the state are those of state_types.py. Rows of the learner hold one system each: first the
services, device by device, with SERVICE_FEATURES numbers each, then the devices with DEVICE_FEATURES, or one
more where the channel is shown. `row` and `device` (S,) say where each service is kept.
"""

import math

from lyaopt._kernels.simulation.slot_loop import BACKLOGS, GAIN, LOCAL_ENERGY, POWER, PRESENT, RATES
from lyaopt._kernels.simulation.state_types import Systems, compiled_type
from lyaopt._kernels.simulation.task_queues import BACKLOG, STAGES, TRANSMIT
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

# Features of a service, STAGES each: period means of backlog and of what is given, the work of a task at the
# cut in force, backlog now
MEAN_BACKLOG, MEAN_RATE, SHARE, BACKLOG_NOW = 0, STAGES, 2 * STAGES, 3 * STAGES
SERVICE_FEATURES = 4 * STAGES
# Features of a device: period means of power, rate and gain
MEAN_POWER, MEAN_DEVICE_RATE, CHANNEL = range(3)
DEVICE_FEATURES = 2
# Rows of `service_scale`, STAGES each: one over a whole task, one over what a stage can be given
ONE_TASK, FULL_RATE = 0, STAGES
SERVICE_SCALES = 2 * STAGES
# Rows of `device_scale`: one over full power, over the rate at full power, over the mean gain
FULL_POWER, FULL_DEVICE_RATE, MEAN_GAIN = range(3)
DEVICE_SCALES = 3

_FAINTEST = 1e-10  # of the mean gain; a gain of nothing has no decibels


@inline
def _tens_of_db(ratio):
    return math.log10(ratio if ratio > _FAINTEST else _FAINTEST)


@helper
def _observe_services(per_slot, width, row, device, scale, amounts, sums, work, cuts, rows):
    """Write the features of all services of a block's systems into `rows`, see `_observe`.

    Of the block, `sums` (6, N, L) are those of the period, `work` (3, N, L) is the backlog.
    """
    for s in range(row.size):
        n, m, at = row[s], device[s], s * SERVICE_FEATURES
        for stage in range(STAGES):
            task = scale[s, ONE_TASK + stage]
            mean_task, mean_rate = per_slot * task, per_slot * scale[s, FULL_RATE + stage]
            for w in range(rows.shape[0]):
                t = m * width + w
                rows[w, at + MEAN_BACKLOG + stage] = sums[BACKLOGS + stage, n, t] * mean_task
                rows[w, at + MEAN_RATE + stage] = sums[RATES + stage, n, t] * mean_rate
                rows[w, at + SHARE + stage] = amounts[stage, n, m, cuts[n, t]] * task
                rows[w, at + BACKLOG_NOW + stage] = work[stage, n, t] * task


@helper
def _observe_devices(per_slot, width, first, wide, scale, rates, power, gain, rows):
    """Write the features of all devices of a block's systems into `rows`, `wide` each from `first` on.

    Of the block, `rates` (N, L), `power` and `gain` (L,) are sums over the period.
    """
    for m in range(scale.shape[0]):
        at = first + m * wide
        for w in range(rows.shape[0]):
            t = m * width + w
            rate = 0.0
            for n in range(rates.shape[0]):
                rate += rates[n, t]
            rows[w, at + MEAN_POWER] = power[t] * per_slot * scale[m, FULL_POWER]
            rows[w, at + MEAN_DEVICE_RATE] = rate * per_slot * scale[m, FULL_DEVICE_RATE]
            if wide > CHANNEL:
                rows[w, at + CHANNEL] = _tens_of_db(gain[t] * per_slot * scale[m, MEAN_GAIN])


def _observe(slots, width, row, device, amounts, service_scale, device_scale, systems, observation):
    """Write `observation` (B, F) after a period of so many slots, or zeros for its means before the first.

    `amounts` (3, N, M, K + 1) is that of the model; `service_scale` is (S, 6), `device_scale` (M, 3).
    """
    per_slot = 1.0 / slots
    first = row.size * SERVICE_FEATURES
    wide = (observation.shape[1] - first) // device_scale.shape[0]
    for b in range(systems.cuts.shape[0]):
        rows = observation[b * width : min(b * width + width, observation.shape[0])]
        sums, work = systems.service_sums[b, PRESENT], systems.work[b, BACKLOG]
        _observe_services(
            per_slot, width, row, device, service_scale, amounts, sums, work, systems.cuts[b], rows
        )
        devices = systems.device_sums[b, PRESENT]
        _observe_devices(
            per_slot,
            width,
            first,
            wide,
            device_scale,
            sums[RATES + TRANSMIT],
            devices[POWER],
            devices[GAIN],
            rows,
        )


def _account(
    slots, tau, energy_weight, backlog_weight, width, row, device, share, systems, reward, energy, backlog
):
    """Write the rewards (34), `reward` (B,), of the last period, and what they are made of.

    `energy` (B, 2) is the mean local and transmission energy of a slot, `backlog` (B,) the mean Qbar; `share`
    (S, 3) is what a unit of backlog adds to Qbar.
    """
    per_slot = 1.0 / slots
    for i in range(reward.size):
        b, place = i // width, i % width
        local, power, waiting = 0.0, 0.0, 0.0
        for t in range(place, systems.seen.shape[1], width):
            local += systems.device_sums[b, PRESENT, LOCAL_ENERGY, t]
            power += systems.device_sums[b, PRESENT, POWER, t]
        for s in range(row.size):
            t = device[s] * width + place
            for stage in range(STAGES):
                waiting += share[s, stage] * systems.service_sums[b, PRESENT, BACKLOGS + stage, row[s], t]
        energy[i, 0] = local * per_slot
        energy[i, 1] = tau * power * per_slot
        backlog[i] = waiting * per_slot
        reward[i] = -(energy_weight * (energy[i, 0] + energy[i, 1]) + backlog_weight * backlog[i])


def _adopt(points, least, choices, width, row, device, plan):
    """Spread points (B, S) into the plan of a period (b, N, L).

    Return -1; or the place b S + s of the first one below `least` or not below `choices` (S,).
    """
    for i in range(points.shape[0]):
        for s in range(row.size):
            if points[i, s] < least or points[i, s] >= choices[s]:
                return i * row.size + s
            plan[i // width, row[s], device[s] * width + i % width] = points[i, s]
    return -1


def _observe_signature():
    from numba.core import types

    tables = [types.float64[:, :, :, ::1], types.float64[:, ::1], types.float64[:, ::1]]
    places = [types.int64[::1]] * 2
    written = types.float32[:, ::1]
    return types.void(*[types.int64] * 2, *places, *tables, compiled_type(Systems), written)


def _account_signature():
    from numba.core import types

    places = [types.int64, types.int64[::1], types.int64[::1]]
    written = [types.float32[::1], types.float64[:, ::1], types.float64[::1]]
    share = types.float64[:, ::1]
    return types.void(types.int64, *[types.float64] * 3, *places, share, compiled_type(Systems), *written)


observe = Kernel("observe", _observe_signature, _observe)
account = Kernel("account", _account_signature, _account)
adopt = Kernel("adopt", "i8(i8[:,::1], i8, i8[::1], i8, i8[::1], i8[::1], i8[:,:,::1])", _adopt)
