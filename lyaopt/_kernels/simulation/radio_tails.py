"""Tails of measured radios: how long they stay awake after they sent, and what that draws.

A radio sends from the beginning of a slot on, at the rate of the slot, and is silent in the rest of it. From
then on it stays awake for the time of its tail, or until the slot in which it sends again.
"""

from lyaopt._kernels.simulation.measured_energies import add_by_laws, has_measured
from lyaopt._kernels.simulation.state_types import AWAKE, TAIL
from lyaopt._kernels.simulation.sums import TAIL_ENERGY
from lyaopt._kernels.simulation.task_queues import TRANSMIT
from lyaopt._kernels.toolchain.jit import helper, inline


@inline
def has_tails(laws):
    """Return whether a radio has a tail."""
    return has_measured(laws) & (laws.tail_time.size > 0) & (laws.tail_watts.size > 0)


@inline
def _silent(sent, most, tau):
    """Return the seconds of a slot in which a radio does not send, given what it sent and what it could."""
    if sent <= 0.0:
        return tau
    return tau * (1.0 - sent / most) if sent < most else 0.0


@helper
def stay_awake(rates, gain, tau, laws, efforts, sums):
    """Write into the efforts (4, L) how long radios stay awake after a slot and what their tails took in it.

    `rates` (N, L) are those at which bits were sent; the energies are added to the sums (8, L).
    """
    width = gain.size // laws.measured.size
    for t in range(gain.size):
        m = t // width
        sent = 0.0
        for n in range(rates.shape[0]):
            sent += rates[n, t]
        left = laws.tail_time[m] if sent > 0.0 else efforts[AWAKE, t]
        awake = min(left, _silent(sent, laws.rate[m] * gain[t], tau))
        efforts[AWAKE, t] = left - awake
        efforts[TAIL, t] = awake * laws.tail_watts[m]
        sums[TAIL_ENERGY, t] += efforts[TAIL, t]


@helper
def add_devices_by_laws(allocation, gain, scales, laws, notes, efforts, sums):
    """Add up what devices did in a slot, see `slot_loop`, by the laws of their CPUs and radios."""
    rates, cpu, power, workspace = allocation
    add_by_laws(cpu, power, gain, scales, laws, notes, workspace, sums)
    if has_tails(laws):
        stay_awake(rates[TRANSMIT], gain, scales[0], laws, efforts, sums)
