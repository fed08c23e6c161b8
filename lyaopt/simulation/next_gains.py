"""Channel gains of a slot before it is simulated."""

from __future__ import annotations

import numpy as np

from lyaopt._kernels.simulation.channel import gains_of_slots
from lyaopt._kernels.simulation.state_types import StreamKeys, StreamModel
from lyaopt.arrays import Floats
from lyaopt.simulation.layout import Layout


def drawn_gains(streams: StreamModel, channel: Floats, slot: int, layout: Layout) -> Floats:
    """Draw the gains of a slot as the slot itself will draw them.

    Parameters
    ----------
    streams : StreamModel
        As the kernels take it.
    channel : ndarray (blocks, CHANNEL_ROWS, L)
        State of the channels after the slot before; not changed.
    slot : int
        Its number.
    layout : Layout
        Of the state.

    Returns
    -------
    ndarray (M, B)
    """
    gain = np.empty((layout.blocks, 1, layout.lanes))
    for b in range(layout.blocks):
        keys = StreamKeys(streams.seed, streams.lane_replication[b], streams.lane_device)
        means = streams.lane_gain, streams.lane_distance
        gains_of_slots(keys, slot, *means, streams.options, channel[b].copy(), gain[b])
    drawn: Floats = layout.by_device(gain)[0]
    return drawn
