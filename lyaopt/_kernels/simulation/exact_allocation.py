"""The exact allocation of a slot in a block of replications: the three problems, one after the other."""

from typing import Any, NamedTuple

from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.blocks import workspace_size
from lyaopt._kernels.slot.edge import edge_lanes_many, solve_edge_lanes
from lyaopt._kernels.slot.local import local_lanes_many, solve_local_lanes
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
    EdgeAllocation,
    EdgeProblem,
    LocalAllocation,
    LocalProblem,
    TransmitAllocation,
    TransmitProblem,
)
from lyaopt._kernels.slot.transmit import solve_transmit_lanes, transmit_lanes_many, transmit_workspace_size
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline

# Methods of allocation: the exact ones sort the backlogs of a problem, or select among them, which is faster
# where there are many; the last one is that of share_allocation.py.
SORT, SELECT_AT_EDGE, SELECT, BY_SHARES = range(4)

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
def allocation_workspace_size(model, services, devices, width):
    """Return how many doubles of workspace `allocate_exactly` takes."""
    method = model.method
    if method == BY_SHARES:
        return 0
    select, select_at_edge = method == SELECT, method != SORT
    edge = workspace_size(services * devices, width, select_at_edge)
    return max(edge, transmit_workspace_size(services, devices * width, devices, select))


@inline
def _allocate_cpus(backlog, model, allocation, workspace):
    scalars, capacity = model.scalars, model.devices[CPU_CAPACITY]
    problem = LocalProblem(backlog[LOCAL], capacity, scalars[TAU], scalars[WEIGHT_LOCAL], scalars[DELTA])
    found = LocalAllocation(allocation.rates[LOCAL], allocation.cpu, allocation.multiplier)
    if model.method == SELECT:
        local_lanes_many(problem, found, workspace)
    else:
        solve_local_lanes(problem, found, workspace)


@inline
def _allocate_radios(backlog, gain, model, allocation, workspace):
    scalars, devices = model.scalars, model.devices
    problem = TransmitProblem(
        backlog[TRANSMIT],
        gain,
        devices[BANDWIDTH],
        devices[MAX_POWER],
        scalars[TAU],
        scalars[WEIGHT_TRANSMIT],
        scalars[NOISE],
    )
    found = TransmitAllocation(allocation.rates[TRANSMIT], allocation.power, allocation.multiplier)
    if model.method == SELECT:
        transmit_lanes_many(problem, found, workspace)
    else:
        solve_transmit_lanes(problem, found, workspace)


@inline
def allocate_edge(backlog, model, allocation, workspace):
    """Solve Problem 5 of a block, for backlogs (3, N, L)."""
    scalars, count, lanes = model.scalars, model.devices.shape[1], allocation.cpu.size
    shape = backlog.shape[1] * count, lanes // count
    problem = EdgeProblem(view_as(backlog[EDGE], shape), scalars[EDGE_CAPACITY], scalars[TAU])
    found = EdgeAllocation(view_as(allocation.rates[EDGE], shape), allocation.multiplier)
    if model.method == SORT:
        solve_edge_lanes(problem, found, workspace)
    else:
        edge_lanes_many(problem, found, workspace)


@inline
def allocate_exactly(backlog, gain, model, queued, allocation, workspace):
    """Solve the problems of a slot for backlogs (3, N, L) and gains (L,) of a block.

    Stages in which no queue is `queued` (3,) are left out.
    """
    if queued[LOCAL] > 0:
        _allocate_cpus(backlog, model, allocation, workspace)
    if queued[TRANSMIT] > 0:
        _allocate_radios(backlog, gain, model, allocation, workspace)
    if queued[EDGE] > 0:
        allocate_edge(backlog, model, allocation, workspace)
