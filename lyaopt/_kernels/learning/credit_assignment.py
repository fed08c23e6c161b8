"""Each device's part of a reward, and which choices had an effect at all, for B replications at once.

The arrays of the state are those of state_types.py.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.learning.observe import RewardWeights
from lyaopt._kernels.simulation.state_types import (
    BACKLOG,
    BORN,
    FIELD_TYPES,
    Placement,
    ReplicationState,
    Sums,
    compiled_signature,
)
from lyaopt._kernels.simulation.sums import BACKLOGS, LOCAL_ENERGY, POWER, PRESENT, RATES, TAIL_ENERGY
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, STAGES, TRANSMIT
from lyaopt._kernels.toolchain.jit import Kernel, helper

# Columns of `edge`: seconds of work that waits at the end of the period, and what one more second at its
# start would have cost in the period
WAITING, RATE = range(2)
EDGE_COLUMNS = 2


class CreditMemory(NamedTuple):
    """What is kept from one period to the next.

    - `born` (B, S): tasks of each service born so far.
    - `edge_seconds` (B, M): edge work of each device that waits, in seconds of F^e.
    """

    born: Any
    edge_seconds: Any


class Credits(NamedTuple):
    """What is written after a period.

    - `rewards` (B, M): each device's part of the reward.
    - `had_task` (B, S): whether a task of the service was born; if not, its partition point had no effect.
    - `edge_joined` (B, M): edge work that each device added, in seconds of F^e.
    - `edge` (B, 2): WAITING and RATE.
    """

    rewards: Any
    had_task: Any
    edge_joined: Any
    edge: Any


FIELD_TYPES[CreditMemory] = ("i8[:,::1]", "f8[:,::1]")
FIELD_TYPES[Credits] = ("f4[:,::1]", "b1[:,::1]", "f8[:,::1]", "f8[:,::1]")


@helper
def _price_rate(weights, placement, w, sums):
    """Return what one second of edge work that waits all the time costs in a period, as -(34).

    Edge work not served in its slot has to wait. The price is what that adds to the cost in the period,
    divided by its seconds, and weighted by how busy the server is: one more second would have waited in every
    slot in which other work waits, and then the server is busy all the time.
    """
    row, device, width = placement
    tau, capacity, per_slot = weights.tau, weights.edge_capacity, 1.0 / weights.slots
    share = weights.backlog_share
    cost, seconds, served = 0.0, 0.0, 0.0
    for s in range(row.size):
        n, t = row[s], device[s] * width + w
        given = tau * sums[RATES + EDGE, n, t]
        left = max(sums[BACKLOGS + EDGE, n, t] - given, 0.0)
        cost += share[s, EDGE] * left
        seconds += left / capacity
        served += given / capacity
    busy = min(served * per_slot / tau, 1.0)
    return weights.backlog * busy * cost / seconds if seconds > 0.0 else 0.0


@helper
def _edge_work(weights, placement, w, sums, backlog, waiting, joined):
    """Write the seconds of edge work that each device added, `joined` (M,); return how many wait.

    `waiting` (M,) holds the seconds that waited at the last call, and then those that wait now.
    """
    row, device, width = placement
    tau, capacity = weights.tau, weights.edge_capacity
    joined[:] = -waiting
    waiting[:] = 0.0
    for s in range(row.size):
        n, m = row[s], device[s]
        t = m * width + w
        seconds = backlog[n, t] / capacity
        joined[m] += seconds + tau * sums[RATES + EDGE, n, t] / capacity
        waiting[m] += seconds
    return waiting.sum()


@helper
def _device_rewards(weights, placement, w, all_edge_work, service_sums, device_sums, rewards):
    """Write each device's part of one replication's reward, `rewards` (M,), see `_assign_credit`."""
    row, device, width = placement
    per_slot, tau, share = 1.0 / weights.slots, weights.tau, weights.backlog_share
    for m in range(rewards.size):
        t = m * width + w
        sent = tau * device_sums[POWER, t] + device_sums[TAIL_ENERGY, t]
        rewards[m] = -per_slot * weights.energy * (device_sums[LOCAL_ENERGY, t] + sent)
    for s in range(row.size):
        n, t = row[s], device[s] * width + w
        backlog = service_sums[BACKLOGS + EDGE, n, t]
        charged = backlog if all_edge_work else min(tau * service_sums[RATES + EDGE, n, t], backlog)
        waiting = share[s, EDGE] * charged
        for stage in (LOCAL, TRANSMIT):
            waiting += share[s, stage] * service_sums[BACKLOGS + stage, n, t]
        rewards[device[s]] -= per_slot * weights.backlog * waiting


def _assign_credit(weights, placement, state, all_edge_work, memory, credits):
    """Write the credits of the last period, and update the memory.

    A device's part of the reward is its energy, its local and transmit queues, and its edge work that was
    served in its slot. Edge work that waited did so because of the work of all devices: `edge_joined` and
    `edge` price it. With `all_edge_work` each device's part holds all edge work of its own instead, and the
    parts sum to the reward.
    """
    row, device, width = placement
    rewards, had_task, edge_joined, edge = credits
    born_before, edge_seconds = memory
    for i in range(rewards.shape[0]):
        b, w = i // width, i % width
        sums, devices = state.sums.services[b, PRESENT], state.sums.devices[b, PRESENT]
        backlog = state.queue_amounts[b, BACKLOG, EDGE]
        edge[i, RATE] = _price_rate(weights, placement, w, sums)
        edge[i, WAITING] = _edge_work(weights, placement, w, sums, backlog, edge_seconds[i], edge_joined[i])
        _device_rewards(weights, placement, w, all_edge_work, sums, devices, rewards[i])
        counts = state.task_counts[b, BORN]
        for s in range(row.size):
            born = counts[row[s], device[s] * width + w]
            had_task[i, s] = born > born_before[i, s]
            born_before[i, s] = born


def _find_backlog(width, sums, had_backlog):
    """Write whether a device's services had any backlog in the last period, `had_backlog` (B, M)."""
    for i in range(had_backlog.shape[0]):
        services = sums.services[i // width, PRESENT]
        for m in range(had_backlog.shape[1]):
            waiting = 0.0
            for stage in range(STAGES):
                for n in range(services.shape[1]):
                    waiting += services[BACKLOGS + stage, n, m * width + i % width]
            had_backlog[i, m] = waiting > 0.0


def _credit_signature():
    known = RewardWeights, Placement, ReplicationState, "b1"
    return compiled_signature("void", *known, CreditMemory, Credits)


def _backlog_signature():
    return compiled_signature("void", "i8", Sums, "b1[:,::1]")


assign_credit = Kernel("assign_credit", _credit_signature, _assign_credit)
find_backlog = Kernel("find_backlog", _backlog_signature, _find_backlog)
