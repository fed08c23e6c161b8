"""What begins and ends with a period: points in force, and sums."""

from lyaopt._kernels.simulation.sums import PRESENT, add_gains, begin_period, end_period, flat
from lyaopt._kernels.toolchain.jit import helper, lane_loop


@lane_loop
def _copy(source, target):
    for t in range(target.size):
        target[t] = source[t]


@helper
def open_period(b, slot, span, plan, state):
    """If a period begins with `slot`, put its points in force in block `b` and start its sums."""
    if slot % span.slots_per_period == 0:
        line = slot // span.slots_per_period - span.start // span.slots_per_period
        _copy(flat(plan[min(line, plan.shape[0] - 1), b]), flat(state.points[b]))
        begin_period(b, state.sums)


@helper
def close_period(b, end, span, gain, state):
    """Add up the gains (G, L) of slots before `end`, with which a period may end; keep those of the last."""
    add_gains(gain, state.sums.devices[b, PRESENT])
    if end % span.slots_per_period == 0:
        end_period(b, state.sums)
    _copy(gain[gain.shape[0] - 1], state.last_gain[b])


@helper
def end_of_period(slot, end, span):
    """Return the slot where the period of `slot` ends, or `end` if that comes first."""
    return min(end, slot - slot % span.slots_per_period + span.slots_per_period)
