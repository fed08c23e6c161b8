"""Random channels and arrivals of a system.

A draw depends on the seed, the number of the replication, the device, its service and the slot, and on
nothing else: it is the same for every policy, number of replications and division of a run into calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.rng.uniforms import MAX_SERVICES, MAX_SLOTS
from lyaopt._kernels.simulation import stream_options as at
from lyaopt._kernels.simulation.arrival_laws import POISSON
from lyaopt._kernels.simulation.channel import gains_of_slots
from lyaopt._kernels.simulation.state_types import ArrivalLaws, StreamKeys
from lyaopt._kernels.simulation.task_sizes import sizes_of_tasks
from lyaopt._kernels.simulation.traffic import arrivals_of_slots
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.arrival_arrays import arrival_laws, size_laws

__all__ = ["MAX_SLOTS", "Streams", "make_streams"]

LARGEST_MEAN = 1e9
"""Largest mean number of a service's tasks in a slot that is drawn exactly."""


@dataclass(frozen=True)
class Streams:
    """Arguments of the kernels that draw gains and arrivals, for B replications with M devices each.

    Lane l of L = M B is device l // B of replication `lane_replication[l]`. Slots are drawn in order, up to
    `MAX_SLOTS`; the state of the streams is set in slot 0 and updated by every draw.

    Attributes
    ----------
    seed : numpy.uint64
        Key of all draws.
    options : ndarray
        Entries are named in `lyaopt._kernels.simulation.stream_options`.
    lane_replication, lane_device : ndarray (L,) of uint32
        Numbers of each lane's replication and device, part of the key.
    lane_gain : ndarray (L,)
        Mean channel gain where the device starts.
    lane_distance : ndarray (L,)
        Distance where the device starts, in metres.
    mean : ndarray (N, L)
        Mean number of new tasks in a slot; 0 where a device has fewer than N services, or one has a law of
        its own.
    laws : ArrivalLaws
        Those laws, see `lyaopt._kernels.simulation.arrival_laws`.
    size_law, size_spread : ndarray (N, M)
        Laws of the sizes of tasks, see `lyaopt._kernels.simulation.task_sizes`; no entries where all are 1.
    channel_state : ndarray (CHANNEL_ROWS, L)
        State of the channels, written by the kernel.
    busy : ndarray (N, L) of bool
        Which services are in a burst, written by the kernel.
    measured : ndarray (L,) of bool
        Lanes of measured radios, which carry their whole rates: their gain is 1.
    """

    seed: np.uint64
    options: Floats
    lane_replication: NDArray[np.uint32]
    lane_device: NDArray[np.uint32]
    lane_gain: Floats
    lane_distance: Floats
    mean: Floats
    laws: ArrivalLaws
    size_law: Integers
    size_spread: Floats
    channel_state: Floats
    busy: NDArray[np.bool_]
    measured: NDArray[np.bool_]

    @property
    def keys(self) -> StreamKeys:
        """Key of the draws of each lane."""
        return StreamKeys(self.seed, self.lane_replication, self.lane_device)

    def draw_gains(self, start: int, count: int) -> Floats:
        """Draw channel gains.

        Parameters
        ----------
        start, count : int
            First slot, and number of slots.

        Returns
        -------
        ndarray (count, L)
        """
        gains = np.empty((count, self.lane_gain.size))
        gains_of_slots(
            self.keys,
            start,
            self.lane_gain,
            self.lane_distance,
            self.options,
            self.channel_state,
            gains,
        )
        gains[:, self.measured] = 1.0
        return gains

    def draw_arrivals(self, start: int, count: int) -> NDArray[np.int64]:
        """Draw numbers of new tasks.

        Parameters
        ----------
        start, count : int
            First slot, and number of slots.

        Returns
        -------
        ndarray (count, N, L) of int
        """
        arrivals = np.empty((count, *self.mean.shape), np.int64)
        arrivals_of_slots(
            self.keys,
            start,
            self.mean,
            self.options,
            self.laws,
            self.busy,
            arrivals,
        )
        return arrivals

    def draw_sizes(self, start: int, arrivals: Integers) -> Floats:
        """Draw the sizes of tasks: the factors by which their cycles and bits differ from those of the DNN.

        Parameters
        ----------
        start : int
            First slot.
        arrivals : ndarray (count, N, L) of int
            New tasks of the slots from it on, as `draw_arrivals` returns them or of a trace.

        Returns
        -------
        ndarray (tasks,)
            Slot by slot, within a slot service by service (N), then lane by lane.
        """
        sizes = np.ones(int(arrivals.sum()))
        if self.size_law.size and sizes.size:
            laws = self.size_law, self.size_spread
            sizes_of_tasks(self.keys, start, *laws, np.ascontiguousarray(arrivals, np.int64), sizes)
        return sizes


