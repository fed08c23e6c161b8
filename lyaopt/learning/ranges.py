"""Ranges of settings that every episode draws, so that one training serves a whole sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Annotated, Any

import numpy as np
from pydantic.dataclasses import dataclass

from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Expected, Positive
from lyaopt.model.system import Device, System

Range = Annotated[tuple[Positive, Positive], Expected("two numbers above 0, the lower one first")]

_OF_DEVICE = ("distance_m", "cpu_capacity_hz", "max_power_w")


@checked
@dataclass(frozen=True, config=STRICT)
class Ranges:
    """Ranges of settings; a setting without a range stays fixed.

    Settings are drawn uniformly on a logarithmic scale, independently for each device and service. Distances
    are meant for stationary devices: a moving device stays within the limits of its scenario.
    """

    edge_capacity_hz: Range | None = None
    """F^e."""
    cpu_capacity_hz: Range | None = None
    """F^l of each device."""
    max_power_w: Range | None = None
    """p^max of each device."""
    distance_m: Range | None = None
    """d of each device."""
    arrival_rate_per_s: Range | None = None
    """lambda of each service."""
    services_per_device: Range | None = None
    """N_m of each device, uniform, at most its number of services; the others have no arrivals."""

    def __post_init__(self) -> None:
        for place, number in enumerate(self.services_per_device or ()):
            if number != round(number):
                raise ProblemError(
                    f"$.services_per_device[{place}]", f"expected a whole number, got {number:g}"
                )
        for name, ends in asdict(self).items():
            if ends is not None and ends[0] > ends[1]:
                raise ProblemError(
                    f"$.{name}", f"expected the lower end first, got {ends[0]:g} to {ends[1]:g}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the settings that have a range."""
        return tuple(name for name, ends in asdict(self).items() if ends is not None)

    def to_dict(self) -> dict[str, list[float]]:
        """Return the ranges as JSON values."""
        return {name: list(getattr(self, name)) for name in self.names}

    @classmethod
    def from_dict(cls, named: Mapping[str, Sequence[float]]) -> Ranges:
        """Make ranges from JSON values, the inverse of `to_dict`.

        Parameters
        ----------
        named : mapping of str to two numbers
            Lower and upper end of each setting's range.

        Returns
        -------
        Ranges

        Raises
        ------
        ProblemError
            If a name or a range is wrong.
        """
        known = [field.name for field in fields(cls)]
        for name in named:
            if name not in known:
                raise ProblemError(f"$.{name}", f"expected one of {', '.join(known)}")
        ends: Any = {name: tuple(map(float, pair)) for name, pair in named.items()}
        return cls(**ends)

    def draw(self, system: System, random: np.random.Generator) -> System:
        """Draw settings.

        Parameters
        ----------
        system : System
            Keeps the settings without a range.
        random : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        System
            `system` with the drawn settings.
        """
        if not self.names:
            return system
        edge = self._number("edge_capacity_hz", system.edge_capacity_hz, random)
        devices = tuple(self._device(device, random) for device in system.devices)
        return replace(system, devices=devices, edge_capacity_hz=edge)

    def _device(self, device: Device, random: np.random.Generator) -> Device:
        own: dict[str, Any] = {name: self._number(name, getattr(device, name), random) for name in _OF_DEVICE}
        count = self._count(device, random)
        rates = [
            self._number("arrival_rate_per_s", service.arrival_rate_per_s, random)
            for service in device.services
        ]
        services = tuple(
            replace(service, arrival_rate_per_s=rate if number < count else 0.0)
            for number, (service, rate) in enumerate(zip(device.services, rates, strict=True))
        )
        return replace(device, services=services, **own)

    def _count(self, device: Device, random: np.random.Generator) -> int:
        if self.services_per_device is None:
            return len(device.services)
        least, most = map(int, self.services_per_device)
        return int(random.integers(least, most, endpoint=True))

    def _number(self, name: str, value: float, random: np.random.Generator) -> float:
        ends: Any = getattr(self, name)
        if ends is None:
            return value
        return float(np.exp(random.uniform(*np.log(ends))))


def without_idle_services(system: System) -> System:
    """Remove the services of `system` that have no arrivals."""
    devices = tuple(
        replace(device, services=tuple(service for service in device.services if service.arrival_rate_per_s))
        for device in system.devices
    )
    return system if devices == system.devices else replace(system, devices=devices)


FIXED = Ranges()
"""No setting varies."""
