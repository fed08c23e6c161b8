"""Sums over the slots of a period and of a run, and the record of every slot: what each row holds.

The sums of a block are (2, 6, N, L) of its services and (2, 8, L) of its devices: over the slots of the
PRESENT period, and over all whole periods before (PAST).
"""

from lyaopt._kernels.simulation.state_types import POWER as POWER_EFFORT
from lyaopt._kernels.simulation.state_types import SPEED, TAIL
from lyaopt._kernels.simulation.task_queues import STAGES
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

PRESENT, PAST = range(2)
# Rows of services: backlogs at the start of a slot, then rates of service, one of each a stage
BACKLOGS, RATES = 0, STAGES
SERVICE_SUMS = 2 * STAGES
# Rows of devices: joules, watts and gains, then numbers of slots, then joules of tails
LOCAL_ENERGY, POWER, GAIN, BUSY, LIMITED, LIMITED_LOCAL, LIMITED_TRANSMIT, TAIL_ENERGY = range(8)
DEVICE_SUMS = 8
# Rows of the record: of services as in the sums, and then the new tasks; of devices these
ARRIVED = SERVICE_SUMS
SERVICE_RECORDS = SERVICE_SUMS + 1
CPU_RECORD, POWER_RECORD, GAIN_RECORD, TAIL_RECORD = range(4)
DEVICE_RECORDS = 4


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
def flat(array):
    """Return a contiguous array as one row."""
    return view_as(array, (array.size,))


@helper
def begin_period(b, sums):
    """Start the sums of a period in block `b`."""
    zero(flat(sums.services[b, PRESENT]))
    zero(flat(sums.devices[b, PRESENT]))


@helper
def add_gains(gain, sums):
    """Add the gains (G, L) of slots of a period, in their order, to the device sums (8, L) of it."""
    for g in range(gain.shape[0]):
        _add(gain[g], sums[GAIN])


@helper
def end_period(b, sums):
    """Add the sums of the present period to those of the past ones in block `b`."""
    _add(flat(sums.services[b, PRESENT]), flat(sums.services[b, PAST]))
    _add(flat(sums.devices[b, PRESENT]), flat(sums.devices[b, PAST]))


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
def record_devices(efforts, gain, devices):
    """Record a slot of a block's devices, (4, L), given their efforts (4, L)."""
    for t in range(gain.size):
        devices[CPU_RECORD, t] = efforts[SPEED, t]
        devices[POWER_RECORD, t] = efforts[POWER_EFFORT, t]
        devices[GAIN_RECORD, t] = gain[t]
        devices[TAIL_RECORD, t] = efforts[TAIL, t]
