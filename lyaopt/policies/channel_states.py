r"""States of a slow channel that a policy can observe: bins of the smoothed period mean of the gain.

y is the mean gain of a period relative to the mean gain at the device's starting position, in decibels.
Fading makes y noisy: the mean of G independent gains has a standard deviation of about 4.3 / sqrt(G) dB,
1.4 dB at G = 10. Earlier periods carry information too, the less the older they are, so that the level

    z+ = z + w (y - z)

predicts the next period better than y alone. For shadowing under such fading this is nearly the Kalman
filter. The weight w, and bin edges of equal probability, are fitted to channels drawn from the scenario, so
that shadowing, correlated fading and moving devices need no formulas of their own: w minimises the squared
error of z+ as a prediction of the next y.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation import Trace
from lyaopt.simulation.streams import make_streams

_LEAST_RELATIVE_GAIN = 1e-10
"""Floor of the gain over its mean, as a gain of zero has no decibels."""
_WEIGHTS = 2.0 ** -np.arange(0.0, 6.5, 0.5)
"""Candidates for w, from no memory to one of about a hundred periods."""


@dataclass(frozen=True, eq=False)
class ChannelStates:
    """Maps the smoothed gain of each device to a state.

    Attributes
    ----------
    weight : float
        w, the weight of the last period in the level.
    edges_db : ndarray (M, states - 1)
        Rising bin edges of the level, in decibels; empty if there is one state.
    """

    weight: float
    edges_db: Floats

    @property
    def count(self) -> int:
        """Number of states."""
        return self.edges_db.shape[1] + 1

    def next_level(self, level_db: Floats, period_db: Floats) -> Floats:
        """Update levels: z+ = z + w (y - z).

        Parameters
        ----------
        level_db, period_db : ndarray
            z and y in decibels, of equal shape.

        Returns
        -------
        ndarray
        """
        return np.asarray(level_db + self.weight * (period_db - level_db))

    def state_of(self, level_db: Floats) -> Integers:
        """Find the states of levels.

        Parameters
        ----------
        level_db : ndarray (M, B)
            Gains over the mean gain, in dB.

        Returns
        -------
        ndarray (M, B) of int
            From 0, the worst channel.
        """
        return np.asarray((level_db[:, None] >= self.edges_db[..., None]).sum(axis=1))


def decibels(system: System, gain: Floats) -> Floats:
    """Convert gains to decibels over the mean gains at the starting positions.

    Parameters
    ----------
    system : System
        Gives the mean gains.
    gain : ndarray (M, ...)
        Channel gains, dimensionless.

    Returns
    -------
    ndarray (M, ...)
    """
    mean = system.mean_channel_gain().reshape(-1, *(1,) * (gain.ndim - 1))
    return np.asarray(10.0 * np.log10(np.maximum(gain / mean, _LEAST_RELATIVE_GAIN)))


def is_slow(system: System) -> bool:
    """Tell whether the channel of one period carries information about the next one.

    Parameters
    ----------
    system : System
        Its channel model decides.

    Returns
    -------
    bool
    """
    channel = system.channel
    correlated = channel.fading != "none" and channel.fading_correlation > 0.0
    return correlated or channel.shadowing_std_db > 0.0 or channel.walk_m_per_sqrt_s > 0.0


def channel_states(
    system: System, states: int, *, seed: int, slots: int, replications: int, traces: Sequence[Trace] = ()
) -> ChannelStates:
    """Fit states of equal probability to the channels of a system.

    Parameters
    ----------
    system : System
        Its channels are drawn, unless there are traces.
    states : int
        Number of states. Without traces, a channel that is not slow gets one.
    seed, slots, replications : int
        Seed, length and number of the channels drawn for the fit.
    traces : sequence of Trace, optional
        Recorded channels to fit instead.

    Returns
    -------
    ChannelStates
    """
    if states == 1 or not (traces or is_slow(system)):
        return ChannelStates(1.0, np.empty((len(system.devices), 0)))
    if traces:
        parts = [_period_means(system, trace.channel_gain[:slots, :, None]) for trace in traces]
        means_db = np.concatenate(parts, axis=-1)
    else:
        streams = make_streams(system, seed, range(replications))
        gains = streams.draw_gains(0, slots).reshape(slots, len(system.devices), replications)
        means_db = _period_means(system, gains)
    levels, weight = _best_levels(means_db)
    shares = np.arange(1, states) / states
    edges = np.quantile(np.moveaxis(levels, 1, 0).reshape(means_db.shape[1], -1), shares, axis=1)
    return ChannelStates(weight, np.ascontiguousarray(edges.T))


def _period_means(system: System, gains: Floats) -> Floats:
    """Decibels of the means of whole periods (P, M, B), from gains (T, M, B)."""
    length = system.slots_per_period
    periods = max(1, len(gains) // length)
    means = gains[: periods * length].reshape(periods, -1, *gains.shape[1:]).mean(axis=1)
    return np.moveaxis(decibels(system, np.moveaxis(means, 1, 0)), 0, 1)


def _best_levels(means_db: Floats) -> tuple[Floats, float]:
    """The weight that predicts the period means (P, M, B) best, and the levels (P, M, B) under it."""
    levels = np.zeros((*means_db.shape, _WEIGHTS.size))
    level = np.zeros(levels.shape[1:])
    for period, mean_db in enumerate(means_db):
        level = level + _WEIGHTS * (mean_db[..., None] - level)
        levels[period] = level
    errors = ((levels[:-1] - means_db[1:, ..., None]) ** 2).mean(axis=(0, 1, 2))
    best = int(np.argmin(errors)) if len(means_db) > 1 else 0
    return levels[..., best], float(_WEIGHTS[best])
