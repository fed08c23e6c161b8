"""Observations, rewards and decisions of the upper level, for B replications at once.

The arrays of the state are those of state_types.py. An observation has a row for each replication: first the
services, device by device, with SERVICE_FEATURES numbers each, then the devices with DEVICE_FEATURES each,
or one more where the channel is shown.
"""

import math
from typing import Any, NamedTuple

from lyaopt._kernels.simulation.state_types import (
    BACKLOG,
    FIELD_TYPES,
    Placement,
    ReplicationState,
    Sums,
    compiled_signature,
)
from lyaopt._kernels.simulation.sums import BACKLOGS, GAIN, LOCAL_ENERGY, POWER, PRESENT, RATES, TAIL_ENERGY
from lyaopt._kernels.simulation.task_queues import STAGES, TRANSMIT
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

# Features of a service, STAGES each: period means of backlog and of rate of service, the amounts of a task at
# the partition point in force, backlog now
MEAN_BACKLOG, MEAN_RATE, SHARE, BACKLOG_NOW = 0, STAGES, 2 * STAGES, 3 * STAGES
SERVICE_FEATURES = 4 * STAGES
# Features of a device: period means of power, rate and gain
MEAN_POWER, MEAN_DEVICE_RATE, CHANNEL = range(3)
DEVICE_FEATURES = 2
# Columns of `service_scale`, STAGES each: one over a whole task, one over the full rate of a stage
ONE_TASK, FULL_RATE = 0, STAGES
SERVICE_SCALES = 2 * STAGES
# Columns of `device_scale`: one over full power, over the rate at full power, over the mean gain
FULL_POWER, FULL_DEVICE_RATE, MEAN_GAIN = range(3)
DEVICE_SCALES = 3

_FAINTEST = 1e-10  # of the mean gain; a gain of zero has no decibels


class RewardWeights(NamedTuple):
    """Constants of the reward (34).

    - `slots`: in a period; `tau`: seconds of a slot; `edge_capacity`: F^e in Hz.
    - `energy`, `backlog`: the weights omega1 and omega2.
    - `backlog_share` (S, 3): what a unit of backlog in each stage adds to Qbar.
    """

    slots: Any
    tau: Any
    edge_capacity: Any
    energy: Any
    backlog: Any
    backlog_share: Any


FIELD_TYPES[RewardWeights] = ("i8", "f8", "f8", "f8", "f8", "f8[:,::1]")


@inline
def _tens_of_db(ratio):
    return math.log10(ratio if ratio > _FAINTEST else _FAINTEST)


@helper
def _observe_services(per_slot, placement, scale, amounts, sums, backlog, points, rows):
    """Write the features of all services of a block into `rows`, see `_observe`.

    Of the block, `sums` (6, N, L) are those of the period, `backlog` is (3, N, L), `points` (N, L).
    """
    row, device, width = placement
    for s in range(row.size):
        n, m, at = row[s], device[s], s * SERVICE_FEATURES
        for stage in range(STAGES):
            task = scale[s, ONE_TASK + stage]
            mean_task, mean_rate = per_slot * task, per_slot * scale[s, FULL_RATE + stage]
            for w in range(rows.shape[0]):
                t = m * width + w
                rows[w, at + MEAN_BACKLOG + stage] = sums[BACKLOGS + stage, n, t] * mean_task
                rows[w, at + MEAN_RATE + stage] = sums[RATES + stage, n, t] * mean_rate
                rows[w, at + SHARE + stage] = amounts[stage, n, m, points[n, t]] * task
                rows[w, at + BACKLOG_NOW + stage] = backlog[stage, n, t] * task


