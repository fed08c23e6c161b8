r"""The state of a slow channel, as a policy can tell it: smoothed period means of the gain, in bins.

y is the period mean of a device's gain over its mean gain where it starts, in decibels. Fading blurs it: the
mean of G gains that are drawn anew has a standard deviation of about 4.3 / sqrt(G) dB, 1.4 dB at G = 10.
Earlier periods tell about the present one as well, the less the longer ago, so that the level

    z+ = z + w (y - z)

is a better guess of what the next period brings. For shadowing under such fading it is nearly the Kalman
filter. The weight w, and the edges of the bins, which are to be met equally often, are fitted to channels
drawn from the scenario, so that shadowing, correlated fading and walking devices need no formulas of their
own: w gives the least squared error of z+ as a guess of the next y.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation import Trace
from lyaopt.simulation.streams import make_streams

_FAINTEST = 1e-10
"""Of the mean gain; no gain has no decibels."""
_WEIGHTS = 2.0 ** -np.arange(0.0, 6.5, 0.5)
"""Tried: from the last period alone to a memory of some hundred periods."""


@dataclass(frozen=True, eq=False)
class ChannelStates:
    """How to tell the state of each device's channel.

    Attributes
    ----------
    weight : float
        w, the share of the last period in the level.
    edges_db : ndarray (M, bins - 1)
        Between the bins of levels, rising; none where there is one state.
    """

    weight: float
    edges_db: Floats

    @property
    def count(self) -> int:
        """Number of states."""
        return self.edges_db.shape[1] + 1

    def next_level(self, level_db: Floats, seen_db: Floats) -> Floats:
        """z+ from the last level and what the last period brought, of any shape."""
        return np.asarray(level_db + self.weight * (seen_db - level_db))

    def of(self, level_db: Floats) -> Integers:
        """States from 0, the worst, on, for levels (M, B)."""
        return np.asarray((level_db[:, None] >= self.edges_db[..., None]).sum(axis=1))


def decibels(system: System, gain: Floats) -> Floats:
    """Gains (M, ...) over the mean gains where the devices start, in decibels."""
    mean = system.mean_channel_gain().reshape(-1, *(1,) * (gain.ndim - 1))
    return np.asarray(10.0 * np.log10(np.maximum(gain / mean, _FAINTEST)))


def is_slow(system: System) -> bool:
    """Whether a period's channel tells anything about the next one's."""
    channel = system.channel
    correlated = channel.fading != "none" and channel.fading_correlation > 0.0
    return correlated or channel.shadowing_std_db > 0.0 or channel.walk_m_per_sqrt_s > 0.0


def channel_states(
    system: System, states: int, *, seed: int, slots: int, replications: int, traces: Sequence[Trace] = ()
) -> ChannelStates:
    """States that the channels of a system are in equally often; one where they are drawn and not slow.

    Parameters
    ----------
    system : System
    states : int
    seed, slots, replications : int
        Of the channels that are drawn.
    traces : sequence of Trace, optional
        Recorded channels to use in their place.
    """
    if states == 1 or not (traces or is_slow(system)):
        return ChannelStates(1.0, np.empty((len(system.devices), 0)))
    if traces:
        parts = [_period_means(system, trace.channel_gain[:slots, :, None]) for trace in traces]
        seen = np.concatenate(parts, axis=-1)
    else:
        streams = make_streams(system, seed, range(replications))
        gains = streams.draw_gains(0, slots).reshape(slots, len(system.devices), replications)
        seen = _period_means(system, gains)
    levels, weight = _best_levels(seen)
    shares = np.arange(1, states) / states
    edges = np.quantile(np.moveaxis(levels, 1, 0).reshape(seen.shape[1], -1), shares, axis=1)
    return ChannelStates(weight, np.ascontiguousarray(edges.T))


def _period_means(system: System, gains: Floats) -> Floats:
    """Decibels of the means of whole periods (P, M, B), from gains (T, M, B)."""
    length = system.slots_per_period
    periods = max(1, len(gains) // length)
    means = gains[: periods * length].reshape(periods, -1, *gains.shape[1:]).mean(axis=1)
    return np.moveaxis(decibels(system, np.moveaxis(means, 1, 0)), 0, 1)


def _best_levels(seen_db: Floats) -> tuple[Floats, float]:
    """The levels (P, M, B) by the weight that foretells what is seen (P, M, B) best, and that weight."""
    levels = np.zeros((*seen_db.shape, _WEIGHTS.size))
    level = np.zeros(levels.shape[1:])
    for period, seen in enumerate(seen_db):
        level = level + _WEIGHTS * (seen[..., None] - level)
        levels[period] = level
    misses = ((levels[:-1] - seen_db[1:, ..., None]) ** 2).mean(axis=(0, 1, 2))
    best = int(np.argmin(misses)) if len(seen_db) > 1 else 0
    return levels[..., best], float(_WEIGHTS[best])
