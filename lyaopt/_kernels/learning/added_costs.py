"""What a task would add at each partition point, by prices: what a learner starts from."""

import numpy as np

from lyaopt._kernels.simulation.priced_cuts import added_cost, edge_order, is_idle
from lyaopt._kernels.simulation.priced_slots import PricedModel, levels_of
from lyaopt._kernels.simulation.slow_channels import channel_states
from lyaopt._kernels.simulation.state_types import (
    Placement,
    ReplicationState,
    compiled_signature,
    queues_of,
)
from lyaopt._kernels.toolchain.jit import Kernel, helper

_ROUNDED = 1e-12  # costs of a task alone and their table are rounded apart


@helper
def _write_costs(at, channel, order, queues, model, costs):
    """Write the costs (K + 1,) of service n = at[0] in lane at[1] of device at[2]."""
    n, lane, device = at
    costs[:] = np.inf
    for k in model.cuts.tried[n, device]:
        if k < 0:
            break
        costs[k] = added_cost(k, n, lane, device, channel, order, queues, model)


@helper
def _write_or_copy(at, channel, order, queues, model, alone, costs):
    """Write the costs of one service; they are copied from `alone` (K + 1,) where nothing waits, if known."""
    n, lane, device = at
    if order.shape[1] > 0 or not is_idle(lane, queues):
        _write_costs(at, channel, order, queues, model, costs)
        return
    if np.isnan(alone[0]):
        _write_costs(at, channel, order, queues, model, alone)
        best = model.cuts.alone[channel, n, device]
        alone[best] = alone.min() * (1.0 - _ROUNDED)
    costs[:] = alone


def _write_added_costs(model, placement, state, alone, costs):
    """Write what a task adds at each point, `costs` (B, S, K + 1) in J, with the largest K of all services.

    It is least at the point that the rule would choose now, the first one of equal ones, and infinite at
    those that the rule does not try. `alone` (X, S, K + 1) keeps the costs of tasks that find nothing
    waiting, in each state of their channel; NaN until they are known.
    """
    row, device, width = placement
    room = np.empty((3, state.points.shape[1] * model.devices.shape[1]))
    for i in range(costs.shape[0]):
        b, r = i // width, i % width
        queues, channels = queues_of(state, b), model.channels[b]
        if r == 0:
            channel_states(levels_of(b, channels.size, state), model.slow, channels)
        order = edge_order(r, width, queues, model.prices, room)
        for s in range(row.size):
            lane = device[s] * width + r
            channel = channels[lane]
            at = (row[s], lane, device[s])
            _write_or_copy(at, channel, order, queues, model, alone[channel, s], costs[i, s])


def _signature():
    tables = "f8[:,:,::1]", "f8[:,:,::1]"
    return compiled_signature("void", PricedModel, Placement, ReplicationState, *tables)


write_added_costs = Kernel("write_added_costs", _signature, _write_added_costs)
