"""Vary the settings of a scenario by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io.field_errors import unknown_key
from lyaopt.model.settings import Arrivals, Channel, Learning
from lyaopt.model.system import Device, Service, System

_SECTIONS: dict[str, type] = {"channel": Channel, "arrivals": Arrivals, "learning": Learning}
_OF_SYSTEM = tuple(item.name for item in fields(System) if item.name not in ("devices", *_SECTIONS))
_OF_DEVICE = ("distance_m", "cpu_capacity_hz", "max_power_w")
_OF_SERVICE = ("arrival_rate_per_s",)
_IN_SECTIONS = tuple(f"{name}.{item.name}" for name, kind in _SECTIONS.items() for item in fields(kind))

SERVICES, WEIGHTS, WAITING = "services_per_device", "energy_weights", "waiting_costs"
"""N_m; a factor on both U^l and U^t; and one on all waiting costs."""
SETTINGS = (*_OF_SYSTEM, *_OF_DEVICE, *_OF_SERVICE, SERVICES, WEIGHTS, WAITING, *_IN_SECTIONS)
"""Names of all settings."""

MORE_MODELS: tuple[tuple[str, ...], ...] = (
    ("palm_detection", "face_landmark"),
    ("pose_detection", "face_detection"),
    ("face_landmark", "hand_landmark_lite"),
    ("mobilenetv2", "pose_detection"),
)
"""Additional networks of the first, second, ... device (docs/explanation/paper-figures.md)."""


def varied(
    system: System, values: Mapping[str, Any], more_models: Sequence[Sequence[str]] = MORE_MODELS
) -> System:
    """Set some settings of a system; those of devices and services apply to all of them.

    Parameters
    ----------
    system : System
        Copied with the new settings.
    values : mapping
        By names in `SETTINGS`.
    more_models : sequence of sequences of str
        Networks of additional services, a sequence for each device; repeated if there are more devices.

    Returns
    -------
    System

    Raises
    ------
    ProblemError
        If there is no such setting, a value does not suit it, or it has no effect beside `edges`.
    """
    for name, value in values.items():
        if name not in SETTINGS:
            raise ProblemError(f"$.{name}", unknown_key(name, SETTINGS))
        try:
            system = _with(system, name, value, more_models)
        except DocumentError as error:
            raise ProblemError(f"$.{name}", error.reason) from None
    if "edge_capacity_hz" in values and system.edges is not None:  # whichever was set first
        reason = "expected none: the scenario has [[edges]], with capacities of their own"
        raise ProblemError("$.edge_capacity_hz", reason)
    return system


def _with(system: System, name: str, value: Any, more_models: Sequence[Sequence[str]]) -> System:
    if name == SERVICES:
        return replace(system, devices=_filled(system.devices, value, more_models))
    if name == WEIGHTS:
        return _weighted(system, value)
    if name == WAITING:
        return _waiting(system, value)
    section, _, field = name.partition(".")
    if field:
        return replace(system, **{section: replace(getattr(system, section), **{field: value})})
    if name in _OF_SYSTEM:
        changed: dict[str, Any] = {name: value}
        return replace(system, **changed)
    return replace(system, devices=tuple(_device(device, name, value) for device in system.devices))


def _device(device: Device, name: str, value: Any) -> Device:
    changed: dict[str, Any] = {name: value}
    if name in _OF_DEVICE:
        return replace(device, **changed)
    return replace(device, services=tuple(replace(service, **changed) for service in device.services))


LARGEST_FACTOR = 1e100
"""Limit of factors on energy weights, as integers may exceed the range of floating-point numbers."""


def _factor(name: str, factor: Any) -> float:
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0.0 <= factor <= LARGEST_FACTOR:
        raise ProblemError(
            f"$.{name}", f"expected a number from 0 to {LARGEST_FACTOR:g}, got {str(factor)[:40]}"
        )
    return float(factor)


def _weighted(system: System, value: Any) -> System:
    factor = _factor(WEIGHTS, value)
    local, transmit = system.energy_weight_local * factor, system.energy_weight_transmit * factor
    return replace(system, energy_weight_local=local, energy_weight_transmit=transmit)


def _waiting(system: System, value: Any) -> System:
    """Multiply the waiting costs of a system, and those of its services."""
    factor = _factor(WAITING, value)
    if system.waiting_costs_j_per_s is None:
        raise ProblemError(f"$.{WAITING}", "expected a scenario with a waiting cost")

    def more(part: Any) -> Any:
        cost = part.waiting_cost_j_per_s
        return part if cost is None else replace(part, waiting_cost_j_per_s=factor * cost)

    devices = [replace(device, services=tuple(map(more, device.services))) for device in system.devices]
    changed: System = more(replace(system, devices=tuple(devices)))
    return changed


def _filled(
    devices: Sequence[Device], count: Any, more_models: Sequence[Sequence[str]]
) -> tuple[Device, ...]:
    """Devices with the first `count` of their services, and additional ones if they have fewer."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ProblemError(f"$.{SERVICES}", f"expected a whole number >= 1, got {count!r}")
    return tuple(_with_services(devices[m], m, count, more_models) for m in range(len(devices)))


def _with_services(device: Device, m: int, count: int, more_models: Sequence[Sequence[str]]) -> Device:
    more = more_models[m % len(more_models)] if more_models else ()
    most = len(device.services) + len(more)
    if count > most:
        name = device.id or f"device-{m}"
        reason = f"expected at most {most}, as {name} has networks for, got {count}"
        raise ProblemError(f"$.{SERVICES}", reason)
    rate = device.services[-1].arrival_rate_per_s if device.services else Service(more[0]).arrival_rate_per_s
    additional = tuple(Service(model, arrival_rate_per_s=rate) for model in more)
    return replace(device, services=(*device.services, *additional)[:count])
