"""The loop over slots in which prices weigh the services."""

from typing import Any, NamedTuple

from lyaopt._kernels.simulation.busy_allocation import allocate_busy_lanes, busy_workspace
from lyaopt._kernels.simulation.exact_allocation import BY_SHARES
from lyaopt._kernels.simulation.measured_energies import set_whole_rates
from lyaopt._kernels.simulation.priced_cuts import Cuts, choose_cuts
from lyaopt._kernels.simulation.prices import Prices, weigh_by_prices
from lyaopt._kernels.simulation.share_allocation import allocate_by_shares
from lyaopt._kernels.simulation.slot_loop import slot_loop
from lyaopt._kernels.simulation.slow_channels import SlowChannels, channel_states, update_levels
from lyaopt._kernels.simulation.state_types import (
    FIELD_TYPES,
    Model,
    Record,
    ReplicationState,
    Span,
    StreamModel,
    Tasks,
    Trace,
    compiled_signature,
    queues_of,
)
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import Kernel, inline


class PricedModel(NamedTuple):
    """A `Model` whose weights of energy are 1.

    - `prices`: they weigh services.
    - `cuts`: how services are cut.
    - `slow`: see slow_channels.py; where there is more than one state, levels are in the memory of the state.
    - `channels` (b, L): workspace, the state of each channel.
    """

    method: Any
    scalars: Any
    devices: Any
    amounts: Any
    fractions: Any
    shares: Any
    weights: Any
    rule: Any
    failed: Any
    laws: Any
    sizes: Any
    prices: Any
    cuts: Any
    slow: Any
    channels: Any


FIELD_TYPES[PricedModel] = (*FIELD_TYPES[Model], Prices, Cuts, SlowChannels, "i8[:,::1]")


@inline
def levels_of(b, lanes, state):
    """Return the levels of slow channels (L,), in the memory of the state; nothing without memory."""
    memory = state.memory[b]
    return view_as(memory, (memory.size,))[:lanes]


@inline
def _prepare(at, gain, arrivals, model, state, tasks):
    """Choose the points of the tasks that come in a period, at its start."""
    b, begin, end = at
    set_whole_rates(gain, model.laws)
    period = model.cuts.period
    if period > 0 and begin % period == 0:
        channels = model.channels[b]
        channel_states(levels_of(b, channels.size, state), model.slow, channels)
        choose_cuts(queues_of(state, b), channels, arrivals, end - begin < period, model)


@inline
def _allocate_by_prices(at, gain, backlog, model, state, tasks, allocation, room):
    """The allocation by prices, or by shares where a policy sets them."""
    b, _ = at
    queues, channels = queues_of(state, b), model.channels[b]
    if model.slow.states > 1:
        levels = levels_of(b, gain.size, state)
        update_levels(gain, model.slow, levels)
        channel_states(levels, model.slow, channels)
    if model.method == BY_SHARES:
        allocate_by_shares(b, backlog, gain, model, allocation)
        return
    weigh_by_prices(queues, channels, model.prices, model.weights[b])
    allocate_busy_lanes(backlog, model.weights[b], gain, model, room.notes.queued, allocation, room.workspace)


def _signature():
    grown = "Tuple((i8[:,::1], i8[:,::1]))"
    plan = "i8[:,:,:,::1]"
    return compiled_signature(
        grown, Span, PricedModel, StreamModel, Trace, plan, ReplicationState, Tasks, Record
    )


_NAME = "advance_by_prices"
advance_by_prices = Kernel(_NAME, _signature, slot_loop(_NAME, _allocate_by_prices, busy_workspace, _prepare))
