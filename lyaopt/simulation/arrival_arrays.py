"""Laws of arrivals and of the sizes of tasks, as the kernels take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from lyaopt._kernels.simulation import arrival_laws as at
from lyaopt._kernels.simulation.state_types import ArrivalLaws
from lyaopt._kernels.simulation.task_sizes import LOGNORMAL, UNIFORM
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.arrival_laws import MOST_TASKS
from lyaopt.model.system import Service, System

_MOST_SLOTS = 1e12
"""Longest time of a law in slots: times MOST_TASKS it is below 2**63, so that kernels count its tasks."""


def _services(system: System) -> Iterator[tuple[int, int, Service]]:
    for m, device in enumerate(system.devices):
        for n, service in enumerate(device.services):
            yield n, m, service


def _shape(system: System) -> tuple[int, int]:
    return max(len(device.services) for device in system.devices), len(system.devices)


def size_laws(system: System) -> tuple[Integers, Floats]:
    """Laws and spreads of the sizes of tasks (N, M), of no entries where all are alike.

    Parameters
    ----------
    system : System
        The system.
    """
    if all(service.task_size is None for service in system.services):
        return np.empty((0, 0), np.int64), np.empty((0, 0))
    law, spread = np.zeros(_shape(system), np.int64), np.zeros(_shape(system))
    for n, m, service in _services(system):
        if service.task_size is not None:
            law[n, m] = LOGNORMAL if service.task_size.law == "lognormal" else UNIFORM
            spread[n, m] = service.task_size.spread
    return law, spread


def arrival_laws(system: System) -> ArrivalLaws:
    """Laws of the arrivals, of no entries where all are Poisson.

    Parameters
    ----------
    system : System
        The system.

    Raises
    ------
    ProblemError
        If a service whose arrivals are not Poisson has too many in a slot, also while it is on, or times
        too far from the start.
    """
    if all(service.arrivals.kind == "poisson" for service in system.services):
        return ArrivalLaws(np.empty((0, 0), np.int64), np.empty((0, 0, 0)), np.empty(0))
    kind, numbers = np.zeros(_shape(system), np.int64), np.zeros((*_shape(system), at.NUMBERS))
    times: list[Floats] = []
    tau = system.slot_duration_s
    for n, m, service in _services(system):
        rate, law = service.arrival_rate_per_s, service.arrivals
        if law.kind == "poisson" or rate == 0.0:
            continue  # of rate 0 nothing comes, by any law
        for name, reason in _out_of_range(service, tau):
            raise ProblemError(f"$.devices[{m}].services[{n}].{name}", reason)
        kind[n, m], write = _LAWS[law.kind]
        write(service, tau, times, numbers[n, m])
    return ArrivalLaws(kind, numbers, np.concatenate(times) if times else np.empty(0))


def _out_of_range(service: Service, tau: float) -> Iterator[tuple[str, str]]:
    """Yield field and reason of rates and times that the kernels cannot count."""
    rate, law, last = service.arrival_rate_per_s, service.arrivals, _MOST_SLOTS * tau
    most = max(rate, _rate_while_on(service) if law.kind == "on-off" else 0.0)
    if most * tau > MOST_TASKS:
        limit = MOST_TASKS * rate / most / tau
        yield "arrival_rate_per_s", f"expected at most {limit:g} where arrivals are {law.kind}, got {rate}"
    if law.kind == "periodic" and rate * last < 1.0:
        yield "arrival_rate_per_s", f"expected 0, or at least {1.0 / last:g}, got {rate}"
    if isinstance(law.phase_s, float) and law.phase_s > last:
        yield "arrivals.phase_s", f"expected at most {last:g} ({_MOST_SLOTS:g} slots), got {law.phase_s}"
    if law.kind == "replayed" and law.recording_s > last:
        name = "times" if law.length_s is None else "length_s"
        yield f"arrivals.{name}", f"expected a recording of at most {last:g} s, got {law.recording_s}"


def _write_phase(service: Service, default: float | str, tau: float, numbers: Floats) -> None:
    phase = default if service.arrivals.phase_s is None else service.arrivals.phase_s
    numbers[at.DRAWN] = phase == "drawn"
    numbers[at.PHASE] = 0.0 if isinstance(phase, str) else phase / tau


def _periodic(service: Service, tau: float, times: list[Floats], numbers: Floats) -> None:
    numbers[at.PERIOD] = 1.0 / (service.arrival_rate_per_s * tau)
    numbers[at.LATEST] = (service.arrivals.jitter_s or 0.0) / tau
    _write_phase(service, "drawn", tau, numbers)


def _batches(service: Service, tau: float, times: list[Floats], numbers: Floats) -> None:
    size = service.arrivals.batch_size
    assert size is not None
    numbers[at.BATCHES_A_SLOT] = service.arrival_rate_per_s * tau / size
    numbers[at.MEAN_SIZE] = size
    numbers[at.GEOMETRIC] = service.arrivals.batch_law == "geometric"


def _durations_s(service: Service) -> tuple[float, float]:
    """Mean times that a service is on, and off."""
    on_s, off_s = service.arrivals.on_duration_s, service.arrivals.off_duration_s
    assert on_s is not None
    assert off_s is not None
    return on_s, off_s


def _rate_while_on(service: Service) -> float:
    """Tasks a second while a service is on, which keep its mean rate."""
    on_s, off_s = _durations_s(service)
    share = on_s / (on_s + off_s)
    if share == 0.0:
        return math.inf
    return (service.arrival_rate_per_s - (1.0 - share) * (service.arrivals.off_rate_per_s or 0.0)) / share


def _on_off(service: Service, tau: float, times: list[Floats], numbers: Floats) -> None:
    on_s, off_s = _durations_s(service)
    share = on_s / (on_s + off_s)
    # The chain in continuous time, sampled at the start of each slot, as of bursts.
    forgotten = -math.expm1(-tau * (1.0 / on_s + 1.0 / off_s))
    numbers[at.ON_MEAN] = tau * _rate_while_on(service)
    numbers[at.OFF_MEAN] = tau * (service.arrivals.off_rate_per_s or 0.0)
    numbers[at.ON_SHARE] = share
    numbers[at.ON_AFTER_ON] = 1.0 - (1.0 - share) * forgotten
    numbers[at.ON_AFTER_OFF] = share * forgotten


def _replayed(service: Service, tau: float, times: list[Floats], numbers: Floats) -> None:
    law = service.arrivals
    first = sum(map(len, times))
    times.append(law.task_times_s / tau)
    numbers[at.LENGTH] = law.recording_s / tau
    numbers[at.FIRST_TIME], numbers[at.TIMES_END] = first, first + len(times[-1])
    _write_phase(service, 0.0, tau, numbers)


_Write = Callable[[Service, float, list[Floats], Floats], None]
_LAWS: dict[str, tuple[int, _Write]] = {
    "periodic": (at.PERIODIC, _periodic),
    "batches": (at.BATCHES, _batches),
    "on-off": (at.ON_OFF, _on_off),
    "replayed": (at.REPLAYED, _replayed),
}
