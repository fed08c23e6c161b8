"""Settings of a system: channel, arrivals and learning.

Constructors check all values and raise `DocumentError`, with paths relative to the object.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Count, Expected, Flag, FromZeroToOne, NonNegative, Positive

LIGHT_SPEED = 3e8
"""The paper's rounded speed of light, m/s."""


_Share = Annotated[
    float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False), Expected("a number > 0 and < 1")
]
_Correlation = Annotated[
    float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False), Expected("a number >= 0 and < 1")
]
_AtLeastOne = Annotated[
    float, Field(strict=True, ge=1, allow_inf_nan=False), Expected("a finite number >= 1")
]
_Fading = Annotated[Literal["rayleigh", "none"], Expected('"rayleigh" or "none"')]


@checked
@dataclass(frozen=True, config=STRICT)
class Channel:
    """Path loss and fading; beyond the paper, slow shadowing, correlated fading and moving devices."""

    antenna_gain: Positive = 3.0
    """A_d."""
    carrier_hz: Positive = 915e6
    """f_c, in hertz."""
    path_loss_exponent: Positive = 3.0
    """d_e."""
    antenna_gain_outside: Flag = False
    """Whether A_d is outside the power d_e; in the paper it is inside."""
    fading: _Fading = "rayleigh"
    """``rayleigh``: the gain is Exp(1) times its mean. ``none``: it is its mean."""
    fading_correlation: _Correlation = 0.0
    """Correlation of the fading amplitude from one slot to the next; 0 draws it anew in each slot."""
    shadowing_std_db: NonNegative = 0.0
    """Standard deviation of log-normal shadowing, whose mean is 0 dB; 0 is none."""
    shadowing_sojourn_s: Positive = 5.0
    """Time, in seconds, after which the autocorrelation of the shadowing has fallen to 1/e."""
    walk_m_per_sqrt_s: NonNegative = 0.0
    """Random walk of devices: standard deviation of the distance after one second, in metres; 0 is none."""
    walk_nearest_m: Positive = 150.0
    """Least distance of a moving device, in metres; it is reflected there."""
    walk_farthest_m: Positive = 250.0
    """Largest distance of a moving device, in metres; it is reflected there."""

    def __post_init__(self) -> None:
        if self.walk_nearest_m >= self.walk_farthest_m:
            reason = f"expected more than walk_nearest_m = {self.walk_nearest_m}, got {self.walk_farthest_m}"
            raise ProblemError("$.walk_farthest_m", reason)

    def mean_gain(self, distance_m: Floats | float) -> Floats:
        """Mean channel gain hbar = (A_d c / (4 pi f_c d))^d_e at distances, without shadowing.

        With `antenna_gain_outside` it is A_d (c / (4 pi f_c d))^d_e. Same shape as `distance_m`.
        """
        inside = 1.0 if self.antenna_gain_outside else self.antenna_gain
        outside = self.antenna_gain if self.antenna_gain_outside else 1.0
        ratio = inside * LIGHT_SPEED / (4.0 * math.pi * self.carrier_hz * np.asarray(distance_m, np.float64))
        return np.asarray(outside * ratio**self.path_loss_exponent)


@checked
@dataclass(frozen=True, config=STRICT)
class Arrivals:
    """Poisson arrivals, at a rate that a two-state Markov chain of each service may switch."""

    busy_rate_factor: _AtLeastOne = 1.0
    """Rate while busy, over the mean rate; 1 is plain Poisson. The mean rate stays that of the service."""
    busy_share: _Share = 0.2
    """Long-run share of time that a service is busy."""
    busy_duration_s: Positive = 5.0
    """Mean length of a burst, in seconds."""

    def __post_init__(self) -> None:
        if self.busy_rate_factor * self.busy_share > 1.0:
            reason = f"expected at most 1 / busy_share = {1.0 / self.busy_share}, got {self.busy_rate_factor}"
            raise ProblemError("$.busy_rate_factor", reason)

    @property
    def quiet_rate_factor(self) -> float:
        """Rate while not busy, over the mean rate."""
        quiet = (1.0 - self.busy_rate_factor * self.busy_share) / (1.0 - self.busy_share)
        return quiet if self.busy_rate_factor > 1.0 else 1.0

    @property
    def quiet_duration_s(self) -> float:
        """Mean time between bursts, in seconds."""
        return self.busy_duration_s * (1.0 - self.busy_share) / self.busy_share


@checked
@dataclass(frozen=True, config=STRICT)
class Learning:
    """Reward and training of the policies that choose partition points."""

    reward_energy_weight: NonNegative = 1e3
    """omega1, per joule and slot."""
    reward_backlog_weight: NonNegative = 1.0
    """omega2, per waiting task."""
    backlog_share_local: NonNegative = 0.6
    """beta1, share of the local queues in the backlog of the reward."""
    backlog_share_transmit: NonNegative = 0.2
    """beta2, share of the transmit queues."""
    backlog_share_edge: NonNegative = 0.2
    """beta3, share of the edge queues."""
    exclude_cut_zero: Flag = False
    """Whether sending the raw input (k = 0) is forbidden, as in constraint C.11."""
    discount: FromZeroToOne = 0.99
    """gamma."""
    clip_range: Positive = 0.2
    """epsilon of PPO's clipped objective."""
    advantage_decay: FromZeroToOne = 0.0
    """lambda of generalised advantage estimation; 0 is the paper's one-step difference."""
    learning_rate: Positive = 3e-4
    """Step size of Adam."""
    hidden_layers: Count = 2
    """Hidden layers of actor and critic."""
    hidden_units: Count = 128
    """Units of each hidden layer."""
    episodes: Count = 2500
    """Training episodes."""
    decisions_per_episode: Count = 200
    """Periods of an episode."""
