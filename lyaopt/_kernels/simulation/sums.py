"""Sums over the slots of a period and of a run, and the record of every slot: what each row holds.

`service_sums` (2, 6, N, L) and `device_sums` (2, 7, L) of a block hold the sums over the slots of the
PRESENT period, and over all earlier periods (PAST), which are whole.
"""

from lyaopt._kernels.simulation.task_queues import STAGES
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

PRESENT, PAST = range(2)
# Rows of `service_sums`: backlogs at the start of a slot, then rates of service, one of each a stage
BACKLOGS, RATES = 0, STAGES
SERVICE_SUMS = 2 * STAGES
# Rows of `device_sums`: joules, watts and gains, then numbers of slots
LOCAL_ENERGY, POWER, GAIN, BUSY, LIMITED, LIMITED_LOCAL, LIMITED_TRANSMIT = range(7)
DEVICE_SUMS = 7
# Rows of the record: of services as in `service_sums` and then the new tasks; of devices these
ARRIVED = SERVICE_SUMS
SERVICE_RECORDS = SERVICE_SUMS + 1
CPU_RECORD, POWER_RECORD, GAIN_RECORD = range(3)
DEVICE_RECORDS = 3


@lane_loop
def zero(values):
    """Write zeros into a row."""
    for t in range(values.size):
        values[t] = 0.0


@lane_loop
def _add(source, target):
    for t in range(source.size):
        target[t] += source[t]


@inline
def _flat(array):
    return array.reshape(array.size)


@helper
def begin_period(points, block):
    """Put the points (N, L) of a period in force in a block, and start its sums."""
    block.points[:] = points
    zero(_flat(block.service_sums[PRESENT]))
    zero(_flat(block.device_sums[PRESENT]))


@helper
def end_period(service_sums, device_sums):
    """Add the sums of a block's present period to those of the past ones."""
    _add(_flat(service_sums[PRESENT]), _flat(service_sums[PAST]))
    _add(_flat(device_sums[PRESENT]), _flat(device_sums[PAST]))


@helper
def record_services(backlog, rates, arrivals, services):
    """Record a slot of a block's services, (7, N, L)."""
    for n in range(arrivals.shape[0]):
        for t in range(arrivals.shape[1]):
            for stage in range(STAGES):
                services[BACKLOGS + stage, n, t] = backlog[stage, n, t]
                services[RATES + stage, n, t] = rates[stage, n, t]
            services[ARRIVED, n, t] = arrivals[n, t]


@helper
def record_devices(cpu, power, gain, devices):
    """Record a slot of a block's devices, (3, L)."""
    for t in range(gain.size):
        devices[CPU_RECORD, t] = cpu[t]
        devices[POWER_RECORD, t] = power[t]
        devices[GAIN_RECORD, t] = gain[t]
