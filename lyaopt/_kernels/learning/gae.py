"""Generalised advantage estimation over a rollout of many environments (Schulman et al. 2016)."""

from lyaopt._kernels.toolchain.jit import Kernel

_SIGNATURE = "void(f4[:,::1], f4[:,::1], f4[:,::1], b1[:,::1], f8[::1], f8, f4[:,::1])"


def _advantages(reward, value, following, ended, discount, decay, out):
    """Write advantages of T decisions in B environments into `out`; arrays are (T, B), `discount` is (B,).

    `following` is V of the state that followed: of the last state of an episode that was truncated by a time
    limit, and 0 where the episode terminated. With d = reward + discount following - value,

        A[t] = d[t] + discount decay A[t + 1]   within an episode, and d[t] at its end and in the last row.
    """
    steps, environments = reward.shape
    for b in range(environments):
        last = reward[steps - 1, b] + discount[b] * following[steps - 1, b]
        out[steps - 1, b] = last - value[steps - 1, b]
    for t in range(steps - 2, -1, -1):
        for b in range(environments):
            difference = reward[t, b] + discount[b] * following[t, b] - value[t, b]
            later = 0.0 if ended[t, b] else discount[b] * decay * out[t + 1, b]
            out[t, b] = difference + later


advantages = Kernel("advantages", _SIGNATURE, _advantages)
