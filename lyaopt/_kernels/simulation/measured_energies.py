"""CPUs with tables of operating points and measured radios in the loop over slots: see PowerLaws.

What a measured radio can carry in a slot is its rate times the gain of the slot: the share of the rate that a
trace states, or the whole.
"""

from lyaopt._kernels.simulation.serve_queues import MOST_POWER, add_devices
from lyaopt._kernels.simulation.sums import LOCAL_ENERGY
from lyaopt._kernels.slot.energies import transmit_energy
from lyaopt._kernels.slot.staircase import hull_power
from lyaopt._kernels.toolchain.jit import helper, inline

_ROUNDED = 1.0 - 1e-12


@inline
def has_tables(laws):
    """Return whether a CPU has a table."""
    return laws.curve_hz.shape[0] > 0


@inline
def has_measured(laws):
    """Return whether a radio is measured."""
    return laws.rate.size > 0


@inline
def has_slopes(laws):
    """Return whether the power of a measured radio depends on its rate."""
    return has_measured(laws) & (laws.slope.size > 0)


@helper
def set_whole_rates(gain, laws):
    """Write 1 as gains (G, L) of measured radios, where they are not those of a trace."""
    if laws.traced == 0 and has_measured(laws):
        width = gain.shape[1] // laws.measured.size
        for g in range(gain.shape[0]):
            for t in range(gain.shape[1]):
                gain[g, t] = gain[g, t] if laws.measured[t // width] == 0 else 1.0


@helper
def write_radios(gain, laws, rate, power):
    """Write rates in bit/s and powers in W of measured radios in a slot (L,), given its gains."""
    width = gain.size // laws.measured.size
    for t in range(gain.size):
        rate[t] = laws.rate[t // width] * gain[t]
        power[t] = laws.watts[t // width]
    if has_slopes(laws):
        for t in range(gain.size):
            power[t] += laws.slope[t // width] * rate[t]


@helper
def _set_most_power(gain, laws, most):
    """Write the powers in W at which measured radios send in a slot, where they depend on its gains.

    They are rounded down: a fused product elsewhere must not look like power to spare.
    """
    width = gain.size // laws.measured.size
    for t in range(gain.size):
        m = t // width
        if laws.measured[m] != 0:
            most[t] = _ROUNDED * (laws.watts[m] + laws.slope[m] * (laws.rate[m] * gain[t]))


@helper
def _add_hull(speed, tau, curve, energy, added):
    """Write energies in J with those of a slot added, of lanes of one device."""
    hz, slope = curve
    for t in range(speed.size):
        # a mean power costs tau times itself, of a CPU as of a radio
        added[t] = energy[t] + transmit_energy(tau, hull_power(hz, slope, speed[t]))


@helper
def add_by_laws(cpu, power, gain, scales, laws, notes, added, sums):
    """Add up as `add_devices` does, for CPUs with tables what their hulls take; `added` (L,) is workspace."""
    width, energy = cpu.size // laws.curve.size, sums[LOCAL_ENERGY]
    if has_tables(laws):
        for m in range(laws.curve.size):
            if laws.curve[m] >= 0:
                mine = slice(m * width, m * width + width)
                curve = laws.curve_hz[laws.curve[m]], laws.curve_slope[laws.curve[m]]
                _add_hull(cpu[mine], scales[0], curve, energy[mine], added[mine])
    if laws.traced != 0 and has_slopes(laws):
        _set_most_power(gain, laws, notes.limits[MOST_POWER])
    add_devices(cpu, power, gain, scales, notes.before, notes.after, notes.limits, sums)
    if has_tables(laws):
        for t in range(cpu.size):
            energy[t] = energy[t] if laws.curve[t // width] < 0 else added[t]
