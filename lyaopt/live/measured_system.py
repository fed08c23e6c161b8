"""The scenario as this machine runs it: its networks with the seconds that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.live.task_log import TaskLog, TaskRecord
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.model import Cut, Profile
from lyaopt.model.profiles.timing import processor_name, rising
from lyaopt.model.system import System


@dataclass(frozen=True)
class Seconds:
    """What the halves of a service's network take here.

    Attributes
    ----------
    head_s, tail_s : tuple of float
        Of cuts 0 to K, medians; 0 where nothing runs.
    head_range_s, tail_range_s : tuple of float
        Interquartile ranges.
    bits : tuple of int
        That crossed.
    runs : int
        Of each cut.
    """

    head_s: tuple[float, ...]
    tail_s: tuple[float, ...]
    head_range_s: tuple[float, ...]
    tail_range_s: tuple[float, ...]
    bits: tuple[int, ...]
    runs: int


def seconds_of(log: TaskLog, device: int, service: int, cuts: int) -> Seconds:
    """Take what heads and tails took from the log of a run with every cut.

    A head lasts from the birth of a task that need not wait until its features may be sent, a tail from the
    last bit that was sent until the outputs are there: what it takes to wake up is in both.

    Parameters
    ----------
    log : TaskLog
        Of tasks that never waited.
    device, service, cuts : int
        The service, and K + 1.
    """
    tasks = [r for r in log.finished if (r.device, r.service) == (device, service)]
    rows = [[record for record in tasks if record.cut == cut] for cut in range(cuts)]
    heads = [[_head(record) for record in row] if cut else [0.0] for cut, row in enumerate(rows)]
    tails = [[_tail(record) for record in row] if cut < cuts - 1 else [0.0] for cut, row in enumerate(rows)]
    low, middle, high = (
        np.array([[np.percentile(times, percent) for times in side] for side in (heads, tails)])
        for percent in (25.0, 50.0, 75.0)
    )
    spread = (high - low).tolist()
    return Seconds(
        tuple(rising(middle[0]).tolist()),
        tuple(rising(middle[1][::-1])[::-1].tolist()),
        tuple(spread[0]),
        tuple(spread[1]),
        tuple(max((record.bits for record in row), default=0) for row in rows),
        min(len(row) for row in rows),
    )


def _head(record: TaskRecord) -> float:
    assert record.head_done is not None
    return record.head_done - record.born


def _tail(record: TaskRecord) -> float:
    assert record.sent is not None
    assert record.tail_done is not None
    return record.tail_done - record.sent


def measured_profile(profile: Profile, seconds: Seconds, cpu_hz: float, edge_hz: float) -> Profile:
    """Return a profile whose cycles, at the speeds of a scenario, take the seconds that were measured here.

    Parameters
    ----------
    profile : Profile
        Of the network.
    seconds : Seconds
        Measured.
    cpu_hz, edge_hz : float
        F^l of the device and F^e: a core of this machine stands for each of them.

    Returns
    -------
    Profile
        Times of tails are in cycles of `cpu_hz` too, as the format has it.
    """
    cuts = tuple(Cut(cut.after, cut.macs, bits) for cut, bits in zip(profile.cuts, seconds.bits, strict=True))
    scale = edge_hz / cpu_hz
    measured = Measurement(
        machine=processor_name(),
        runtime="lyaopt run",
        cpu_hz=cpu_hz,
        threads=1,
        runs=seconds.runs,
        head_s=seconds.head_s,
        tail_s=tuple(scale * value for value in seconds.tail_s),
        head_range_s=seconds.head_range_s,
        tail_range_s=tuple(scale * value for value in seconds.tail_range_s),
    )
    return replace(profile, input_bits=cuts[0].bits, cuts=cuts, measured=measured)


def check_runnable(system: System) -> None:
    """Check that a `system` is one that a run can stand for.

    Parameters
    ----------
    system : System
        The scenario.

    Raises
    ------
    ProblemError
        If a capacity is 0, there are several edge servers, or tasks of a service differ in size.
    """
    if system.edges is not None:
        raise ProblemError("$.edges", "expected one edge server (edge_capacity_hz), as a run has one")
    for m, device in enumerate(system.devices):
        for n, service in enumerate(device.services):
            if service.task_size is not None:
                place = f"$.devices[{m}].services[{n}].task_size"
                raise ProblemError(place, "expected none: all tasks of a real network are alike")
    for m, hz in enumerate(system.cpu_capacity_hz.tolist()):
        if hz <= 0.0:
            raise ProblemError(f"$.devices[{m}].cpu_capacity_hz", f"expected a number > 0, got {hz}")
    if system.edge_capacity_hz <= 0.0:
        raise ProblemError("$.system.edge_capacity_hz", f"expected > 0, got {system.edge_capacity_hz}")


def with_measured(system: System, profiles: Sequence[Profile]) -> System:
    """Return the `system` with measured `profiles` (S,) in place of its networks."""
    rows = iter(profiles)
    devices = tuple(
        replace(
            device,
            services=tuple(replace(each, model=next(rows), work="measured") for each in device.services),
        )
        for device in system.devices
    )
    return replace(system, devices=devices)
