"""Arrivals of a block of lanes, for a number of consecutive slots.

Draws are keyed by (seed, replication, device, service, slot), see uniforms.py: they are the same for every
policy, batch and block. `options` (OPTIONS,) holds what stream_options.py names. The caller keeps `busy`:
slot 0 sets it, and each later slot continues from the slot before, which must be the last one drawn.
"""

import numpy as np

from lyaopt._kernels.rng.poisson import chance_of_any, poisson
from lyaopt._kernels.rng.uniforms import (
    ARRIVALS,
    BURSTS,
    counters_of,
    fill_uniforms,
    pairs_of,
)
from lyaopt._kernels.simulation.arrival_laws import draw_by_laws, restore_on_off
from lyaopt._kernels.simulation.state_types import ArrivalLaws, StreamKeys, compiled_signature
from lyaopt._kernels.simulation.stream_options import (
    BUSY_AFTER_BUSY,
    BUSY_AFTER_QUIET,
    BUSY_FACTOR,
    BUSY_SHARE,
    QUIET_FACTOR,
)
from lyaopt._kernels.slot.blocks import fill
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline, lane_loop

_BATCH = 32  # uniforms that are looked through together: few of them bring tasks


@lane_loop
def _rates(mean, factors, busy, now, chance):
    """Write each lane's mean in this slot and its chance of any task; `factors` are quiet, busy."""
    quiet_factor, busy_factor = factors
    for t in range(now.size):
        now[t] = mean[t] * (busy_factor if busy[t] else quiet_factor)
        chance[t] = chance_of_any(now[t])


@lane_loop
def _switch(uniforms, after_quiet, after_busy, busy):
    """Switch services to busy or quiet, given the probabilities of busy after quiet and after busy."""
    for t in range(busy.size):
        busy[t] = uniforms[t] < (after_busy if busy[t] else after_quiet)


@lane_loop
def _hits(uniforms, chance):
    """Return how many uniforms bring tasks."""
    hits = 0
    for t in range(uniforms.size):
        hits += 1 if uniforms[t] < chance[t] else 0
    return hits


@inline
def _tasks(counters, i, slot, service, mean, u, chance):
    """Return how many tasks a uniform below its chance brings, the i-th of its stream."""
    replication, device = counters.replication[i], counters.device[i]
    return poisson(mean, u, chance, counters.seed, slot, replication, device, service)


@helper
def _update_busy(slot, options, uniforms, busy):
    """Bring a row of `busy` to a slot."""
    if slot == 0:
        fill(busy, busy.size, False)
    after_quiet = options[BUSY_AFTER_QUIET] if slot > 0 else options[BUSY_SHARE]
    _switch(uniforms, after_quiet, options[BUSY_AFTER_BUSY], busy)


@helper
def _bursty_arrivals(counters, start, service, mean, options, busy, uniforms, arrivals):
    """Write the arrivals of a service whose rates change from slot to slot; `uniforms` are of ARRIVALS."""
    factors, lanes = (options[QUIET_FACTOR], options[BUSY_FACTOR]), mean.size
    switches = np.empty_like(uniforms)
    fill_uniforms(counters, start >> 1, service, BURSTS, switches)
    now, chance = np.empty(lanes), np.empty(lanes)
    for t in range(arrivals.shape[0]):
        slot = start + t
        at = ((slot >> 1) - (start >> 1)) * lanes
        _update_busy(slot, options, switches[slot & 1, at : at + lanes], busy)
        _rates(mean, factors, busy, now, chance)
        row = uniforms[slot & 1, at : at + lanes]
        for lane in range(lanes):
            if row[lane] < chance[lane]:
                arrivals[t, service, lane] = _tasks(
                    counters, lane, slot, service, now[lane], row[lane], chance[lane]
                )


@helper
def _place_hits(counters, start, service, now, uniforms, chance, parity, arrivals):
    """Write the arrivals that a row of uniforms brings, those of every other slot: `parity` says which."""
    lanes = now.size
    for begin in range(0, uniforms.size, _BATCH):
        end = min(begin + _BATCH, uniforms.size)
        if _hits(uniforms[begin:end], chance[begin:end]) == 0:
            continue
        for i in range(begin, end):
            t, lane = 2 * (i // lanes) + parity - (start & 1), i % lanes
            if uniforms[i] < chance[i] and 0 <= t < arrivals.shape[0]:
                arrivals[t, service, lane] = _tasks(
                    counters, i, start + t, service, now[lane], uniforms[i], chance[i]
                )


@helper
def _steady_arrivals(counters, start, service, mean, options, busy, uniforms, arrivals):
    """Write the arrivals of a service whose rates stay the same; `uniforms` are of ARRIVALS."""
    lanes = mean.size
    now, chance = np.empty(lanes), np.empty(uniforms.shape[1])
    _rates(mean, (options[QUIET_FACTOR], options[BUSY_FACTOR]), busy, now, chance[:lanes])
    for i in range(lanes, chance.size):
        chance[i] = chance[i - lanes]
    for parity in range(2):
        _place_hits(counters, start, service, now, uniforms[parity], chance, parity, arrivals)


def _draw_arrivals(keys, start, mean, options, laws, busy, arrivals):
    """Write `arrivals` (count, N, L) of the slots from `start` on; `busy` (N, L) is updated.

    `mean` (N, L) is the mean number of tasks in a slot, 0 for services that a device lacks, and for those
    that have one of the `laws` of their own (ArrivalLaws).
    """
    if arrivals.size == 0:
        return
    counters = counters_of(keys, pairs_of(start, arrivals.shape[0]))
    uniforms = np.empty((2, counters.later.size))
    fill(view_as(arrivals, (arrivals.size,)), arrivals.size, 0)
    kept = busy
    if laws.kind.size > 0:
        draw_by_laws(keys, start, laws, busy, arrivals)
        kept = busy.copy()
    for n in range(mean.shape[0]):
        fill_uniforms(counters, start >> 1, n, ARRIVALS, uniforms)
        if options[QUIET_FACTOR] != options[BUSY_FACTOR]:
            _bursty_arrivals(counters, start, n, mean[n], options, busy[n], uniforms, arrivals)
        else:
            _steady_arrivals(counters, start, n, mean[n], options, busy[n], uniforms, arrivals)
    if laws.kind.size > 0:
        restore_on_off(laws, kept, busy)


def _signature():
    return compiled_signature(
        "void", StreamKeys, "i8", "f8[:,::1]", "f8[::1]", ArrivalLaws, "b1[:,::1]", "i8[:,:,::1]"
    )


draw_arrivals = helper(_draw_arrivals)  # for kernels that simulate
arrivals_of_slots = Kernel("arrivals_of_slots", _signature, _draw_arrivals)
