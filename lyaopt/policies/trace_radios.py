"""What radios carry: by the law of a scenario, or over the gains of traces.

A price of bits needs the distribution of the gain. Traces give it as levels: sorted gains in groups, each at
its mean. Groups are finer towards strong gains, of which little work waits for the strongest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.model.system import System
from lyaopt.policies.shadowed_prices import has_shadowing
from lyaopt.simulation import Trace

_LEVELS = 64


def gains_are_of_law(system: System, traces: Sequence[Trace]) -> bool:
    """Tell whether prices take channels from the law of a scenario.

    So they do where traces record none, where shadowing lasts, whose state they follow and of which a trace
    says nothing, and with several edge servers.

    Parameters
    ----------
    system : System
        Its shadowing and its edges decide.
    traces : sequence of Trace
        Of a search.
    """
    of_law = has_shadowing(system) or system.edges is not None
    return of_law or not any(trace.drawn != "channel_gain" for trace in traces)


def radio_of(system: System, traces: Sequence[Trace] = ()) -> Radio:
    """Return the radios of a system over its channels, or over those that traces record.

    Parameters
    ----------
    system : System
        Gives bandwidths and largest powers, and without traces the channels.
    traces : sequence of Trace, optional
        Recorded channels.

    Returns
    -------
    Radio

    Raises
    ------
    ProblemError
        If channels are those of the system, and devices move.
    """
    if gains_are_of_law(system, traces):
        return Radio.of(system)
    gains = np.concatenate([trace.channel_gain for trace in traces if trace.drawn != "channel_gain"])
    levels, weight = _levels(gains)
    width = system.most_bandwidth_hz
    with np.errstate(divide="ignore"):
        noise = (width * system.noise_w_per_hz)[:, None] / levels
    return Radio(width, system.max_power_w, noise, weight, False, system.radio_rate_bps)


def _levels(gains: Floats) -> tuple[Floats, Floats]:
    """Mean gains of groups (M, J), from the weakest on, and their probabilities (J,), of gains (T, M)."""
    count = len(gains)
    left = 1.0 - np.arange(_LEVELS + 1) / _LEVELS
    edges = np.unique(np.round(count * (1.0 - left**2)).astype(np.int64))
    sums = np.add.reduceat(np.sort(gains, axis=0), edges[:-1], axis=0)
    sizes = np.diff(edges)
    return np.ascontiguousarray((sums / sizes[:, None]).T), sizes / count


def task_rates_per_s(system: System, traces: Sequence[Trace] = ()) -> Floats:
    """Return the rates (S,) at which tasks come: of the system, or those that traces record.

    Parameters
    ----------
    system : System
        Gives the rates without traces.
    traces : sequence of Trace, optional
        Recorded arrivals, all counted alike.
    """
    recorded = [trace.arrivals.mean(axis=0) for trace in traces if trace.drawn != "arrivals"]
    if not recorded:
        return system.arrival_rate_per_s
    return np.asarray(np.mean(recorded, axis=0) / system.slot_duration_s)
