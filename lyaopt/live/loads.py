"""What a run is loaded with: births, and the rates that token buckets follow."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation import Trace, complete_trace
from lyaopt.simulation.streams import make_streams


def full_rates_bps(system: System, gain: Floats) -> Floats:
    """Rates (3) at p^max, or the share of a measured radio's rate.

    Parameters
    ----------
    system : System
        Its radios.
    gain : ndarray (T, M)
        Channel gains of a trace.

    Returns
    -------
    ndarray (T, M)
        In bit/s.

    Raises
    ------
    ProblemError
        If a device can never send.
    """
    band = system.device_bandwidth_hz
    shannon = band * np.log2(1.0 + system.max_power_w * gain / (band * system.noise_w_per_hz))
    measured = gain * system.radio_rate_bps
    rates = np.where(np.isnan(system.radio_rate_bps), shannon, measured)
    for m, total in enumerate(rates.sum(axis=0).tolist()):
        if total <= 0.0:
            raise ProblemError(f"$.devices[{m}]", "its radio carries nothing in any slot of the trace")
    return np.asarray(rates)


def drawn_trace(system: System, slots: int, seed: int) -> Trace:
    """Draw arrivals and channels from the law of a scenario, as a simulation with the seed does.

    Parameters
    ----------
    system : System
        The scenario.
    slots : int
        T.
    seed : int
        From 0 to 2^64 - 1.
    """
    gains = make_streams(system, seed, range(1)).draw_gains(0, slots)
    return complete_trace(system, channel_gain=gains, seed=seed)


def births_of(
    system: System, arrivals: Integers, seconds: float
) -> list[list[tuple[float, int, int | None]]]:
    """Return the births of a run by device: tasks of a slot are spread evenly over it.

    Parameters
    ----------
    system : System
        Its services, and the length of its slots.
    arrivals : ndarray (T, S) of int
        Of a trace; behind its last slot comes the first one.
    seconds : float
        Of the run.
    """
    slot_s = system.slot_duration_s
    births: list[list[tuple[float, int, int | None]]] = [[] for _ in system.devices]
    for slot in range(int(np.ceil(seconds / slot_s - 1e-9))):
        for s in np.flatnonzero(arrivals[slot % len(arrivals)]).tolist():
            m = int(system.device_of_service[s])
            n = s - system.services_of(m).start
            count = int(arrivals[slot % len(arrivals), s])
            births[m] += [((slot + (i + 0.5) / count) * slot_s, n, None) for i in range(count)]
    for rows in births:
        rows.sort(key=lambda birth: birth[0])
    return births
