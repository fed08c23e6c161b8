"""Energies, prices and objectives that follow from an allocation: each formula once.

Plain arithmetic on floats. The functions without a condition also take NumPy arrays when they are called as
plain Python, ``inspect.unwrap(local_energy)(...)``.
"""

import functools

from lyaopt._kernels.slot.problems import LocalAllocation, LocalProblem, solver_signature
from lyaopt._kernels.toolchain.jit import Kernel, inline


@inline
def local_energy(tau, delta, speed):
    """Return tau delta speed^3 in J, equation (5), for the total CPU speed of a device in Hz.

    The product runs from the left: where delta is 0 the energy is 0 at any speed.
    """
    return tau * delta * speed * speed * speed


@inline
def transmit_energy(tau, power):
    """Return tau power in J, equation (6), for the transmit power of a device in W."""
    return tau * power


@inline
def price(tau, multiplier):
    """Return tau nu, what one more unit of capacity is worth (C.6 and C.7)."""
    return tau * multiplier


@inline
def local_price(tau, weighted_delta, capacity, speed, multiplier):
    """Return -dV/dF^l in Problem 3 (multiplier of C.4): tau max(nu - 3 U delta F^2, 0) if F binds, else 0.

    `weighted_delta` is U delta.
    """
    worth = multiplier - 3.0 * weighted_delta * capacity * capacity
    return price(tau, worth) if (speed >= capacity) & (worth > 0.0) else 0.0


@inline
def objective(weight, energy, gross_gain):
    """Return U E - tau sum f Q, the drift-plus-penalty of one device as Problems 3 and 4 minimise it."""
    return weight * energy - gross_gain


def _local_prices(problem, allocation, prices):
    lanes_per_device = allocation.total.size // problem.capacity.size
    weighted_delta = problem.weight * problem.delta
    for lane in range(prices.size):
        capacity = problem.capacity[lane // lanes_per_device]
        speed, multiplier = allocation.total[lane], allocation.multiplier[lane]
        prices[lane] = local_price(problem.tau, weighted_delta, capacity, speed, multiplier)


# `prices` (L,) receives what one more Hz of the device's CPU is worth in every lane
local_prices = Kernel(
    "local_prices",
    functools.partial(solver_signature, LocalProblem, LocalAllocation, "f8[::1]"),
    _local_prices,
)
