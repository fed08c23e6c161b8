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
    fill_uniforms,
)
from lyaopt._kernels.simulation.state_types import StreamKeys, compiled_signature
from lyaopt._kernels.simulation.stream_options import (
    BUSY_AFTER_BUSY,
    BUSY_AFTER_QUIET,
    BUSY_FACTOR,
    BUSY_SHARE,
    QUIET_FACTOR,
)
from lyaopt._kernels.slot.dispatch import fill
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

# Rows of the scratch
_UNIFORM, _BURST, _MEAN, _CHANCE = 0, 2, 4, 5  # the uniforms of two slots; of two slots; one row each
_SCRATCH_ROWS = 6


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
def _decide(uniforms, chance, arrivals):
    """Write 1 where tasks come and 0 elsewhere; return in how many lanes they do."""
    hits = 0
    for t in range(arrivals.size):
        hit = 1 if uniforms[t] < chance[t] else 0
        arrivals[t] = hit
        hits += hit
    return hits


@helper
def _count(keys, slot, service, uniforms, now, chance, arrivals):
    """Replace the ones in a row of arrivals by numbers of tasks."""
    for t in range(arrivals.size):
        if arrivals[t] > 0:
            replication, device = keys.lane_replication[t], keys.lane_device[t]
            arrivals[t] = poisson(
                now[t], uniforms[t], chance[t], keys.seed, slot, replication, device, service
            )


@helper
def _update_busy(keys, slot, fresh, service, options, uniforms, busy):
    """Bring a row of `busy` to a slot; `fresh` says that the uniforms of its pair are still to be drawn."""
    if fresh:
        fill_uniforms(keys, slot >> 1, service, BURSTS, uniforms)
    if slot == 0:
        fill(busy, busy.size, False)
    after_quiet = options[BUSY_AFTER_QUIET] if slot > 0 else options[BUSY_SHARE]
    _switch(uniforms[slot & 1], after_quiet, options[BUSY_AFTER_BUSY], busy)


@helper
def _service_arrivals(keys, start, service, mean, options, busy, scratch, arrivals):
    """Write arrivals[:, service], of the services with this number on their devices."""
    factors = options[QUIET_FACTOR], options[BUSY_FACTOR]
    bursts = factors[0] != factors[1]
    now, chance = scratch[_MEAN], scratch[_CHANCE]
    uniforms, burst_uniforms = scratch[_UNIFORM:_BURST], scratch[_BURST:_MEAN]
    if not bursts:
        _rates(mean, factors, busy, now, chance)
    for t in range(arrivals.shape[0]):
        slot = start + t
        fresh = t == 0 or slot & 1 == 0
        if fresh:
            fill_uniforms(keys, slot >> 1, service, ARRIVALS, uniforms)
        if bursts:
            _update_busy(keys, slot, fresh, service, options, burst_uniforms, busy)
            _rates(mean, factors, busy, now, chance)
        row = uniforms[slot & 1]
        if _decide(row, chance, arrivals[t, service]) > 0:
            _count(keys, slot, service, row, now, chance, arrivals[t, service])


def _draw_arrivals(keys, start, mean, options, busy, arrivals):
    """Write `arrivals` (count, N, L) of the slots from `start` on; `busy` (N, L) is updated.

    `mean` (N, L) is the mean number of tasks in a slot, 0 for services that a device lacks.
    """
    scratch = np.empty((_SCRATCH_ROWS, mean.shape[1]))
    for n in range(mean.shape[0]):
        _service_arrivals(keys, start, n, mean[n], options, busy[n], scratch, arrivals)


def _signature():
    return compiled_signature("void", StreamKeys, "i8", "f8[:,::1]", "f8[::1]", "b1[:,::1]", "i8[:,:,::1]")


draw_arrivals = helper(_draw_arrivals)  # for kernels that simulate
arrivals_of_slots = Kernel("arrivals_of_slots", _signature, _draw_arrivals)
