"""One slot in one call: the three problems and their certificates.

Layout: `queues` and `rates` (3, N, M) stack the local, transmission and edge problems; `devices` (4, M)
and `scalars` (6,) hold what the names below say; `lanes` (LANE_ROWS, M) and `summary` receive the rest.
"""

import numpy as np

from lyaopt._kernels.slot.certificate import edge_gap, local_gap, transmit_gap, worse
from lyaopt._kernels.slot.dispatch import workspace
from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.local import local_lanes
from lyaopt._kernels.slot.transmit import transmit_lanes, transmit_workspace
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

# Rows of `devices`
CPU_CAPACITY, MAX_POWER, GAIN, BANDWIDTH = range(4)
# Entries of `scalars`
TAU, DELTA, WEIGHT_LOCAL, WEIGHT_TRANSMIT, EDGE_CAPACITY, NOISE = range(6)
# Rows of `lanes`
CPU, POWER, LOCAL_NU, TRANSMIT_NU, LOCAL_ENERGY, TRANSMIT_ENERGY, LOCAL_PRICE, RATE_PRICE = range(8)
LANE_ROWS = 8
# Places of `summary`
EDGE_NU, LOCAL_OBJECTIVE, TRANSMIT_OBJECTIVE, EDGE_OBJECTIVE, RELATIVE_GAP, VIOLATION = range(6)
SUMMARY_PLACES = 6


@inline
def _energy(tau, delta, speed):
    return tau * delta * speed * speed * speed  # from the left: free energy stays free at any speed


@inline
def _price(tau, weight, capacity, speed, nu):
    worth = nu - 3.0 * weight * capacity * capacity
    return tau * worth if (speed >= capacity) & (worth > 0.0) else 0.0


@inline
def slots_workspace(items, count, slots):
    """Return how many doubles so many slots, of `items` services on each of `count` devices, take."""
    edge = workspace(items * count, slots, False)
    transmit = transmit_workspace(items, count * slots, count, False)
    return transmit if transmit > edge else edge


@helper
def _solve(queues, devices, scalars, rates, lanes, summary, work):
    """Fill `rates`, the first four rows of `lanes`, and nu of the edge."""
    items, count = queues.shape[1:]
    tau, edge = scalars[TAU], items * count
    local_lanes(
        queues[0],
        devices[CPU_CAPACITY],
        tau,
        scalars[WEIGHT_LOCAL],
        scalars[DELTA],
        rates[0],
        lanes[CPU],
        lanes[LOCAL_NU],
        work,
    )
    transmit_lanes(
        queues[1],
        devices[GAIN],
        devices[BANDWIDTH],
        devices[MAX_POWER],
        tau,
        scalars[WEIGHT_TRANSMIT],
        scalars[NOISE],
        rates[1],
        lanes[POWER],
        lanes[TRANSMIT_NU],
        work,
    )
    nu = summary[EDGE_NU : EDGE_NU + 1]
    edge_lanes(queues[2].reshape(edge, 1), scalars[EDGE_CAPACITY], tau, rates[2].reshape(edge, 1), nu, work)


@helper
def _price_lane(m, devices, scalars, lanes):
    """Fill the other rows of `lanes` for device m."""
    tau, weight = scalars[TAU], scalars[WEIGHT_LOCAL] * scalars[DELTA]
    lanes[LOCAL_ENERGY, m] = _energy(tau, scalars[DELTA], lanes[CPU, m])
    lanes[TRANSMIT_ENERGY, m] = tau * lanes[POWER, m]
    lanes[LOCAL_PRICE, m] = _price(tau, weight, devices[CPU_CAPACITY, m], lanes[CPU, m], lanes[LOCAL_NU, m])
    lanes[RATE_PRICE, m] = tau * lanes[TRANSMIT_NU, m]


@helper
def _certify_lane(m, queues, devices, scalars, rates, lanes):
    """Return (gap, gross gain, violation) of Problem 3 and of Problem 4 of device m."""
    tau = scalars[TAU]
    local = local_gap(
        queues[0],
        rates[0],
        m,
        devices[CPU_CAPACITY, m],
        tau,
        scalars[WEIGHT_LOCAL],
        scalars[DELTA],
        lanes[LOCAL_NU, m],
    )
    transmit = transmit_gap(
        queues[1],
        rates[1],
        m,
        lanes[POWER, m],
        devices[MAX_POWER, m],
        devices[GAIN, m],
        devices[BANDWIDTH, m],
        tau,
        scalars[WEIGHT_TRANSMIT],
        scalars[NOISE],
        lanes[TRANSMIT_NU, m],
    )
    return local, transmit


@helper
def solve_within(queues, devices, scalars, rates, lanes, summary, work):
    """Solve and certify a slot, with a workspace of `slots_workspace` doubles."""
    items, count = queues.shape[1:]
    _solve(queues, devices, scalars, rates, lanes, summary, work)
    queue = queues[2].reshape(items * count, 1)
    cpu = rates[2].reshape(items * count, 1)
    gap, gross, violation = edge_gap(queue, cpu, 0, scalars[EDGE_CAPACITY], scalars[TAU], summary[EDGE_NU])
    local = transmit = 0.0
    for m in range(count):
        _price_lane(m, devices, scalars, lanes)
        of_local, of_transmit = _certify_lane(m, queues, devices, scalars, rates, lanes)
        local += scalars[WEIGHT_LOCAL] * lanes[LOCAL_ENERGY, m] - of_local[1]
        transmit += scalars[WEIGHT_TRANSMIT] * lanes[TRANSMIT_ENERGY, m] - of_transmit[1]
        gap = worse(worse(gap, of_local[0]), of_transmit[0])
        violation = worse(worse(violation, of_local[2]), of_transmit[2])
    summary[LOCAL_OBJECTIVE] = local
    summary[TRANSMIT_OBJECTIVE] = transmit
    summary[EDGE_OBJECTIVE] = -gross
    summary[RELATIVE_GAP] = gap
    summary[VIOLATION] = violation


def _slot(queues, devices, scalars, rates, lanes, summary):
    work = np.empty(slots_workspace(queues.shape[1], queues.shape[2], 1))
    solve_within(queues, devices, scalars, rates, lanes, summary, work)


_SIGNATURE = "void(f8[:,:,::1], f8[:,::1], f8[::1], f8[:,:,::1], f8[:,::1], f8[::1])"
slot_exact = Kernel("slot_exact", _SIGNATURE, _slot)
