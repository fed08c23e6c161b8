"""Independent categorical choices from logits: draws, log-probabilities, entropies and their gradient.

Of n rows, S services and K + 1 cuts, in single precision. A logit of about -1e9 is a cut that may not be
chosen: its probability is exactly 0.
"""

import math

import numpy as np

from lyaopt._kernels.numerics.single import exp_single
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_NEVER = np.float32(-80.0)  # logits so far below the largest count as probability 0
_FOUR = 4


@lane_loop
def _exponentials(logits, largest, out):
    for k in range(logits.size):
        below = logits[k] - largest
        out[k] = _ZERO if below < _NEVER else exp_single(below)


@lane_loop
def _subtract(logits, largest, log_total, out):
    for k in range(logits.size):
        out[k] = (logits[k] - largest) - log_total


@helper
def _largest(values):
    """Return the largest of `values`, or NaN where one is NaN."""
    a = b = c = d = values[0]
    whole = values.size // _FOUR * _FOUR
    for k in range(0, whole, _FOUR):  # four at a time: each waits for the one before it
        a = a if a > values[k] else values[k]
        b = b if b > values[k + 1] else values[k + 1]
        c = c if c > values[k + 2] else values[k + 2]
        d = d if d > values[k + 3] else values[k + 3]
    for k in range(whole, values.size):
        a = a if a > values[k] else values[k]
    a, c = a if a > b else b, c if c > d else d
    return a if a > c else c


@helper
def _sum_up(weights):
    """Replace `weights` (n,) by their sums up to each, and return the last one."""
    total = _ZERO
    for k in range(weights.size):
        total += weights[k]
        weights[k] = total
    return total


def _draw_cuts(logits, uniform, cuts, log_probability):
    """Draw `cuts` (n, S) from `logits` (n, S, K + 1), and write their `log_probability` (n, S).

    `uniform` (n, S) is in [0, 1). The cumulative distribution is inverted at 1 - u, in (0, 1]: 0 would take
    the first cut even where it is masked. Scaled by the total, no draw lies beyond the last cut.
    """
    sums = np.empty(logits.shape[2], np.float32)
    for i in range(cuts.shape[0]):
        for s in range(cuts.shape[1]):
            row = logits[i, s]
            largest = _largest(row)
            _exponentials(row, largest, sums)
            total = _sum_up(sums)
            draw, cut = (_ONE - uniform[i, s]) * total, 0
            for k in range(sums.size - 1):
                cut += sums[k] < draw
            cuts[i, s] = cut
            log_probability[i, s] = (row[cut] - largest) - np.float32(math.log(total))


def _judge_cuts(logits, cuts, needed, all_log_probabilities, log_probability, entropy):
    """Write log p of `cuts` (n, S) and entropies (n, S) where `needed` (n, S), else 0.

    `all_log_probabilities` (n, S, K + 1) are kept for the gradient, and written where needed only.
    """
    weights = np.empty(logits.shape[2], np.float32)
    for i in range(cuts.shape[0]):
        for s in range(cuts.shape[1]):
            log_probability[i, s], entropy[i, s] = _ZERO, _ZERO
            if not needed[i, s]:
                continue
            all_of = all_log_probabilities[i, s]
            largest = _largest(logits[i, s])
            _exponentials(logits[i, s], largest, weights)
            _subtract(logits[i, s], largest, np.float32(math.log(_sum_up(weights))), all_of)
            _exponentials(all_of, _ZERO, weights)
            log_probability[i, s] = all_of[cuts[i, s]]
            total = 0.0
            for k in range(weights.size):
                total -= weights[k] * all_of[k]
            entropy[i, s] = total


@lane_loop
def _gradient_of_logits(log_probabilities, by_log_probability, entropy, by_entropy, out):
    for k in range(out.size):
        log_p = log_probabilities[k]
        p = _ZERO if log_p < _NEVER else exp_single(log_p)
        out[k] = -p * (by_log_probability + by_entropy * (log_p + entropy))


def _judge_cuts_gradient(cuts, needed, all_log_probabilities, entropy, upstream, gradient):
    """Write the `gradient` (n, S, K + 1) of logits from those of log-probability and entropy (2, n, S).

    With p = softmax(z): d log p_a / dz_k = [k = a] - p_k and dH / dz_k = -p_k (log p_k + H).
    """
    gradient[:] = _ZERO
    for i in range(cuts.shape[0]):
        for s in range(cuts.shape[1]):
            if needed[i, s]:
                by_log_probability, by_entropy = upstream[0, i, s], upstream[1, i, s]
                logs, out = all_log_probabilities[i, s], gradient[i, s]
                _gradient_of_logits(logs, by_log_probability, entropy[i, s], by_entropy, out)
                out[cuts[i, s]] += by_log_probability


_TABLE, _ROWS, _CUTS, _FLAGS = "f4[:,:,::1]", "f4[:,::1]", "i8[:,::1]", "b1[:,::1]"

draw_cuts = Kernel("draw_cuts", f"void({_TABLE}, {_ROWS}, {_CUTS}, {_ROWS})", _draw_cuts)
judge_cuts = Kernel(
    "judge_cuts", f"void({_TABLE}, {_CUTS}, {_FLAGS}, {_TABLE}, {_ROWS}, {_ROWS})", _judge_cuts
)
judge_cuts_gradient = Kernel(
    "judge_cuts_gradient",
    f"void({_CUTS}, {_FLAGS}, {_TABLE}, {_ROWS}, {_TABLE}, {_TABLE})",
    _judge_cuts_gradient,
)
