"""One slot in one call: the three problems and their certificates.

Layout: `queues` and `rates` (3, N, M) stack the local, transmission and edge problems; `devices` (4, M)
and `scalars` hold what the names below say; `lanes` (LANE_ROWS, M) and `edge` (5,) receive the rest.
"""

from lyaopt._kernels._jit import Kernel
from lyaopt._kernels.certificate import edge_gap, local_gap, transmit_gap
from lyaopt._kernels.edge import edge_lanes
from lyaopt._kernels.local import local_lanes
from lyaopt._kernels.transmit import transmit_lanes

# Rows of `devices`
CPU_CAPACITY, MAX_POWER, GAIN, BANDWIDTH = range(4)
# Entries of `scalars`
TAU, DELTA, WEIGHT_LOCAL, WEIGHT_TRANSMIT, EDGE_CAPACITY, NOISE = range(6)
# Rows of `lanes`: power and totals, multipliers, then gap, gross gain and violation of each problem
CPU, POWER, LOCAL_NU, TRANSMIT_NU = range(4)
LOCAL_REPORT, TRANSMIT_REPORT = 4, 7
LANE_ROWS = 10


def _slot(queues, devices, scalars, rates, lanes, edge):
    items, count = queues.shape[1:]
    tau, delta, noise = scalars[TAU], scalars[DELTA], scalars[NOISE]
    weight_local, weight_transmit = scalars[WEIGHT_LOCAL], scalars[WEIGHT_TRANSMIT]
    local_lanes(
        queues[0], devices[CPU_CAPACITY], tau, weight_local, delta, rates[0], lanes[CPU], lanes[LOCAL_NU]
    )
    transmit_lanes(
        queues[1],
        devices[GAIN],
        devices[BANDWIDTH],
        devices[MAX_POWER],
        tau,
        weight_transmit,
        noise,
        rates[1],
        lanes[POWER],
        lanes[TRANSMIT_NU],
    )
    queue = queues[2].reshape(items * count, 1)
    cpu = rates[2].reshape(items * count, 1)
    edge_lanes(queue, scalars[EDGE_CAPACITY], tau, cpu, edge)
    edge[1], edge[2], edge[3] = edge_gap(queue, cpu, 0, scalars[EDGE_CAPACITY], tau, edge[0])
    for m in range(count):
        lanes[LOCAL_REPORT, m], lanes[LOCAL_REPORT + 1, m], lanes[LOCAL_REPORT + 2, m] = local_gap(
            queues[0],
            rates[0],
            m,
            devices[CPU_CAPACITY, m],
            tau,
            weight_local,
            delta,
            lanes[LOCAL_NU, m],
        )
        lanes[TRANSMIT_REPORT, m], lanes[TRANSMIT_REPORT + 1, m], lanes[TRANSMIT_REPORT + 2, m] = (
            transmit_gap(
                queues[1],
                rates[1],
                m,
                lanes[POWER, m],
                devices[MAX_POWER, m],
                devices[GAIN, m],
                devices[BANDWIDTH, m],
                tau,
                weight_transmit,
                noise,
                lanes[TRANSMIT_NU, m],
            )
        )


_SIGNATURE = "void(f8[:,:,::1], f8[:,::1], f8[::1], f8[:,:,::1], f8[:,::1], f8[::1])"
slot_exact = Kernel("slot_exact", _SIGNATURE, _slot)
