"""The clipped objective (37) of PPO and the critic's error, with their gradients, in double precision."""

import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.state_types import FIELD_TYPES, compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper

OBJECTIVE, VALUE_LOSS, ENTROPY, DIVERGENCE, CLIPPED = range(5)
_LEAST_VARIANCE = 1e-16


class Judged(NamedTuple):
    """Actions of a minibatch, n rows of C parts; with joint credit, all parts of a row are one.

    - `log_probability`, `entropy` (n, C): of the present policy.
    - `before` (n, C): log-probabilities when the actions were drawn.
    - `met` (n, C): which parts had an effect; others do not count.
    - `advantage` (n, C): with joint credit, column 0 is that of the row.
    """

    log_probability: Any
    entropy: Any
    before: Any
    met: Any
    advantage: Any


class Rules(NamedTuple):
    """Settings of the objective.

    - `joint`: whether the ratio is that of the whole action.
    - `normalise`: whether advantages are shifted and scaled to mean 0 and deviation 1.
    - `clip_range`: epsilon.
    - `bonus`: weight of the entropy.
    """

    joint: Any
    normalise: Any
    clip_range: Any
    bonus: Any


FIELD_TYPES[Judged] = ("f8[:,::1]",) * 3 + ("b1[:,::1]", "f8[:,::1]")
FIELD_TYPES[Rules] = ("b1", "b1", "f8", "f8")


@helper
def _ratios(rules, judged, log_ratio, advantage):
    """Write the logarithms of ratios and the advantages that count, and return their number."""
    now, _, before, met, given = judged
    count = 0
    for i in range(now.shape[0]):
        if rules.joint:
            log_ratio[count], advantage[count] = 0.0, given[i, 0]
            for c in range(now.shape[1]):
                log_ratio[count] += now[i, c] - before[i, c]
            count += 1
            continue
        for c in range(now.shape[1]):
            if met[i, c]:
                log_ratio[count], advantage[count] = now[i, c] - before[i, c], given[i, c]
                count += 1
    return count


@helper
def _normalise(values):
    """Shift and scale `values` (n,) to mean 0 and deviation 1."""
    count = max(1, values.size)
    mean = values.sum() / count
    square = 0.0
    for k in range(values.size):
        values[k] -= mean
        square += values[k] * values[k]
    values *= 1.0 / math.sqrt(square / count + _LEAST_VARIANCE)


@helper
def _clipped(clip, log_ratio, advantage, parts):
    """Add up what is logged in `parts`, and replace each `log_ratio` by the objective's slope in it."""
    for k in range(log_ratio.size):
        ratio = math.exp(log_ratio[k])
        within = min(max(ratio, 1.0 - clip), 1.0 + clip)
        gain, limited = ratio * advantage[k], within * advantage[k]
        parts[OBJECTIVE] += limited if limited < gain else gain
        parts[DIVERGENCE] += ratio - 1.0 - log_ratio[k]
        parts[CLIPPED] += abs(ratio - 1.0) > clip
        # Where clipping does not change the ratio both are equal, and the slope is that of either.
        log_ratio[k] = 0.0 if limited < gain else gain


@helper
def _spread(rules, judged, slopes, parts, gradient):
    """Write the `gradient` (2, n, C) of -(objective + bonus entropy), and add up the entropy."""
    _, entropy, _, met, _ = judged
    rows, width = entropy.shape
    count = max(1, slopes.size)
    entropies = max(1, rows * width) if rules.joint else count
    k = 0
    for i in range(rows):
        for c in range(width):
            if rules.joint or met[i, c]:
                gradient[0, i, c] = -slopes[k] / count
                gradient[1, i, c] = -rules.bonus / entropies
                parts[ENTROPY] += entropy[i, c] / entropies
                k += not rules.joint
        k += rules.joint


def _clipped_objective(rules, judged, parts, gradient):
    """Write `parts` (5,) except the value loss, and the `gradient` (2, n, C) of -(objective + bonus entropy).

    With g the ratio of probabilities, the objective is the mean of min(g A, clip(g, 1 - eps, 1 + eps) A). The
    gradient is that by log-probabilities, then by entropies.
    """
    log_ratio, advantage = np.empty(judged.met.size), np.empty(judged.met.size)
    count = _ratios(rules, judged, log_ratio, advantage)
    log_ratio, advantage = log_ratio[:count], advantage[:count]
    if rules.normalise:
        _normalise(advantage)
    parts[:] = 0.0
    gradient[:] = 0.0
    _clipped(rules.clip_range, log_ratio, advantage, parts)
    for part in (OBJECTIVE, DIVERGENCE, CLIPPED):
        parts[part] /= max(1, count)
    _spread(rules, judged, log_ratio, parts, gradient)


def _signature():
    return compiled_signature("void", Rules, Judged, "f8[::1]", "f8[:,:,::1]")


clipped_objective = Kernel("clipped_objective", _signature, _clipped_objective)
