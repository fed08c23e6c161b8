"""LB2 of a run on a trace: LB1 and LB3 are of a scenario's law, and a trace may cost less."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds import realised_bound
from lyaopt.model.system import System
from lyaopt.simulation import Result, Trace

_ROUNDING = 1e-9
"""Share by which the bound is lowered: where work is steady it is the energy, up to rounding."""


def trace_bound_j(system: System, result: Result, trace: Trace) -> float | None:
    """Least energy per slot for the work that a run did on a trace, in its measured slots.

    Parameters
    ----------
    system : System
        The scenario.
    result : Result
        Of a run on the trace.
    trace : Trace
        Of the run.

    Returns
    -------
    float or None
        LB2 and idle power in joules, summed over the devices, as a mean over the replications; None if no
        slot is measured.

    Raises
    ------
    ProblemError
        If a device has operating points or a measured radio.
    """
    measured = result.slots - result.warmup
    if measured < 1:
        return None
    on_device = np.equal.outer(np.arange(len(system.devices)), system.device_of_service)  # (M, S)
    trace = _best_links(trace, system)
    work = on_device.astype(np.float64) @ result.service_rates[:2] * measured * system.slot_duration_s
    same = np.zeros(work.shape[2]) if trace.starts is None else trace.starts
    # Replications on the same slots that did the same work have the same bound.
    keys = np.vstack([same, *work])
    _, first, replications = np.unique(keys, axis=1, return_index=True, return_counts=True)
    least = [
        _energy_j(system, work[..., b], trace.gains_in(int(b), result.warmup, result.slots)) for b in first
    ]
    mean = float(np.dot(least, replications) / replications.sum()) * (1.0 - _ROUNDING) / measured
    return mean + system.idle_energy_j


def _best_links(trace: Trace, system: System) -> Trace:
    """The trace of the best link of each device in each slot: no policy has a better one."""
    if system.edges is None:
        return trace
    gain = np.where(system.links.reached, trace.link_gains(system), 0.0).max(axis=1)
    return Trace(trace.arrivals, gain, starts=trace.starts)


def _energy_j(system: System, work: Floats, gain: Floats) -> float:
    """LB2 of all slots, of cycles and bits (2, M)."""
    bound = realised_bound(system, work[0], work[1], gain)
    return float(bound.local_energy_j.sum() + bound.transmit_energy_j.sum())
