"""The problem of a slot document whose keys and types have been checked, with every optional key."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.io.ids import ids_by_position
from lyaopt.slot.bandwidths import device_bandwidths
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SCALAR_FIELDS, WEIGHT_FIELDS, SlotInputs
from lyaopt.slot.problem import SlotProblem

_OPTIONAL_SCALARS = ("noise_psd_dbm_per_hz", "spectrum")


def problem_of(data: dict[str, Any]) -> SlotProblem:
    """Build the problem of a document.

    Parameters
    ----------
    data : dict
        A document in which `lyaopt.slot.schemas.slot_document_errors` finds no error.

    Raises
    ------
    ProblemError
        If frequencies of a table do not increase, magnitudes leave double precision, or devices have more
        bandwidth than there is.
    """
    devices: list[dict[str, Any]] = data["devices"]
    counts = tuple([len(device["services"]) for device in devices])
    fields: dict[str, Any] = {name: float(data.get(name, 0.0)) for name in SCALAR_FIELDS}
    fields |= {name: data.get(name, getattr(SlotInputs, name)) for name in _OPTIONAL_SCALARS}
    fields["noise_psd_dbm_per_hz"] = float(fields["noise_psd_dbm_per_hz"])
    widths = device_bandwidths(data["bandwidth_hz"], [device.get("bandwidth_hz") for device in devices])
    columns = zip(*map(_numbers_of, devices, widths), strict=True)
    fields |= dict(zip(DEVICE_FIELDS, map(_floats, columns), strict=False)) or dict.fromkeys(
        DEVICE_FIELDS, _floats(())
    )
    for name in QUEUE_FIELDS:
        fields[name] = _padded(devices, counts, name, name)
    for name, queue in zip(WEIGHT_FIELDS, QUEUE_FIELDS, strict=True):
        if any(name in service for device in devices for service in device["services"]):
            fields[name] = _padded(devices, counts, name, queue)
    return SlotProblem(
        **fields,
        cpu_points=tuple([_points_of(device) for device in devices]),
        radio=tuple([_radio_of(device) for device in devices]),
        service_counts=counts,
        device_ids=ids_by_position("device", devices),
        service_ids=tuple([ids_by_position("service", device["services"]) for device in devices]),
    )


def _numbers_of(device: dict[str, Any], width: float) -> tuple[float, ...]:
    """The numbers of a device in the order of `DEVICE_FIELDS`; 0 where a measured radio needs none."""
    points = device.get("cpu_points")
    capacity = (
        device["cpu_capacity_hz"] if points is None else device.get("cpu_capacity_hz", points[-1]["hz"])
    )
    power, gain = device.get("max_power_w", 0.0), device.get("channel_gain", 0.0)
    return capacity, power, gain, width


def _points_of(device: dict[str, Any]) -> list[tuple[float, float]] | None:
    points = device.get("cpu_points")
    return None if points is None else [(float(point["hz"]), float(point["power_w"])) for point in points]


def _radio_of(device: dict[str, Any]) -> tuple[float, float] | None:
    radio = device.get("radio")
    return None if radio is None else (float(radio["rate_bps"]), float(radio["power_w"]))


def _floats(values: Any) -> Floats:
    return np.array(values, dtype=np.float64)


def _padded(devices: list[dict[str, Any]], counts: tuple[int, ...], name: str, otherwise: str) -> Floats:
    """A number of every service (M, N), zeros where a device has fewer; by default that of another key."""
    values = np.zeros((len(devices), max(counts, default=0)))
    for row, device in zip(values, devices, strict=True):
        services = device["services"]
        row[: len(services)] = [service.get(name, service[otherwise]) for service in services]
    return values
