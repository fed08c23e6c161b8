"""Sizes of tasks: factors of mean 1 by which the work of a task differs from that of a usual one.

A size is keyed by (seed, replication, device, service, slot of birth, number of the task among those that are
born with it), so that it is the same for every policy, batch and division of a run.
"""

import math

from lyaopt._kernels.rng.normal import normal_pair
from lyaopt._kernels.rng.numbered import numbered_pair
from lyaopt._kernels.rng.uniforms import TASK_SIZES
from lyaopt._kernels.simulation.state_types import StreamKeys, compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

# Laws
ALIKE, LOGNORMAL, UNIFORM = range(3)


@helper
def _drawn(seed, slot, keys, number, law, spread):
    """Return a size; `spread` is the standard deviation of its logarithm, or half its range."""
    if law == ALIKE:
        return 1.0
    u, v = numbered_pair(seed, slot, keys, TASK_SIZES, number)
    if law == LOGNORMAL:
        return math.exp(spread * normal_pair(u, v)[0] - 0.5 * spread * spread)
    return 1.0 + spread * (2.0 * u - 1.0)


@inline
def size_at(b, number, place, slot, sizes):
    """Return the size of a task that is born in a slot; `sizes` are TaskSizes of state_types.py."""
    law, spread = sizes.law[place.row, place.device], sizes.spread[place.row, place.device]
    keys = sizes.replication[b, place.lane], place.device, place.row
    return _drawn(sizes.seed, slot, keys, number, law, spread)


def _sizes_of_tasks(keys, start, law, spread, arrivals, sizes):
    """Write the sizes of all tasks of `arrivals` (T, N, L), which come from slot `start` on.

    They stand slot by slot, within a slot service by service, then lane by lane. `law` and `spread` (N, M)
    are those of TaskSizes; `sizes` is as long as there are tasks, and written as far as it goes.
    """
    slots, services, lanes = arrivals.shape
    width, at = lanes // law.shape[1], 0
    for t in range(slots):
        for n in range(services):
            for lane in range(lanes):
                place, m = (keys.lane_replication[lane], keys.lane_device[lane], n), lane // width
                own, wide = law[n, m], spread[n, m]
                for number in range(min(arrivals[t, n, lane], sizes.size - at)):
                    sizes[at] = _drawn(keys.seed, start + t, place, number, own, wide)
                    at += 1


def _signature():
    return compiled_signature("void", StreamKeys, "i8", "i8[:,::1]", "f8[:,::1]", "i8[:,:,::1]", "f8[::1]")


sizes_of_tasks = Kernel("sizes_of_tasks", _signature, _sizes_of_tasks)
