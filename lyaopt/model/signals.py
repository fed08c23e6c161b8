"""Ratios of signal to noise, and bits of a slot, that stay within doubles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lyaopt.slot.limits import LEAST

if TYPE_CHECKING:
    from lyaopt.model.system import System

LARGEST_SIGNAL, LEAST_SIGNAL = 1e100, 1e-100
"""Fading and shadowing multiply the mean signal-to-noise ratio: between these it stays within doubles."""
_RANGE = f"where signal over noise is from {LEAST_SIGNAL:g} to {LARGEST_SIGNAL:g}"


def signal_errors(system: System) -> Iterator[tuple[str, str]]:
    """Yield path and reason of distances, bandwidths and links whose numbers are out of range.

    Parameters
    ----------
    system : System
        The scenario.
    """
    channel = system.channel
    walks = channel.walk_m_per_sqrt_s > 0.0
    least = np.minimum(system.distance_m, channel.walk_nearest_m) if walks else system.distance_m
    with np.errstate(all="ignore"):
        noise = system.device_bandwidth_hz * system.noise_w_per_hz
        bits = system.device_bandwidth_hz * system.slot_duration_s
        signal = channel.mean_gain(least) * np.maximum(system.max_power_w, 1.0) / noise
    for m, distance in enumerate(system.distance_m):
        expected = None
        if walks and not channel.walk_nearest_m <= distance <= channel.walk_farthest_m:
            expected = f"from {channel.walk_nearest_m} to {channel.walk_farthest_m} (the device moves)"
        elif not LEAST_SIGNAL < signal[m] < LARGEST_SIGNAL:
            expected = f"a distance {_RANGE}"
        elif not LEAST <= bits[m] < np.inf:
            reason = f"the bandwidth times the slot length is below {LEAST:.2g}, or infinite"
            yield f"$.devices[{m}].bandwidth_hz", reason
        if expected is not None:
            yield f"$.devices[{m}].distance_m", f"expected {expected}, got {distance}"
    yield from _link_errors(system)


def _link_errors(system: System) -> Iterator[tuple[str, str]]:
    if system.edges is None:
        return
    links, noise = system.links, system.device_bandwidth_hz * system.noise_w_per_hz
    with np.errstate(all="ignore"):
        signal = links.mean_gain * np.maximum(system.max_power_w, 1.0) / noise
    for m, device in enumerate(system.devices):
        for j, link in enumerate(device.edges or ()):
            if not LEAST_SIGNAL < signal[links.edge_ids.index(link.edge), m] < LARGEST_SIGNAL:
                yield f"$.devices[{m}].edges[{j}]", f"expected a link {_RANGE}"
