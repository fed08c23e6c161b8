"""States of slow channels: a filter on the logarithm of the gain, shadowing through fading.

The level of a channel is the estimate of the natural logarithm of its shadowing. From slot to slot it falls
back by a correlation, and moves by a share of what the gain of the slot deviates: the Kalman filter of a
first-order autoregression, in its steady state.
"""

import math
from typing import Any, NamedTuple

from lyaopt._kernels.simulation.state_types import FIELD_TYPES
from lyaopt._kernels.toolchain.jit import helper


class SlowChannels(NamedTuple):
    """The filter, and the states of a level.

    - `mean_log` (M,): mean logarithm of the gain.
    - `share`: of the deviation that the level takes over.
    - `correlation`: of the shadowing, from one slot to the next.
    - `per_nat`: states for a change of the level by 1.
    - `states`: their number, odd; the middle one is that of level 0. 1 without a filter.
    """

    mean_log: Any
    share: Any
    correlation: Any
    per_nat: Any
    states: Any


FIELD_TYPES[SlowChannels] = ("f8[::1]", "f8", "f8", "f8", "i8")


@helper
def channel_states(levels, slow, states):
    """Write the state of each channel (L,), from its level; where there is one state it stays 0."""
    middle = slow.states // 2
    if slow.states == 1:
        return
    for lane in range(states.size):
        place = middle + math.floor(levels[lane] * slow.per_nat + 0.5)
        states[lane] = int(min(max(place, 0), slow.states - 1))


@helper
def update_levels(gain, slow, levels):
    """Update the levels (L,) by the gains of a slot."""
    width = levels.size // slow.mean_log.size
    for lane in range(levels.size):
        level = slow.correlation * levels[lane]
        if gain[lane] > 0.0:
            level += slow.share * (math.log(gain[lane]) - slow.mean_log[lane // width] - level)
        levels[lane] = level
