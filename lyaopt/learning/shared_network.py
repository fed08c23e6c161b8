"""A network that devices and services share, so that it serves any number of either.

A service is described by its features and by what its tasks take at full speed, a device by its features and
the sum over its services, the edge by the work that waits there. Services of which no tasks are born are left
out, as if they were not there. The logit of a cut is the product of two
vectors, one of the service and its device, one of what a task cut there takes. Whoever numbers devices or
services otherwise gets the answers in that order; memory is linear in their number.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt.learning.config import PPOConfig
from lyaopt.learning.networks import ActorCritic, Points, Shape, hidden_layers, linear
from lyaopt.learning.observer import SERVICE_FEATURES, full_rate
from lyaopt.learning.statistics import RunningStatistics
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut

_LEAST = 1e-4
_BACKLOG_AT_EDGE = SERVICE_FEATURES.index("edge backlog")
_BACKLOGS = (slice(0, 3), slice(9, 12))
_TASKS_PER_UNIT = 20.0
"""Backlogs below a twentieth of a task are shown in proportion, larger ones by their order."""
_OF_SERVICE = len(SERVICE_FEATURES)
_SHOWN = _OF_SERVICE + 6
_OF_WORK = 6
_OF_CUT = 7
_OF_EDGE = 2
_USUAL_EDGE_HZ = 1e10


class SharedActorCritic(ActorCritic):
    """As `ActorCritic`; the parts of the reward are those of the devices, or one of all together."""

    work: Tensor
    cuts: Tensor
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
        self.actor = _Described(self._of_device, config, generator)
        self.critic = _Described(self._of_device, config, generator)
        self._disregard_price()
        width = config.hidden_units
        self.query = linear(2 * width, width, 1.0, generator)
        self.key = nn.Sequential(
            hidden_layers(_OF_CUT, config, generator, nn.ReLU), linear(width, width, 0.1, generator)
        )
        self.value_layer = linear(width, 1, 0.1, generator)
        self._system: System | None = None
        self.bind(system)

    @torch.no_grad()
    def _disregard_price(self) -> None:
        """Let the actor begin as one that knows no price.

        While it is taught there is none. Weights that nothing has taught would change what it does as soon
        as there is one.
        """
        first = next(layer for layer in self.actor.of_device.modules() if isinstance(layer, nn.Linear))
        first.weight[:, -1] = 0.0

    def bind(self, system: System) -> None:
        """Serve the devices and services of a system from now on, which may be others than before."""
        if system is self._system:
            return
        self._system = system
        size = _OF_SERVICE * len(system.services) + self._of_device * len(system.devices)
        self.choose_from(Shape(size, tuple(system.cut_counts.tolist()), least_cut(system)))
        seconds = _seconds(system)
        whole = np.stack([seconds[0, :, -1], seconds[1, :, 0], seconds[2, :, 0]])
        loads = whole * system.arrival_rate_per_s
        local = system.local_cycles / system.local_cycles[:, -1:]
        bits = system.transmit_bits / system.transmit_bits[:, :1]
        self._keep("work", np.concatenate([_order_of(whole), loads]).T)
        cuts = [*_order_of(seconds), *_order_of(_joules(system, seconds)), local, bits]
        self._keep("cuts", np.moveaxis(np.stack(cuts), 0, -1))
        self._keep("edge_seconds", whole[2])
        self.edge_price.scale = max(system.edge_capacity_hz / _USUAL_EDGE_HZ, _LEAST)
        present = torch.tensor(system.arrival_rate_per_s > 0.0)
        self._all_present = bool(present.all())
        self.register_buffer("present", present, persistent=False)
        self.register_buffer("device", torch.tensor(system.device_of_service), persistent=False)

    def _keep(self, name: str, values: np.ndarray) -> None:
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
        """Features (n, ·), scaled alike for all services and all devices; last of the edge.

        These are the seconds of work that wait there, and the price of one more.
        """
        services, devices = self._split(observation)
        waiting = (services[:, :, _BACKLOG_AT_EDGE] * self.edge_seconds).sum(-1, keepdim=True)
        edge = [waiting.log1p(), self.edge_price(waiting).log1p().float()]
        services = _with_orders(services)
        if self.normalises:
            services, devices = self.services.scale(services), self.devices.scale(devices)
        return torch.cat([services.flatten(1), devices.flatten(1), *edge], -1)

    def add_observations(self, rows: Tensor) -> None:
        """As of `ActorCritic`."""
        services, devices = self._split(rows)
        if not self._all_present:
            services = services[:, self.present]
        self.services.add(_with_orders(services).flatten(0, 1))
        self.devices.add(devices.flatten(0, 1))

    def _described(self, layers: _Described, features: Tensor) -> tuple[Tensor, Tensor]:
        services, devices = self._split(features, _SHOWN)
        services = torch.cat([services, self.work.expand(len(services), -1, -1)], -1)
        present = None if self._all_present else self.present
        return layers(services, devices, features[:, -_OF_EDGE:], self.device, present)

    def points(self, features: Tensor) -> Points:
        """As of `ActorCritic`."""
        services, devices = self._described(self.actor, features)
        query = self.query(torch.cat([services, devices.index_select(1, self.device)], -1))
        logits = torch.einsum("nsw,skw->nsk", query, self.key(self.cuts)) / math.sqrt(query.shape[-1])
        return Points(logits + self.mask)

    def scaled_value(self, features: Tensor) -> Tensor:
        """As of `ActorCritic`, a value for each device."""
        _, devices = self._described(self.critic, features)
        values: Tensor = self.value_layer(devices).squeeze(-1)
        return values.mean(-1, keepdim=True) if self._together else values


def _with_orders(services: Tensor) -> Tensor:
    """Features of services (n, S, f), and once more the backlogs by their orders of magnitude.

    While a channel is bad or the edge full, tasks wait by the dozen. Beside them half a task, which is most
    of what there is to decide on, would not be seen; by orders alone, a critic would not add up.
    """
    backlogs = torch.cat([services[..., rows] for rows in _BACKLOGS], -1)
    return torch.cat([services, backlogs.mul_(_TASKS_PER_UNIT).log1p_()], -1)


class _Described(nn.Module):
    """Vectors of services (n, S, width) and devices (n, M, width)."""

    def __init__(self, of_device: int, config: PPOConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.of_service = hidden_layers(_SHOWN + _OF_WORK, config, generator, nn.ReLU)
        self.of_device = hidden_layers(of_device + config.hidden_units + _OF_EDGE, config, generator, nn.ReLU)

    def forward(
        self, services: Tensor, devices: Tensor, edge: Tensor, device: Tensor, present: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        described = self.of_service(services)
        counted = described if present is None else described * present.unsqueeze(-1)
        pooled = described.new_zeros(*devices.shape[:2], described.shape[-1]).index_add(1, device, counted)
        everywhere = edge.unsqueeze(1).expand(-1, devices.shape[1], -1)
        return described, self.of_device(torch.cat([devices, pooled, everywhere], -1))


def _seconds(system: System) -> np.ndarray:
    """What a task takes by cut in each stage at full speed and mean gain (3, S, K + 1)."""
    device = system.device_of_service
    edge = np.array(system.edge_capacity_hz)
    speeds = (system.cpu_capacity_hz[device], full_rate(system)[device], edge)
    tables = (system.local_cycles, system.transmit_bits, system.edge_cycles)
    with np.errstate(divide="ignore", invalid="ignore"):
        seconds = [table / np.reshape(speed, (-1, 1)) for table, speed in zip(tables, speeds, strict=True)]
    # Where there is no speed, what takes for ever is told apart well enough by a long time.
    return np.nan_to_num(np.stack(seconds), nan=0.0, posinf=1e3)


def _joules(system: System, seconds: np.ndarray) -> np.ndarray:
    """What the device spends on a task by cut at full speed and full power (2, S, K + 1)."""
    device = system.device_of_service
    power = np.stack([system.energy_coefficient * system.cpu_capacity_hz**3, system.max_power_w])
    return np.asarray(power[:, device, None] * seconds[:2])


def _order_of(amounts: np.ndarray) -> np.ndarray:
    """Orders of magnitude of seconds or joules, from -2 up."""
    return np.asarray(np.log10(amounts + _LEAST) + 2.0)
