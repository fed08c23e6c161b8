"""Arrivals of a device's services as a Markov chain: steady, or in bursts.

Each service's bursts switch on their own: the state is which services are busy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import System

_MOST_BURSTY = 4
"""Most services of a device that may have bursts: their states double with each."""


@dataclass(frozen=True)
class ArrivalStates:
    """States of the arrivals of one device.

    Attributes
    ----------
    matrix : ndarray (Z, Z)
        Transition probabilities.
    tasks : ndarray (N, Z)
        Mean number of new tasks of each service in a slot in each state.
    """

    matrix: Floats
    tasks: Floats


def arrival_states(system: System, device: int) -> ArrivalStates:
    """States of the arrivals at a device.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.

    Raises
    ------
    ProblemError
        If too many services have bursts.
    """
    services, law, tau = system.services_of(device), system.arrivals, system.slot_duration_s
    mean = system.arrival_rate_per_s[list(services)] * tau
    if law.busy_rate_factor == 1.0:
        return ArrivalStates(np.ones((1, 1)), mean[:, None])
    if len(services) > _MOST_BURSTY:
        reason = f"expected at most {_MOST_BURSTY} services where there are bursts, got {len(services)}"
        raise ProblemError(f"$.devices[{device}].services", reason)
    forgotten = -math.expm1(-tau * (1.0 / law.busy_duration_s + 1.0 / law.quiet_duration_s))
    to_busy, to_quiet = law.busy_share * forgotten, (1.0 - law.busy_share) * forgotten
    one = np.array([[1.0 - to_busy, to_busy], [to_quiet, 1.0 - to_quiet]])
    factors = np.array([law.quiet_rate_factor, law.busy_rate_factor])
    matrix, count = np.ones((1, 1)), len(services)
    for _ in services:
        matrix = np.kron(matrix, one)
    busy = (np.arange(2**count)[None, :] >> np.arange(count - 1, -1, -1)[:, None]) & 1
    return ArrivalStates(matrix, mean[:, None] * factors[busy])
