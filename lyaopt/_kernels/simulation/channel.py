"""What multiplies a lane's mean gain: fading, shadowing, and where a walking device is.

Slow processes keep their value of the slot drawn last in `state` (CHANNEL_ROWS, L); in slot 0 they start
afresh, whatever it holds. Each moves by normal numbers from two rows of `uniforms`, drawn for it.
"""

import math

import numpy as np

from lyaopt._kernels.numerics.elementary import log
from lyaopt._kernels.rng.normal import normal_pair
from lyaopt._kernels.rng.uniforms import CORRELATED_FADING, FADING, SHADOWS, STEPS, fill_uniforms
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
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline, lane_loop


@lane_loop
def exponential_gains(mean, uniforms, gains):
    """Write the gains of Rayleigh fading that is drawn anew: Exp(1) times the mean."""
    for t in range(gains.size):
        gains[t] = -log(uniforms[t]) * mean[t]


@inline
def _innovation(correlation):
    """Return what multiplies the noise of an autoregression whose variance stays 1."""
    return math.sqrt((1.0 - correlation) * (1.0 + correlation))


@helper
def correlated_fading(slot, uniforms, options, state, gains):
    """Multiply by |A|^2 of a complex normal amplitude A, E|A|^2 = 1, an autoregression of first order."""
    correlation = options[FADING_CORRELATION] if slot > 0 else 0.0
    noise = _innovation(correlation)
    for t in range(gains.size):
        x, y = normal_pair(uniforms[0, t], uniforms[1, t])
        real, imaginary = noise * x, noise * y
        if slot > 0:
            real += correlation * state[AMPLITUDE_REAL, t]
            imaginary += correlation * state[AMPLITUDE_IMAGINARY, t]
        state[AMPLITUDE_REAL, t] = real
        state[AMPLITUDE_IMAGINARY, t] = imaginary
        gains[t] *= 0.5 * (real * real + imaginary * imaginary)


@helper
def shadowing(slot, uniforms, options, state, gains):
    """Multiply by e^(s X) of a standard normal autoregression X of first order."""
    correlation = options[SHADOWING_CORRELATION]
    noise = _innovation(correlation)
    for t in range(gains.size):
        x, _ = normal_pair(uniforms[0, t], uniforms[1, t])
        if slot > 0:
            x = correlation * state[SHADOW, t] + noise * x
        state[SHADOW, t] = x
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
def walk(slot, uniforms, lane_distance, options, state, gains):
    """Move the devices from their `lane_distance` of slot 0, and multiply by (lane_distance / d)^d_e."""
    nearest, farthest = options[NEAREST], options[FARTHEST]
    for t in range(gains.size):
        distance = lane_distance[t]
        if slot > 0:
            x, _ = normal_pair(uniforms[0, t], uniforms[1, t])
            distance = state[DISTANCE, t] + options[STEP] * x
            if distance < nearest or distance > farthest:
                distance = _reflect(distance, nearest, farthest)
        state[DISTANCE, t] = distance
        gains[t] *= math.exp(options[PATH_LOSS] * log(lane_distance[t] / distance))


@lane_loop
def _copy(source, target):
    for t in range(target.size):
        target[t] = source[t]


@helper
def _independent_fading(seed, start, lane_system, lane_device, lane_gain, uniforms, gains):
    for t in range(gains.shape[0]):
        slot = start + t
        if t == 0 or slot & 1 == 0:
            fill_uniforms(seed, slot >> 1, 0, FADING, lane_system, lane_device, uniforms)
        exponential_gains(lane_gain, uniforms[slot & 1], gains[t])


@helper
def _slow_factors(seed, slot, lane_system, lane_device, lane_distance, options, state, uniforms, gains):
    """Multiply a row of gains by what goes on from one slot to the next."""
    if options[RAYLEIGH] != 0.0 and options[FADING_CORRELATION] > 0.0:
        fill_uniforms(seed, slot, 0, CORRELATED_FADING, lane_system, lane_device, uniforms)
        correlated_fading(slot, uniforms, options, state, gains)
    if options[SHADOWING] > 0.0:
        fill_uniforms(seed, slot, 0, SHADOWS, lane_system, lane_device, uniforms)
        shadowing(slot, uniforms, options, state, gains)
    if options[STEP] > 0.0:
        fill_uniforms(seed, slot, 0, STEPS, lane_system, lane_device, uniforms)
        walk(slot, uniforms, lane_distance, options, state, gains)


def _draw_gains(seed, start, lane_system, lane_device, lane_gain, lane_distance, options, state, gains):
    """Write `gains` (count, L) of the slots from `start` on; `state` (CHANNEL_ROWS, L) goes with them.

    `lane_gain` (L,) is the mean gain at `lane_distance` (L,), where a walking device starts. The seed is
    uint64.
    """
    uniforms = np.empty((2, lane_gain.size))
    independent = options[RAYLEIGH] != 0.0 and options[FADING_CORRELATION] == 0.0
    if independent:
        _independent_fading(seed, start, lane_system, lane_device, lane_gain, uniforms, gains)
    for t in range(gains.shape[0]):
        if not independent:
            _copy(lane_gain, gains[t])
        _slow_factors(
            seed,
            start + t,
            lane_system,
            lane_device,
            lane_distance,
            options,
            state,
            uniforms,
            gains[t],
        )


draw_gains = helper(_draw_gains)  # for kernels that simulate
gains_of_slots = Kernel(
    "gains_of_slots",
    "void(u8, i8, u4[::1], u4[::1], f8[::1], f8[::1], f8[::1], f8[:,::1], f8[:,::1])",
    _draw_gains,
)