def make_streams(system: System, seed: int, replications: range = range(1)) -> Streams:
    """Return the streams of the replications with these numbers.

    Parameters
    ----------
    system : System
        Its channel and arrival models are drawn from.
    seed : int
        From 0 to 2^64 - 1.
    replications : range
        Numbers of the replications; equal numbers draw the same.

    Returns
    -------
    Streams

    Raises
    ------
    ProblemError
        If the seed is not from 0 to 2^64 - 1, a device has more services than a key can number, or a
        service has too many arrivals to be drawn exactly.
    """
    if not 0 <= seed < 2**64:
        raise ProblemError("$.seed", f"expected a whole number from 0 to {2**64 - 1}, got {seed}")
    devices, batch = len(system.devices), len(replications)
    means, laws = _means(system), arrival_laws(system)
    if laws.kind.size:
        means = np.where(laws.kind == POISSON, means, 0.0)
    mean = np.repeat(means, batch, axis=1)
    size_law, size_spread = size_laws(system)
    lanes = devices * batch
    return Streams(
        seed=np.uint64(seed),
        options=_options(system),
        lane_replication=np.tile(np.array(replications, np.uint32), devices),
        lane_device=np.repeat(np.arange(devices, dtype=np.uint32), batch),
        lane_gain=np.repeat(system.mean_channel_gain(), batch),
        lane_distance=np.repeat(system.distance_m, batch),
        mean=mean,
        laws=laws,
        size_law=size_law,
        size_spread=size_spread,
        channel_state=np.zeros((at.CHANNEL_ROWS, lanes)),
        busy=np.zeros(mean.shape, np.bool_),
        measured=np.repeat(~np.isnan(system.radio_rate_bps), batch),
    )


def _means(system: System) -> Floats:
    """Mean number of tasks in a slot (N, M)."""
    tau = system.slot_duration_s
    most = LARGEST_MEAN / (tau * system.arrivals.busy_rate_factor)
    means = np.zeros((max(len(device.services) for device in system.devices), len(system.devices)))
    for m, device in enumerate(system.devices):
        if len(device.services) > MAX_SERVICES:
            reason = f"expected at most {MAX_SERVICES} services, got {len(device.services)}"
            raise ProblemError(f"$.devices[{m}].services", reason)
        for n, service in enumerate(device.services):
            rate = service.arrival_rate_per_s
            if rate > most:
                path = f"$.devices[{m}].services[{n}].arrival_rate_per_s"
                raise ProblemError(path, f"expected at most {most:g}, got {rate}")
            means[n, m] = rate * tau
    return means


def _options(system: System) -> Floats:
    tau, channel, arrivals = system.slot_duration_s, system.channel, system.arrivals
    options = np.zeros(at.OPTIONS)
    options[at.RAYLEIGH] = channel.fading == "rayleigh"
    options[at.FADING_CORRELATION] = channel.fading_correlation
    options[at.SHADOWING] = channel.shadowing_std_db * math.log(10.0) / 10.0
    options[at.SHADOWING_CORRELATION] = math.exp(-tau / channel.shadowing_sojourn_s)
    options[at.STEP] = channel.walk_m_per_sqrt_s * math.sqrt(tau)
    options[at.NEAREST] = channel.walk_nearest_m
    options[at.FARTHEST] = channel.walk_farthest_m
    options[at.PATH_LOSS] = channel.path_loss_exponent
    options[at.BUSY_FACTOR] = arrivals.busy_rate_factor
    options[at.QUIET_FACTOR] = arrivals.quiet_rate_factor
    # The chain in continuous time, sampled at the start of each slot: bursts may be shorter than a slot.
    forgotten = -math.expm1(-tau * (1.0 / arrivals.busy_duration_s + 1.0 / arrivals.quiet_duration_s))
    options[at.BUSY_SHARE] = arrivals.busy_share
    options[at.BUSY_AFTER_BUSY] = 1.0 - (1.0 - arrivals.busy_share) * forgotten
    options[at.BUSY_AFTER_QUIET] = arrivals.busy_share * forgotten
    return options
