"""The exact allocation of a slot in a block of replications: the three problems, one after the other."""

from typing import Any, NamedTuple

from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.dispatch import workspace
from lyaopt._kernels.slot.edge import edge_lanes, edge_lanes_many
from lyaopt._kernels.slot.local import local_lanes, local_lanes_many
from lyaopt._kernels.slot.transmit import transmit_lanes, transmit_lanes_many, transmit_workspace
from lyaopt._kernels.toolchain.jit import helper

# Methods of allocation: the exact ones sort the backlogs of a problem, or select among them, which is faster
# where there are many; the last one is that of share_allocation.py.
SORT, SELECT_AT_EDGE, SELECT, BY_SHARES = range(4)

# Entries of the `scalars` of a model
TAU, DELTA, WEIGHT_LOCAL, WEIGHT_TRANSMIT, EDGE_CAPACITY, NOISE = range(6)
SCALARS = 6
# Rows of its `devices`
CPU_CAPACITY, MAX_POWER, BANDWIDTH = range(3)
DEVICE_ROWS = 3


class Allocation(NamedTuple):
    """What lanes get in a slot.

    - `rates` (3, N, L): f^l in Hz, r in bit/s and f^e in Hz of each service.
    - `cpu`, `power` (L,): speed in Hz and transmit power in watts of each device.
    - `multiplier` (L,): workspace of the solvers.
    """

    rates: Any
    cpu: Any
    power: Any
    multiplier: Any


@helper
def buffer_size(method, services, devices, width):
    """Return how many doubles `allocate_exactly` needs as its buffer."""
    if method == BY_SHARES:
        return 0
    select, select_at_edge = method == SELECT, method != SORT
    edge = workspace(services * devices, width, select_at_edge)
    return max(edge, transmit_workspace(services, devices * width, devices, select))


@helper
def allocate_exactly(backlog, gain, model, allocation, buffer):
    """Solve the three problems of a slot for backlogs (3, N, L) and gains (L,) of a block."""
    method, scalars, devices = model.method, model.scalars, model.devices
    rates, cpu, power, multiplier = allocation
    local, transmit, edge = backlog[LOCAL], backlog[TRANSMIT], backlog[EDGE]
    cpu_rates, bit_rates, edge_rates = rates[LOCAL], rates[TRANSMIT], rates[EDGE]
    capacity, bandwidth, most = devices[CPU_CAPACITY], devices[BANDWIDTH], devices[MAX_POWER]
    tau, delta, noise = scalars[TAU], scalars[DELTA], scalars[NOISE]
    u_l, u_t = scalars[WEIGHT_LOCAL], scalars[WEIGHT_TRANSMIT]
    if method == SELECT:
        local_lanes_many(local, capacity, tau, u_l, delta, cpu_rates, cpu, multiplier, buffer)
        transmit_lanes_many(
            transmit, gain, bandwidth, most, tau, u_t, noise, bit_rates, power, multiplier, buffer
        )
    else:
        local_lanes(local, capacity, tau, u_l, delta, cpu_rates, cpu, multiplier, buffer)
        transmit_lanes(transmit, gain, bandwidth, most, tau, u_t, noise, bit_rates, power, multiplier, buffer)
    shape = local.shape[0] * bandwidth.size, gain.size // bandwidth.size
    items, item_rates = edge.reshape(shape), edge_rates.reshape(shape)
    if method == SORT:
        edge_lanes(items, scalars[EDGE_CAPACITY], tau, item_rates, multiplier, buffer)
    else:
        edge_lanes_many(items, scalars[EDGE_CAPACITY], tau, item_rates, multiplier, buffer)
