"""Timing of the halves of a network on this machine."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProfileError
from lyaopt.model.profiles.measurement import Measurement

Half = Callable[[], object]
"""Runs the head or the tail of a cut."""
Progress = Callable[[int, int], object]
_CPU_INFO = Path("/proc/cpuinfo")
_SYSFS = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")


@dataclass(frozen=True)
class Timing:
    """How to time the halves of a network.

    Attributes
    ----------
    threads, runs : int
        Threads, and timed runs of each half.
    cpu_hz : float or None
        Frequency at which seconds become cycles; None for that which the system says.
    progress : callable or None
        Called with the rounds done and their number.
    clock : callable
        Seconds of which the differences are taken: of the wall, or of the CPU where others use it too and one
        thread does the work (`time.thread_time`).
    quantile : float
        Which of the runs counts: 0.5 is the median, 0 the least (where others use the machine too).
    groups : int
        Groups of halves that are timed one after another: where not all fit into memory together.
    """

    threads: int = 1
    runs: int = 20
    cpu_hz: float | None = None
    progress: Progress | None = None
    clock: Callable[[], float] = time.perf_counter
    quantile: float = 0.5
    groups: int = 1

    def with_frequency(self) -> Timing:
        """The same with the frequency that the system says, unless there is one.

        Raises
        ------
        ProfileError
            If the system does not say a frequency.
        """
        return self if self.cpu_hz is not None else replace(self, cpu_hz=processor_hz())


def measure_halves(
    heads: Sequence[Half | None],
    tails: Sequence[Half | None],
    runtime: str,
    timing: Timing,
) -> Measurement:
    """Time both halves of every cut, after a warm-up, in turns so that drifts of the machine meet all alike.

    Parameters
    ----------
    heads, tails : sequence of callable or None
        Of cuts 0 to K; None where nothing runs.
    runtime : str
        Name and version of what runs them.
    timing : Timing
        How; its threads are for the record.

    Returns
    -------
    Measurement

    Raises
    ------
    ProfileError
        If the system does not say a frequency.
    """
    timing = timing.with_frequency()
    return summary(time_halves([*heads, *tails], timing), runtime, timing)


def time_halves(halves: Sequence[Half | None], timing: Timing, rounds_before: int = 0) -> Floats:
    """Run each once to warm up, then all in turns.

    Parameters
    ----------
    halves : sequence of callable or None
        What to time; None takes nothing.
    timing : Timing
        How; its `progress` is called after each round.
    rounds_before : int
        Rounds of other halves that were done before, for `progress`.

    Returns
    -------
    ndarray (runs, halves)
        Seconds.
    """
    times = np.zeros((timing.runs, len(halves)))
    for number in range(-1, timing.runs):
        for place, half in enumerate(halves):
            if half is not None:
                started = timing.clock()
                half()
                if number >= 0:
                    times[number, place] = timing.clock() - started
        if timing.progress is not None:
            timing.progress(rounds_before + number + 2, timing.groups * (timing.runs + 1))
    return times


def summary(times: Floats, runtime: str, timing: Timing) -> Measurement:
    """Medians and ranges of the runs of halves.

    Parameters
    ----------
    times : ndarray (runs, 2 (K + 1))
        Seconds of the heads of cuts 0 to K, then of the tails.
    runtime : str
        Name and version of what ran them.
    timing : Timing
        How they were timed.
    """
    low, middle, high = np.quantile(times, [0.25, timing.quantile, 0.75], axis=0)
    count = times.shape[1] // 2
    spread = (high - low).tolist()
    return Measurement(
        machine=processor_name(),
        runtime=runtime,
        cpu_hz=processor_hz() if timing.cpu_hz is None else timing.cpu_hz,
        threads=timing.threads,
        runs=timing.runs,
        head_s=tuple(rising(middle[:count]).tolist()),
        tail_s=tuple(rising(middle[count:][::-1])[::-1].tolist()),
        head_range_s=tuple(spread[:count]),
        tail_range_s=tuple(spread[count:]),
    )


def rising(times: Floats) -> Floats:
    """Return the closest times, by least squares, that do not decrease from the first, which is kept.

    Pools of neighbours that decrease get their mean (isotonic regression).

    Parameters
    ----------
    times : ndarray (K + 1,)
        Medians, the first of them 0.
    """
    pools: list[list[float]] = []
    for value in times[1:].tolist():
        pools.append([value, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            value_after, count_after = pools.pop()
            value_before, count_before = pools.pop()
            count = count_before + count_after
            pools.append([(value_before * count_before + value_after * count_after) / count, count])
    smooth = [value for value, count in pools for _ in range(int(count))]
    return np.array([times[0], *smooth])


def processor_hz() -> float:
    """Largest frequency of this processor, or its present one where the system does not say.

    Raises
    ------
    ProfileError
        If the system says neither.
    """
    try:
        return 1e3 * float(_SYSFS.read_text())
    except (OSError, ValueError):
        found = _info("cpu MHz")
    if not found:
        raise ProfileError("the frequency of this processor is unknown: give cpu_hz (--cpu-hz)")
    return 1e6 * float(found)


def processor_name() -> str:
    """Model of this processor, or its architecture where the system does not say."""
    return _info("model name") or platform.processor() or os.uname().machine


def _info(key: str) -> str:
    try:
        lines = _CPU_INFO.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
