"""Poisson counts: by inversion of one uniform below mean 10, by transformed rejection from there on.

Inversion works from the upper tail, so that a small uniform means many: a mean near zero, the common
case, is decided by comparing the uniform with P(K >= 1) in full relative precision.
"""

import math

import numpy as np

from lyaopt._kernels.numerics.elementary import expm1
from lyaopt._kernels.rng.uniforms import ATTEMPTS, REJECTION, uniform_pair
from lyaopt._kernels.toolchain.jit import helper, inline

_INVERSION_BELOW = 10.0  # the rejection method needs at least this mean
_NEGLIGIBLE = 2.0**-64  # against the least uniform, 2^-53
_STIRLING_FROM = 16.0
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@inline
def chance_of_any(mean):
    """Return P(K >= 1), or 1 where the mean is left to the rejection method."""
    below = mean if mean < _INVERSION_BELOW else _INVERSION_BELOW
    return -expm1(-below) if mean < _INVERSION_BELOW else 1.0


@inline
def _invert(mean, u, chance):
    """Return the largest k with P(K >= k) > u, given that P(K >= 1) = chance > u."""
    k = 1
    term = mean * math.exp(-mean)
    tail = chance - term
    # rounding may leave the tail above a least uniform for ever
    while u < tail and term > _NEGLIGIBLE:
        k += 1
        term *= mean / k
        tail -= term
    return k


@inline
def _log_probability(k, mean):
    """Return ln P(K = k) for a whole float k >= 0.

    From 16 on as the distance from the mean and Stirling's series (Loader 2000): in the plain formula
    terms of size `mean` cancel.
    """
    if k < _STIRLING_FROM:
        return k * math.log(mean) - mean - math.lgamma(k + 1.0)
    x = (k - mean) / mean
    distance = mean * ((1.0 + x) * math.log1p(x) - x)
    inverse = 1.0 / k
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680))))
    return -distance - series - 0.5 * math.log(k) - _HALF_LOG_TWO_PI


@inline
def _accepted(k, mean, us, v, a, b):
    """Return whether a candidate passes the test of the rejection method."""
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    hat = math.log(v * inverse_alpha / (a / (us * us) + b))
    return hat <= _log_probability(k, mean)


@inline
def _reject(mean, seed, slot, replication, device, service):
    """Return a count for a mean of 10 or more (Hörmann 1993, algorithm PTRS)."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    k = 0.0
    # Nine candidates in ten pass, so that the attempts never run out.
    for attempt in range(ATTEMPTS):
        stream = REJECTION + np.uint64(attempt)
        u, v = uniform_pair(seed, slot, replication, device, service, stream)
        us = 0.5 - abs(u - 0.5)
        k = np.floor((2.0 * a / us + b) * (u - 0.5) + mean + 0.43)
        if us >= 0.07 and v <= squeeze:
            break
        if k >= 0.0 and (us >= 0.013 or v <= us) and _accepted(k, mean, us, v, a, b):
            break
    return np.int64(k)


@helper
def poisson(mean, u, chance, seed, slot, replication, device, service):
    """Return a count >= 1 by inversion, where u < chance = chance_of_any(mean), or one by rejection.

    The rejection method leaves `u` and draws further uniforms with the keys given.
    """
    if mean < _INVERSION_BELOW:
        return np.int64(_invert(mean, u, chance))
    return _reject(mean, seed, slot, replication, device, service)
