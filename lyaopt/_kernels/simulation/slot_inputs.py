"""What slots bring, drawn or replayed for several periods at once: few lanes alone fill no vector."""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.channel import draw_gains
from lyaopt._kernels.simulation.state_types import StreamKeys
from lyaopt._kernels.simulation.traffic import draw_arrivals
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_ITEMS = 1024  # arrivals of a block that are drawn together, where a period has fewer


class Inputs(NamedTuple):
    """What slots bring to a block: `gain` (C, L), `arrivals` (C, N, L), `coming` (C,) tasks in all lanes."""

    gain: Any
    arrivals: Any
    coming: Any


@inline
def slots_at_once(span, services, lanes):
    """Return C, of how many slots inputs are drawn at once: whole periods."""
    period = span.slots_per_period
    return period * max(1, _ITEMS // (period * services * lanes))


@helper
def new_inputs(span, services, lanes):
    """Return room for the inputs of `slots_at_once`, or of the whole span if it is shorter."""
    slots = min(slots_at_once(span, services, lanes), span.stop - span.start)
    arrivals = np.empty((slots, services, lanes), np.int64)
    return Inputs(np.empty((slots, lanes)), arrivals, np.empty(slots, np.int64))


@helper
def _replay(b, begin, trace, gain, arrivals):
    """Copy the slots of a trace from `begin` on into the lanes of block `b`."""
    slots, services, lanes = arrivals.shape
    length, width = trace.gain.shape[0], trace.starts.shape[1]
    for s in range(slots):
        for t in range(lanes):
            place, m = (begin + s + trace.starts[b, t % width]) % length, t // width
            gain[s, t] = trace.gain[place, m]
            for n in range(services):
                arrivals[s, n, t] = trace.arrivals[place, n, m]


@lane_loop
def _total(counts):
    total = 0
    for t in range(counts.size):
        total += counts[t]
    return total


@helper
def set_inputs(at, streams, trace, state, inputs):
    """Write the gains and arrivals of the slots of `at` (block, first, stop): of the trace, or drawn.

    Return how many tasks come.
    """
    b, begin, end = at
    gain, arrivals = inputs.gain[: end - begin], inputs.arrivals[: end - begin]
    if trace.gain.shape[0] > 0:
        _replay(b, begin, trace, gain, arrivals)
    else:
        keys = StreamKeys(streams.seed, streams.lane_replication[b], streams.lane_device)
        lane_gain, lane_distance, options = streams.lane_gain, streams.lane_distance, streams.options
        draw_gains(keys, begin, lane_gain, lane_distance, options, state.channel[b], gain)
        draw_arrivals(keys, begin, streams.lane_mean, options, streams.laws, state.busy[b], arrivals)
    coming = 0
    for s in range(end - begin):
        inputs.coming[s] = _total(view_as(arrivals[s], (arrivals[s].size,)))
        coming += inputs.coming[s]
    return coming
