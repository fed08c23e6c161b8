"""Channel gains: each lane's mean gain times fading, shadowing, and the distance of a walking device.

Slow processes keep their value of the slot drawn last in `channel` (CHANNEL_ROWS, L); slot 0 starts them
anew, whatever it holds. Each is driven by normal numbers made from two rows of `uniforms`.
"""

import math

import numpy as np

from lyaopt._kernels.numerics.elementary import log
from lyaopt._kernels.rng.normal import normal_pair
from lyaopt._kernels.rng.uniforms import (
    CORRELATED_FADING,
    FADING,
    SHADOWS,
    STEPS,
    counters_of,
    fill_uniforms,
    pairs_of,
)
from lyaopt._kernels.simulation.state_types import StreamKeys, compiled_signature
from lyaopt._kernels.simulation.stream_options import (
    AMPLITUDE_IMAGINARY,
    AMPLITUDE_REAL,
    DISTANCE,
    FADING_CORRELATION,
    FARTHEST,
    NEAREST,
    PATH_LOSS,
    RAYLEIGH,
    SHADOW,
    SHADOWING,
    SHADOWING_CORRELATION,
    STEP,
)
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline, lane_loop


@lane_loop
def exponential_gains(uniforms):
    """Turn uniforms into gains over their mean: Exp(1), as of Rayleigh fading that is new in each slot."""
    for t in range(uniforms.size):
        uniforms[t] = -log(uniforms[t])


@inline
def _innovation(correlation):
    """Return what multiplies the noise of an autoregression whose variance stays 1."""
    return math.sqrt((1.0 - correlation) * (1.0 + correlation))


@helper
def correlated_fading(slot, uniforms, options, channel, gains):
    """Multiply by |A|^2 of a complex normal amplitude A with E|A|^2 = 1, a first-order autoregression."""
    correlation = options[FADING_CORRELATION] if slot > 0 else 0.0
    noise = _innovation(correlation)
    for t in range(gains.size):
        x, y = normal_pair(uniforms[0, t], uniforms[1, t])
        real, imaginary = noise * x, noise * y
        if slot > 0:
            real += correlation * channel[AMPLITUDE_REAL, t]
            imaginary += correlation * channel[AMPLITUDE_IMAGINARY, t]
        channel[AMPLITUDE_REAL, t] = real
        channel[AMPLITUDE_IMAGINARY, t] = imaginary
        gains[t] *= 0.5 * (real * real + imaginary * imaginary)


@helper
def shadowing(slot, uniforms, options, channel, gains):
    """Multiply by e^(s X) of a standard normal first-order autoregression X."""
    correlation = options[SHADOWING_CORRELATION]
    noise = _innovation(correlation)
    for t in range(gains.size):
        x, _ = normal_pair(uniforms[0, t], uniforms[1, t])
        if slot > 0:
            x = correlation * channel[SHADOW, t] + noise * x
        channel[SHADOW, t] = x
        gains[t] *= math.exp(options[SHADOWING] * x)


@inline
def _reflect(distance, nearest, farthest):
    """Return a distance folded into the range, as mirrors at both ends would."""
    span = farthest - nearest
    beyond = distance - nearest
    beyond -= 2.0 * span * np.floor(beyond / (2.0 * span))
    folded = nearest + (beyond if beyond <= span else 2.0 * span - beyond)
    return min(max(folded, nearest), farthest)


@helper
def walk(slot, uniforms, lane_distance, options, channel, gains):
    """Move the devices from their `lane_distance` of slot 0, and multiply by (lane_distance / d)^d_e."""
    nearest, farthest = options[NEAREST], options[FARTHEST]
    for t in range(gains.size):
        distance = lane_distance[t]
        if slot > 0:
            x, _ = normal_pair(uniforms[0, t], uniforms[1, t])
            distance = channel[DISTANCE, t] + options[STEP] * x
            if distance < nearest or distance > farthest:
                distance = _reflect(distance, nearest, farthest)
        channel[DISTANCE, t] = distance
        gains[t] *= math.exp(options[PATH_LOSS] * log(lane_distance[t] / distance))


@lane_loop
def _copy(source, target):
    for t in range(target.size):
        target[t] = source[t]


@lane_loop
def _scale(factor, mean, gain):
    for t in range(gain.size):
        gain[t] = factor[t] * mean[t]


@helper
def _independent_fading(counters, start, lane_gain, gains):
    """Draw all slots at once."""
    lanes, first = lane_gain.size, start >> 1
    uniforms = np.empty((2, lanes * pairs_of(start, gains.shape[0])))
    fill_uniforms(counters, first, 0, FADING, uniforms)
    exponential_gains(view_as(uniforms, (uniforms.size,)))
    for t in range(gains.shape[0]):
        slot = start + t
        at = ((slot >> 1) - first) * lanes
        _scale(uniforms[slot & 1, at : at + lanes], lane_gain, gains[t])


@helper
def _slow_factors(counters, slot, lane_distance, options, channel, uniforms, gains):
    """Multiply a row of gains by what goes on from one slot to the next."""
    if options[RAYLEIGH] != 0.0 and options[FADING_CORRELATION] > 0.0:
        fill_uniforms(counters, slot, 0, CORRELATED_FADING, uniforms)
        correlated_fading(slot, uniforms, options, channel, gains)
    if options[SHADOWING] > 0.0:
        fill_uniforms(counters, slot, 0, SHADOWS, uniforms)
        shadowing(slot, uniforms, options, channel, gains)
    if options[STEP] > 0.0:
        fill_uniforms(counters, slot, 0, STEPS, uniforms)
        walk(slot, uniforms, lane_distance, options, channel, gains)


def _draw_gains(keys, start, lane_gain, lane_distance, options, channel, gains):
    """Write `gains` (count, L) of the slots from `start` on; `channel` (CHANNEL_ROWS, L) is updated.

    `lane_gain` (L,) is the mean gain at `lane_distance` (L,), where a walking device starts.
    """
    counters = counters_of(keys, pairs_of(start, gains.shape[0]))
    independent = options[RAYLEIGH] != 0.0 and options[FADING_CORRELATION] == 0.0
    if independent:
        _independent_fading(counters, start, lane_gain, gains)
        if options[SHADOWING] == 0.0 and options[STEP] == 0.0:
            return
    uniforms = np.empty((2, lane_gain.size))
    for t in range(gains.shape[0]):
        if not independent:
            _copy(lane_gain, gains[t])
        _slow_factors(counters, start + t, lane_distance, options, channel, uniforms, gains[t])


def _signature():
    row, rows = "f8[::1]", "f8[:,::1]"
    return compiled_signature("void", StreamKeys, "i8", row, row, row, rows, rows)


draw_gains = helper(_draw_gains)  # for kernels that simulate
gains_of_slots = Kernel("gains_of_slots", _signature, _draw_gains)
