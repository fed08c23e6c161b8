"""Observations: the state (25) of the upper level as rows of normalised numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.learning import observe as kernel
from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.edges import check_one_edge
from lyaopt.model.system import System
from lyaopt.simulation import Observation
from lyaopt.simulation.costs import whole_tasks
from lyaopt.simulation.state import State

Rows = NDArray[np.float32]

OPTIONAL_FEATURES = ("channel",)
"""Features that are off by default."""

SERVICE_FEATURES = (
    "mean local backlog",
    "mean transmit backlog",
    "mean edge backlog",
    "mean local speed",
    "mean rate",
    "mean edge speed",
    "local share",
    "transmit share",
    "edge share",
    "local backlog",
    "transmit backlog",
    "edge backlog",
)
"""Features of each service, in order.

Backlogs are in tasks, rho C cycles or D bits; f^l is divided by F^l of the device, r by its rate at full
power and mean gain, f^e by F^e. Shares are c^k, d^k and 1 - c^k of the partition point.
"""

DEVICE_FEATURES = ("mean power", "mean rate", "channel")
"""Features of each device, in order; the last one is optional.

p is divided by p^max, R by its value at full power and mean gain; the channel is the period mean of the gain
divided by its long-run mean, in tens of decibels, at least `CHANNEL_FLOOR`.
"""

CHANNEL_FLOOR = -10.0
"""Least value of the channel feature."""


@dataclass(frozen=True)
class FeatureLayout:
    """Layout of a row of F numbers: features of S services, then of M devices.

    Attributes
    ----------
    services, devices, service_features, device_features : int
        S, M, and the numbers of features of each service and of each device.
    """

    services: int
    devices: int
    service_features: int
    device_features: int

    @property
    def size(self) -> int:
        """F."""
        return self.services * self.service_features + self.devices * self.device_features

    def of_services(self, rows: Rows) -> Rows:
        """View the features of services (..., S, service_features) in `rows` (..., F)."""
        part = rows[..., : self.services * self.service_features]
        return part.reshape(*rows.shape[:-1], self.services, self.service_features)

    def of_devices(self, rows: Rows) -> Rows:
        """View the features of devices (..., M, device_features) in `rows` (..., F)."""
        part = rows[..., self.services * self.service_features :]
        return part.reshape(*rows.shape[:-1], self.devices, self.device_features)


class Observer:
    """Writes the observations of a system.

    Parameters
    ----------
    system : System
    features : collection of str
        Names in `OPTIONAL_FEATURES` to include.

    Attributes
    ----------
    layout : FeatureLayout

    Raises
    ------
    ProblemError
        If there is no such feature.
    """

    def __init__(self, system: System, features: Collection[str] = ()) -> None:
        check_one_edge(system, "learners see one edge server")
        unknown = sorted(set(features) - set(OPTIONAL_FEATURES))
        if isinstance(features, str) or unknown:
            known = ", ".join(OPTIONAL_FEATURES)
            raise ProblemError("$.features", f"expected some of {known}; got {features!r}")
        self.system = system
        self.layout = FeatureLayout(
            len(system.services),
            len(system.devices),
            kernel.SERVICE_FEATURES,
            kernel.DEVICE_FEATURES + ("channel" in features),
        )
        self._service_scale = _service_scale(system)
        self._device_scale = _device_scale(system)

    @property
    def size(self) -> int:
        """Length of an observation."""
        return self.layout.size

    def write(self, state: State, rows: Rows) -> None:
        """Write observations at the end of a period, or before the first one.

        Parameters
        ----------
        state : State
            State of B replications.
        rows : ndarray (B, F) of float32
            Overwritten.
        """
        kernel.observe(
            self.system.slots_per_period,
            state.layout.placement,
            state.amounts,
            self._service_scale,
            self._device_scale,
            state.kernel_state,
            rows,
        )

    def see(self, observation: Observation) -> Rows:
        """Convert the `observation` of a policy in a simulation to rows (B, F) of float32."""
        rows = np.empty((observation.replications, self.size), np.float32)
        self.write(observation.state, rows)
        return rows


def full_rate(system: System) -> Floats:
    """Compute R(p^max) of each device of `system` at its mean gain, or its measured rate (M,), in bit/s."""
    width = system.device_bandwidth_hz
    signal = system.max_power_w * system.mean_channel_gain() / (width * system.noise_w_per_hz)
    measured, shannon = system.radio_rate_bps, width * np.log1p(signal) / np.log(2.0)
    return np.where(np.isnan(measured), shannon, measured)


def _service_scale(system: System) -> Floats:
    device = system.device_of_service
    edge = np.full(len(system.services), system.edge_capacity_hz)
    scale = np.empty((len(system.services), kernel.SERVICE_SCALES))
    scale[:, kernel.ONE_TASK : kernel.FULL_RATE] = _reciprocal(whole_tasks(system)).T
    full = np.stack([system.cpu_capacity_hz[device], full_rate(system)[device], edge], axis=1)
    scale[:, kernel.FULL_RATE :] = _reciprocal(full)
    return scale


def _device_scale(system: System) -> Floats:
    scales = np.empty((len(system.devices), kernel.DEVICE_SCALES))
    scales[:, kernel.FULL_POWER] = _reciprocal(system.max_power_w)
    scales[:, kernel.FULL_DEVICE_RATE] = _reciprocal(full_rate(system))
    scales[:, kernel.MEAN_GAIN] = _reciprocal(system.mean_channel_gain())
    return scales


def _reciprocal(values: Floats) -> Floats:
    """Reciprocals; 0 for 0, so that features of a missing resource are 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0.0)
