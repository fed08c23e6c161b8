"""Arrivals of a device's services as a Markov chain: steady, in bursts, or on and off.

Each service switches on its own: the state is which services are busy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import Arrivals, Service, System

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
    services, tau = system.devices[device].services, system.slot_duration_s
    mean = np.array([service.arrival_rate_per_s for service in services]) * tau
    switches = [_switch_of(service, system.arrivals) for service in services]
    count = sum(switch is not None for switch in switches)
    if count > _MOST_BURSTY:
        reason = f"expected at most {_MOST_BURSTY} services where there are bursts, got {count}"
        raise ProblemError(f"$.devices[{device}].services", reason)
    matrix: Floats = np.ones((1, 1))
    factors = np.ones((len(services), 2**count))
    state = np.arange(2**count)
    for n, switch in enumerate(switches):
        if switch is not None:
            # Which bit of the state says whether it is busy: that of the first service counts most.
            bit = count - 1 - round(math.log2(len(matrix)))
            matrix = np.asarray(np.kron(matrix, _matrix(switch, tau)), np.float64)
            factors[n] = np.array([switch.quiet_factor, switch.busy_factor])[(state >> bit) & 1]
    return ArrivalStates(matrix, mean[:, None] * factors)


class _Switch(NamedTuple):
    """A service that is busy and quiet in turn: rates over the mean, and mean durations."""

    busy_factor: float
    quiet_factor: float
    busy_share: float
    busy_s: float
    quiet_s: float


def _switch_of(service: Service, bursts: Arrivals) -> _Switch | None:
    """The switch of a service; None where its rate is steady. Bursts are of Poisson services."""
    law, rate = service.arrivals, service.arrival_rate_per_s
    if law.on_duration_s is not None and law.off_duration_s is not None and rate > 0.0:
        share = law.on_duration_s / (law.on_duration_s + law.off_duration_s)
        off = (law.off_rate_per_s or 0.0) / rate
        return _Switch((1.0 - (1.0 - share) * off) / share, off, share, law.on_duration_s, law.off_duration_s)
    if law.kind != "poisson" or bursts.busy_rate_factor == 1.0:
        return None
    factors = bursts.busy_rate_factor, bursts.quiet_rate_factor
    return _Switch(*factors, bursts.busy_share, bursts.busy_duration_s, bursts.quiet_duration_s)


def _matrix(switch: _Switch, tau: float) -> Floats:
    """Transition probabilities from slot to slot, quiet first."""
    forgotten = -math.expm1(-tau * (1.0 / switch.busy_s + 1.0 / switch.quiet_s))
    to_busy, to_quiet = switch.busy_share * forgotten, (1.0 - switch.busy_share) * forgotten
    return np.array([[1.0 - to_busy, to_busy], [to_quiet, 1.0 - to_quiet]])
