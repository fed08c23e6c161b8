"""The loop over slots in which prices weigh the services."""

from typing import Any, NamedTuple

from lyaopt._kernels.simulation.exact_allocation import BY_SHARES
from lyaopt._kernels.simulation.priced_cuts import Cuts, choose_cuts
from lyaopt._kernels.simulation.prices import Prices, weigh_by_prices
from lyaopt._kernels.simulation.share_allocation import allocate_by_shares
from lyaopt._kernels.simulation.slot_loop import slot_loop
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
from lyaopt._kernels.simulation.weighted_allocation import allocate_by_weights, weighted_workspace_size
from lyaopt._kernels.toolchain.jit import Kernel, helper


class PricedModel(NamedTuple):
    """A `Model`, whose weights of energy are 1, the prices that weigh services, and how these are cut."""

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
    prices: Any
    cuts: Any


FIELD_TYPES[PricedModel] = (*FIELD_TYPES[Model], Prices, Cuts)


@helper
def _allocate_by_prices(at, gain, backlog, model, state, tasks, allocation, workspace):
    """The allocation by prices, or by shares where a policy sets them."""
    b, slot = at
    queues, period = queues_of(state, b), model.cuts.period
    if period > 0 and slot % period == 0:
        choose_cuts(queues, model)
    if model.method == BY_SHARES:
        allocate_by_shares(b, backlog, gain, model, allocation)
        return
    weigh_by_prices(queues, model.prices, model.weights[b])
    allocate_by_weights(backlog, model.weights[b], gain, model, allocation, workspace)


def _signature():
    grown = "Tuple((i8[:,::1], i8[:,::1]))"
    plan = "i8[:,:,:,::1]"
    return compiled_signature(
        grown, Span, PricedModel, StreamModel, Trace, plan, ReplicationState, Tasks, Record
    )


_NAME = "advance_by_prices"
advance_by_prices = Kernel(_NAME, _signature, slot_loop(_NAME, _allocate_by_prices, weighted_workspace_size))
