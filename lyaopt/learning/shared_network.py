"""A network whose weights devices and services share, so that it serves any number of either.

The input of a service is its features and the times of its tasks at full speed; of a device, its features and
the sum over its services; of the edge, its backlog. Services without arrivals are left out. The logit of a
cut is the scalar product of two vectors: one of the service and its device, one of the costs of a task with
this cut. The network is equivariant to the order of devices and services, and memory is linear in their
number.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt.learning.config import PPOConfig
from lyaopt.learning.distributions import Points
from lyaopt.learning.networks import ActorCritic, Shape, hidden_layers, linear
from lyaopt.learning.observer import SERVICE_FEATURES, full_rate
from lyaopt.learning.statistics import RunningStatistics
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut

_LEAST = 1e-4
_BACKLOG_AT_EDGE = SERVICE_FEATURES.index("edge backlog")
_BACKLOGS = (slice(0, 3), slice(9, 12))
_LOG_SCALE = 20.0
"""log(1 + 20 Q) of a backlog Q in tasks: linear below a twentieth of a task, logarithmic above."""
_OF_SERVICE = len(SERVICE_FEATURES)
_SHOWN = _OF_SERVICE + 6
_OF_WORK = 6
_OF_CUT = 7
_OF_EDGE = 2
"""Numbers of inputs: of a service (observed, with logarithms, of its tasks), of a cut, and of the edge."""
_REFERENCE_EDGE_HZ = 1e10


class SharedActorCritic(ActorCritic):
    """Actor and critic that devices and services share.

    Parameters
    ----------
    shape : Shape
    parts : int
        Parts of the reward: M, one for each device, or 1.
    config : PPOConfig
    generator : torch.Generator
        Source of the initial weights.
    system : System
        The first one to serve.
    """

    task_inputs: Tensor
    cut_inputs: Tensor
    device: Tensor
    present: Tensor
    edge_seconds: Tensor

    def __init__(
        self, shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System
    ) -> None:
        super().__init__(shape, 1, config)
        self._together = parts == 1
        features = shape.features - _OF_SERVICE * len(system.services)
        self._of_device = features // len(system.devices)
        self.services = RunningStatistics(_SHOWN)
        self.devices = RunningStatistics(self._of_device)
        self.actor = _Encoder(self._of_device, config, generator)
        self.critic = _Encoder(self._of_device, config, generator)
        self._ignore_price()
        width = config.hidden_units
        self.query = linear(2 * width, width, 1.0, generator)
        self.key = nn.Sequential(
            hidden_layers(_OF_CUT, config, generator, nn.ReLU), linear(width, width, 0.1, generator)
        )
        self.value_layer = linear(width, 1, 0.1, generator)
        self._system: System | None = None
        self.bind(system)

    @torch.no_grad()
    def _ignore_price(self) -> None:
        """Set the actor's weights of the edge price to zero.

        Imitation has no price, so these weights stay untrained in it: random ones would change the policy
        as soon as there is a price.
        """
        first = next(layer for layer in self.actor.of_device.modules() if isinstance(layer, nn.Linear))
        first.weight[:, -1] = 0.0

    def bind(self, system: System) -> None:
        """Serve the devices and services of `system` from now on; any numbers of either are accepted."""
        if system is self._system:
            return
        self._system = system
        size = _OF_SERVICE * len(system.services) + self._of_device * len(system.devices)
        self.set_shape(Shape(size, tuple(system.cut_counts.tolist()), least_cut(system)))
        seconds = _seconds(system)
        whole = np.stack([seconds[0, :, -1], seconds[1, :, 0], seconds[2, :, 0]])
        load = whole * system.arrival_rate_per_s
        local = system.local_cycles / system.local_cycles[:, -1:]
        bits = system.transmit_bits / system.transmit_bits[:, :1]
        self._set_buffer("task_inputs", np.concatenate([_order_of(whole), load]).T)
        cuts = [*_order_of(seconds), *_order_of(_joules(system, seconds)), local, bits]
        self._set_buffer("cut_inputs", np.moveaxis(np.stack(cuts), 0, -1))
        self._set_buffer("edge_seconds", whole[2])
        self.edge_price.scale = max(system.edge_capacity_hz / _REFERENCE_EDGE_HZ, _LEAST)
        present = torch.tensor(system.arrival_rate_per_s > 0.0)
        self._all_present = bool(present.all())
        self.register_buffer("present", present, persistent=False)
        self.register_buffer("device", torch.tensor(system.device_of_service), persistent=False)

    def _set_buffer(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def _split(self, rows: Tensor, of_service: int = _OF_SERVICE) -> tuple[Tensor, Tensor]:
        """Views (n, S, f) and (n, M, g) of rows (n, S f + M g and more)."""
        first = len(self.device) * of_service
        last = first + self.shape.features - len(self.device) * _OF_SERVICE
        services, devices = rows[:, :first], rows[:, first:last]
        # Sizes in full: there may be no rows at all.
        sizes = len(self.device), (last - first) // self._of_device
        services = services.view(len(rows), sizes[0], of_service)
        return services, devices.reshape(len(rows), sizes[1], self._of_device)

    def normalised(self, observation: Tensor) -> Tensor:
        """Normalise `observation` (n, F), alike for all services and all devices.

        The last two features are those of the edge: log(1 + backlog in seconds), and of the price of one
        second more.
        """
        services, devices = self._split(observation)
        waiting = (services[:, :, _BACKLOG_AT_EDGE] * self.edge_seconds).sum(-1, keepdim=True)
        edge = [waiting.log1p(), self.edge_price(waiting).log1p().float()]
        services = _with_logarithms(services)
        if self.normalises:
            services, devices = self.services.scale(services), self.devices.scale(devices)
        return torch.cat([services.flatten(1), devices.flatten(1), *edge], -1)

    def add_observations(self, rows: Tensor) -> None:
        """Update the statistics of observations by `rows` (n, F)."""
        services, devices = self._split(rows)
        if not self._all_present:
            services = services[:, self.present]
        self.services.add(_with_logarithms(services).flatten(0, 1))
        self.devices.add(devices.flatten(0, 1))

    def _encode(self, encoder: _Encoder, features: Tensor) -> tuple[Tensor, Tensor]:
        services, devices = self._split(features, _SHOWN)
        services = torch.cat([services, self.task_inputs.expand(len(services), -1, -1)], -1)
        present = None if self._all_present else self.present
        return encoder(services, devices, features[:, -_OF_EDGE:], self.device, present)

    def points(self, features: Tensor) -> Points:
        """Compute the distribution of the partition points for normalised `features` (n, ·)."""
        return Points(self._logits(features))

    def _logits(self, features: Tensor) -> Tensor:
        services, devices = self._encode(self.actor, features)
        query = self.query(torch.cat([services, devices.index_select(1, self.device)], -1))
        logits = torch.einsum("nsw,skw->nsk", query, self.key(self.cut_inputs)) / math.sqrt(query.shape[-1])
        return logits + self.mask

    def scaled_value(self, features: Tensor) -> Tensor:
        """Compute a value for each device (n, M), or their mean (n, 1), for normalised `features` (n, ·)."""
        _, devices = self._encode(self.critic, features)
        values: Tensor = self.value_layer(devices).squeeze(-1)
        return values.mean(-1, keepdim=True) if self._together else values


def _with_logarithms(services: Tensor) -> Tensor:
    """Features of services (n, S, f), and the logarithms of the backlogs.

    With a bad channel or a full edge, dozens of tasks wait. On that scale half a task, the usual backlog,
    would vanish. The critic also needs the linear backlogs, as costs add up.
    """
    backlogs = torch.cat([services[..., rows] for rows in _BACKLOGS], -1)
    return torch.cat([services, backlogs.mul_(_LOG_SCALE).log1p_()], -1)


class _Encoder(nn.Module):
    """Encodes services (n, S, width) and devices (n, M, width)."""

    def __init__(self, of_device: int, config: PPOConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.of_service = hidden_layers(_SHOWN + _OF_WORK, config, generator, nn.ReLU)
        self.of_device = hidden_layers(of_device + config.hidden_units + _OF_EDGE, config, generator, nn.ReLU)

    def forward(
        self, services: Tensor, devices: Tensor, edge: Tensor, device: Tensor, present: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        encoded = self.of_service(services)
        counted = encoded if present is None else encoded * present.unsqueeze(-1)
        pooled = encoded.new_zeros(*devices.shape[:2], encoded.shape[-1]).index_add(1, device, counted)
        edge_by_device = edge.unsqueeze(1).expand(-1, devices.shape[1], -1)
        return encoded, self.of_device(torch.cat([devices, pooled, edge_by_device], -1))


def _seconds(system: System) -> np.ndarray:
    """Seconds of a task by cut in each stage at full speed and mean gain (3, S, K + 1)."""
    device = system.device_of_service
    edge = np.array(system.edge_capacity_hz)
    speeds = (system.cpu_capacity_hz[device], full_rate(system)[device], edge)
    tables = (system.local_cycles, system.transmit_bits, system.edge_cycles)
    with np.errstate(divide="ignore", invalid="ignore"):
        seconds = [table / np.reshape(speed, (-1, 1)) for table, speed in zip(tables, speeds, strict=True)]
    # A long time stands for the infinite time of a stage without capacity.
    return np.nan_to_num(np.stack(seconds), nan=0.0, posinf=1e3)


def _joules(system: System, seconds: np.ndarray) -> np.ndarray:
    """Energy of the device for a task by cut at full speed and full power (2, S, K + 1)."""
    device = system.device_of_service
    power = np.stack([system.full_cpu_power_w, system.max_power_w])
    return np.asarray(power[:, device, None] * seconds[:2])


def _order_of(amounts: np.ndarray) -> np.ndarray:
    """Decimal logarithm of seconds or joules, shifted: -2 for nothing."""
    return np.asarray(np.log10(amounts + _LEAST) + 2.0)
