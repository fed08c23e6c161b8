"""A guess of the gains to come from the gain of the last slot: by a scenario's law, or fitted to traces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.model.system import System
from lyaopt.simulation import Trace

_LOG_EXPONENTIAL = (-0.5772156649015329, math.pi**2 / 6.0)
"""Mean and variance of log beta, beta ~ Exp(1)."""
_LEAST_GAIN = 1e-300
_LEAST_RELATIVE_GAIN = 1e-10
"""Floor of the gains of a trace over their mean, as a gain of zero has no logarithm."""


@dataclass(frozen=True, eq=False)
class GainGuess:
    """The linear estimate of the mean log gain of coming slots from the log gain of the last one.

    Attributes
    ----------
    log_mean : ndarray (M,)
        Mean of the log gain of each device.
    weight : ndarray (M,)
        From 0 to 1: how far a deviation from the mean is expected to last.
    """

    log_mean: Floats
    weight: Floats

    def gain(self, last: Floats) -> Floats:
        """Estimate the geometric mean gain of the coming slots.

        Parameters
        ----------
        last : ndarray (M, B)
            Gains of the last slot.

        Returns
        -------
        ndarray (M, B)
        """
        weight = self.weight[:, None]
        prior = np.broadcast_to(self.log_mean[:, None], last.shape)
        with np.errstate(divide="ignore"):
            observed = np.where(weight > 0.0, np.log(last), prior)
        return np.asarray(np.exp((1.0 - weight) * prior + weight * observed))


def guess_of_law(system: System) -> GainGuess:
    """Guess by the channel model of a scenario.

    log h is the sum of a slow part of variance v and fading of variance w. The best linear estimate of the
    slow part moves from its mean by v / (v + w) of the observed deviation.

    Parameters
    ----------
    system : System
        Its channel model gives v and w.
    """
    channel = system.channel
    fading_mean, fading_variance = _LOG_EXPONENTIAL if channel.fading == "rayleigh" else (0.0, 0.0)
    slow_variance = (channel.shadowing_std_db * math.log(10.0) / 10.0) ** 2
    mean_gain = system.mean_channel_gain()
    if channel.walk_m_per_sqrt_s > 0.0:
        band = math.log(channel.walk_farthest_m / channel.walk_nearest_m)
        slow_variance += (channel.path_loss_exponent * band) ** 2 / 12.0
        middle_m = math.sqrt(channel.walk_nearest_m * channel.walk_farthest_m)
        mean_gain = np.full_like(mean_gain, channel.mean_gain(middle_m))
    weight = slow_variance / (slow_variance + fading_variance) if slow_variance > 0.0 else 0.0
    return GainGuess(np.log(mean_gain) + fading_mean, np.full(len(mean_gain), weight))


def guess_of_traces(system: System, traces: Sequence[Trace]) -> GainGuess:
    """Guess by least squares on traces: of the mean log gain of a period from the last slot before it.

    Parameters
    ----------
    system : System
        Gives G.
    traces : sequence of Trace
        At least one, of at least one slot.
    """
    logs = [_log_gains(trace.channel_gain) for trace in traces]
    pairs = [_pairs(log, system.slots_per_period) for log in logs]
    last, coming = (np.concatenate(values) for values in zip(*pairs, strict=True))
    weight = np.zeros(logs[0].shape[1])
    if len(last) > 1:
        variance = last.var(axis=0)
        shared = ((last - last.mean(axis=0)) * (coming - coming.mean(axis=0))).mean(axis=0)
        weight = np.clip(shared / np.where(variance > 0.0, variance, np.inf), 0.0, 1.0)
    return GainGuess(np.concatenate(logs).mean(axis=0), weight)


def _log_gains(gain: Floats) -> Floats:
    """Log gains (T, M) of a trace."""
    return np.log(np.maximum(gain, np.maximum(_LEAST_RELATIVE_GAIN * gain.mean(axis=0), _LEAST_GAIN)))


def _pairs(log: Floats, period_slots: int) -> tuple[Floats, Floats]:
    """Log gain of the last slot of each whole period, and mean log gain of the next one (P - 1, M)."""
    whole = len(log) // period_slots
    periods = log[: whole * period_slots].reshape(whole, period_slots, log.shape[1])
    return periods[:-1, -1], periods[1:].mean(axis=1)