@helper
def _observe_devices(per_slot, placement, scale, rates, sums, rows):
    """Write the features of all devices of a block into `rows`, behind those of the services.

    Of the block, `rates` (N, L) of transmission and `sums` (8, L) are over the period.
    """
    row, _, width = placement
    first = row.size * SERVICE_FEATURES
    wide = (rows.shape[1] - first) // scale.shape[0]
    for m in range(scale.shape[0]):
        at = first + m * wide
        for w in range(rows.shape[0]):
            t = m * width + w
            rate = 0.0
            for n in range(rates.shape[0]):
                rate += rates[n, t]
            rows[w, at + MEAN_POWER] = sums[POWER, t] * per_slot * scale[m, FULL_POWER]
            rows[w, at + MEAN_DEVICE_RATE] = rate * per_slot * scale[m, FULL_DEVICE_RATE]
            if wide > CHANNEL:
                rows[w, at + CHANNEL] = _tens_of_db(sums[GAIN, t] * per_slot * scale[m, MEAN_GAIN])


def _observe(slots, placement, amounts, service_scale, device_scale, state, observation):
    """Write `observation` (B, F) after a period of so many slots; before the first one, its means are zero.

    `amounts` (3, N, M, K + 1) is that of the model; `service_scale` is (S, 6), `device_scale` (M, 3).
    """
    per_slot, width = 1.0 / slots, placement.width
    for b in range(state.points.shape[0]):
        rows = observation[b * width : min(b * width + width, observation.shape[0])]
        sums, backlog = state.sums.services[b, PRESENT], state.queue_amounts[b, BACKLOG]
        points = state.points[b]
        _observe_services(per_slot, placement, service_scale, amounts, sums, backlog, points, rows)
        devices = state.sums.devices[b, PRESENT]
        _observe_devices(per_slot, placement, device_scale, sums[RATES + TRANSMIT], devices, rows)


def _compute_rewards(weights, placement, sums, reward, energy, backlog):
    """Write the rewards (34) of the last period, `reward` (B,), and what they are made of.

    `energy` (B, 2) is the mean local and transmit energy of a slot in joules, tails of radios in the latter,
    `backlog` (B,) the mean Qbar.
    """
    row, device, width = placement
    services, devices = sums
    per_slot, share = 1.0 / weights.slots, weights.backlog_share
    for i in range(reward.size):
        b, w = i // width, i % width
        local, power, tails, waiting = 0.0, 0.0, 0.0, 0.0
        for t in range(w, devices.shape[3], width):
            local += devices[b, PRESENT, LOCAL_ENERGY, t]
            power += devices[b, PRESENT, POWER, t]
            tails += devices[b, PRESENT, TAIL_ENERGY, t]
        for s in range(row.size):
            n, t = row[s], device[s] * width + w
            for stage in range(STAGES):
                waiting += share[s, stage] * services[b, PRESENT, BACKLOGS + stage, n, t]
        energy[i, 0] = local * per_slot
        energy[i, 1] = (weights.tau * power + tails) * per_slot
        backlog[i] = waiting * per_slot
        reward[i] = -(weights.energy * (energy[i, 0] + energy[i, 1]) + weights.backlog * backlog[i])


def _spread_points(points, least, choices, placement, plan):
    """Spread partition points (B, S) over the lanes of a period's plan (b, N, L).

    Return -1; or the place b S + s of the first one below `least` or not below `choices` (S,).
    """
    row, device, width = placement
    for i in range(points.shape[0]):
        for s in range(row.size):
            if points[i, s] < least or points[i, s] >= choices[s]:
                return i * row.size + s
            plan[i // width, row[s], device[s] * width + i % width] = points[i, s]
    return -1


def _observe_signature():
    scales = "f8[:,::1]", "f8[:,::1]"
    return compiled_signature(
        "void", "i8", Placement, "f8[:,:,:,::1]", *scales, ReplicationState, "f4[:,::1]"
    )


def _rewards_signature():
    written = "f4[::1]", "f8[:,::1]", "f8[::1]"
    return compiled_signature("void", RewardWeights, Placement, Sums, *written)


def _points_signature():
    return compiled_signature("i8", "i8[:,::1]", "i8", "i8[::1]", Placement, "i8[:,:,::1]")


observe = Kernel("observe", _observe_signature, _observe)
compute_rewards = Kernel("compute_rewards", _rewards_signature, _compute_rewards)
spread_points = Kernel("spread_points", _points_signature, _spread_points)
