"""The exact allocation of a slot by weights of services apart from their backlogs, or on a shared spectrum.

Weights (3, N, L) are those of the general slot problems (general_problems.py), in units of the backlog of
each stage where energy is to be weighed as the paper does.
"""

from lyaopt._kernels.simulation.exact_allocation import (
    BANDWIDTH,
    BY_SHARES,
    CPU_CAPACITY,
    MAX_POWER,
    SELECT,
    SORT,
)
from lyaopt._kernels.simulation.measured_energies import has_measured, write_radios
from lyaopt._kernels.simulation.shared_transmission import (
    shared_workspace_size,
    transmit_on_shared_spectrum,
)
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.general_blocks import general_workspace_size
from lyaopt._kernels.slot.general_edge import general_edge_lanes, general_edge_lanes_many
from lyaopt._kernels.slot.general_local import general_local_lanes, general_local_lanes_many
from lyaopt._kernels.slot.general_transmit import general_transmit_lanes, general_transmit_lanes_many
from lyaopt._kernels.slot.problems import (
    EdgeAllocation,
    LocalAllocation,
    TransmitAllocation,
)
from lyaopt._kernels.slot.system_problems import edge_problem_of, local_problem_of, transmit_problem_of
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper

_RADIO_ROWS = 2  # of L doubles at the end of the workspace: rates and powers of measured radios


@helper
def weighted_workspace_size(model, services, devices, width):
    """Return how many doubles of workspace `allocate_by_weights` takes."""
    method = model.method
    if method == BY_SHARES:
        return 0
    edge = general_workspace_size(services * devices, width, method != SORT)
    each = general_workspace_size(services, devices * width, method == SELECT)
    shared = shared_workspace_size(services, devices, width) if model.laws.shared != 0 else 0
    measured = _RADIO_ROWS * devices * width if has_measured(model.laws) else 0
    return max(edge, each, shared) + measured


@helper
def weighted_workspace(model, services, devices, width):
    """Return the workspace of `allocate_by_weights`."""
    return aligned_room(weighted_workspace_size(model, services, devices, width))


@helper
def _allocate_cpus(backlog, weights, model, allocation, workspace):
    laws = model.laws
    curves = laws.curve, laws.curve_hz, laws.curve_slope
    problem = local_problem_of(
        (weights[LOCAL], backlog[LOCAL]), model.devices[CPU_CAPACITY], model.scalars, curves
    )
    found = LocalAllocation(allocation.rates[LOCAL], allocation.cpu, allocation.multiplier)
    if model.method == SELECT:
        general_local_lanes_many(problem, found, workspace)
    else:
        general_local_lanes(problem, found, workspace)


@helper
def _allocate_radios(backlog, weights, gain, model, allocation, workspace):
    scalars, devices, laws, lanes = model.scalars, model.devices, model.laws, gain.size
    radio = gain, devices[BANDWIDTH], devices[MAX_POWER]
    measured = laws.measured, gain[:0], gain[:0]
    if has_measured(laws):
        measured = laws.measured, workspace[-lanes:], workspace[-2 * lanes : -lanes]
        write_radios(gain, laws, measured[1], measured[2])
    problem = transmit_problem_of((weights[TRANSMIT], backlog[TRANSMIT]), radio, scalars, measured)
    found = TransmitAllocation(allocation.rates[TRANSMIT], allocation.power, allocation.multiplier)
    select = model.method == SELECT
    alone = laws.shared == 0 or has_measured(laws)
    if alone and select:
        general_transmit_lanes_many(problem, found, workspace)
    elif alone:
        general_transmit_lanes(problem, found, workspace)
    if laws.shared != 0:  # measured radios take no part
        transmit_on_shared_spectrum(problem, found, workspace)


@helper
def allocate_weighted_edge(backlog, weights, model, allocation, workspace):
    """Solve Problem 5 of a block, for backlogs and weights (3, N, L)."""
    devices = model.devices.shape[1]
    shape = backlog.shape[1] * devices, allocation.cpu.size // devices
    problem = edge_problem_of((view_as(weights[EDGE], shape), view_as(backlog[EDGE], shape)), model.scalars)
    found = EdgeAllocation(view_as(allocation.rates[EDGE], shape), allocation.multiplier)
    if model.method == SORT:
        general_edge_lanes(problem, found, workspace)
    else:
        general_edge_lanes_many(problem, found, workspace)


@helper
def allocate_by_weights(backlog, weights, gain, model, queued, allocation, workspace):
    """Solve the problems of a slot for backlogs and weights (3, N, L) and gains (L,) of a block.

    Stages in which no queue is `queued` (3,) are left out.
    """
    if queued[LOCAL] > 0:
        _allocate_cpus(backlog, weights, model, allocation, workspace)
    if queued[TRANSMIT] > 0:
        _allocate_radios(backlog, weights, gain, model, allocation, workspace)
    if queued[EDGE] > 0:
        allocate_weighted_edge(backlog, weights, model, allocation, workspace)
