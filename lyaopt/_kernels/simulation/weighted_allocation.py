"""The exact allocation of a slot where services are weighed by other numbers than their backlogs.

Weights (3, N, L) are those of the general slot problems (general_problems.py), in units of the backlog of
each stage where energy is to be weighed as the paper does.
"""

from lyaopt._kernels.simulation.exact_allocation import BANDWIDTH, CPU_CAPACITY, MAX_POWER
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.general_edge import general_edge_lanes
from lyaopt._kernels.slot.general_local import general_local_lanes
from lyaopt._kernels.slot.general_transmit import general_transmit_lanes
from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
)
from lyaopt._kernels.slot.general_local import general_workspace_size
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
    EdgeAllocation,
    LocalAllocation,
    TransmitAllocation,
)
from lyaopt._kernels.toolchain.jit import helper, inline


@helper
def weighted_workspace_size(method, services, devices, width):
    """Return how many doubles of workspace `allocate_by_weights` takes, whatever the method."""
    at_device = general_workspace_size(services, devices * width)
    return max(at_device, general_workspace_size(services * devices, width))


@inline
def _alone(scalars, entry):
    """Return one of the scalars as an array (1,)."""
    return scalars[entry : entry + 1]


@helper
def _allocate_devices(backlog, weights, gain, model, allocation, workspace):
    """Solve Problems 3 and 4."""
    scalars, devices, laws = model.scalars, model.devices, model.laws
    rates, cpu, power, multiplier = allocation
    local = GeneralLocalProblem(
        weights[LOCAL],
        backlog[LOCAL],
        devices[CPU_CAPACITY],
        _alone(scalars, TAU),
        _alone(scalars, WEIGHT_LOCAL),
        _alone(scalars, DELTA),
        laws.curve,
        laws.curve_hz,
        laws.curve_slope,
    )
    general_local_lanes(local, LocalAllocation(rates[LOCAL], cpu, multiplier), workspace)
    transmit = GeneralTransmitProblem(
        weights[TRANSMIT],
        backlog[TRANSMIT],
        gain,
        devices[BANDWIDTH],
        devices[MAX_POWER],
        _alone(scalars, TAU),
        _alone(scalars, WEIGHT_TRANSMIT),
        scalars[NOISE],
        laws.measured,
        gain[:0],
        gain[:0],
    )
    general_transmit_lanes(transmit, TransmitAllocation(rates[TRANSMIT], power, multiplier), workspace)


@helper
def allocate_by_weights(backlog, weights, gain, model, allocation, workspace):
    """Solve the three problems of a slot for backlogs and weights (3, N, L) and gains (L,) of a block."""
    _allocate_devices(backlog, weights, gain, model, allocation, workspace)
    scalars, rates = model.scalars, allocation.rates
    devices = model.devices.shape[1]
    shape = rates.shape[1] * devices, gain.size // devices
    edge = GeneralEdgeProblem(
        weights[EDGE].reshape(shape),
        backlog[EDGE].reshape(shape),
        _alone(scalars, EDGE_CAPACITY),
        _alone(scalars, TAU),
    )
    edge_allocation = EdgeAllocation(rates[EDGE].reshape(shape), allocation.multiplier)
    general_edge_lanes(edge, edge_allocation, workspace)
