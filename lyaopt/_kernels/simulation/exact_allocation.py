"""What solves the three problems of a slot in a block of systems, in a buffer that lasts for a run."""

from lyaopt._kernels.simulation.task_queues import BACKLOG, EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.blocks import workspace_size
from lyaopt._kernels.slot.problems import (
    EdgeAllocation,
    EdgeProblem,
    LocalAllocation,
    LocalProblem,
    TransmitAllocation,
    TransmitProblem,
)
from lyaopt._kernels.slot.transmit import transmit_workspace_size
from lyaopt._kernels.toolchain.jit import helper

# Entries of the `scalars` of a model
TAU, DELTA, WEIGHT_LOCAL, WEIGHT_TRANSMIT, EDGE_CAPACITY, NOISE = range(6)
# Rows of its `devices`
CPU_CAPACITY, MAX_POWER, BANDWIDTH = range(3)


def buffer_size(one_by_one, edge_one_by_one):
    """Return ``size(services, devices, width)`` in doubles, for solvers of one lane or of several at once."""

    @helper
    def size(services, devices, width):
        edge = workspace_size(services * devices, width, edge_one_by_one)
        return max(edge, transmit_workspace_size(services, devices * width, devices, one_by_one))

    return size


def allocator(local, transmit, edge):
    @helper
    def allocate(b, work, gain, model, rates, cpu, power, multiplier, buffer):
        """Solve a slot's three problems in block `b`; write `rates` (3, N, L), `cpu` and `power` (L,)."""
        scalars, devices = model.scalars, model.devices
        tau = scalars[TAU]
        services, count = rates.shape[1:]
        shape = (services * devices.shape[1], count // devices.shape[1])
        local(
            LocalProblem(
                work[BACKLOG, LOCAL],
                devices[CPU_CAPACITY],
                tau,
                scalars[WEIGHT_LOCAL],
                scalars[DELTA],
            ),
            LocalAllocation(rates[LOCAL], cpu, multiplier),
            buffer,
        )
        transmit(
            TransmitProblem(
                work[BACKLOG, TRANSMIT],
                gain,
                devices[BANDWIDTH],
                devices[MAX_POWER],
                tau,
                scalars[WEIGHT_TRANSMIT],
                scalars[NOISE],
            ),
            TransmitAllocation(rates[TRANSMIT], power, multiplier),
            buffer,
        )
        edge(
            EdgeProblem(work[BACKLOG, EDGE].reshape(shape), scalars[EDGE_CAPACITY], tau),
            EdgeAllocation(rates[EDGE].reshape(shape), multiplier),
            buffer,
        )

    return allocate
