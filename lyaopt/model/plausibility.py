"""Values of a scenario that are allowed but hardly meant, see lyaopt.slot.plausibility."""

from __future__ import annotations

from lyaopt.model.system import Device, System
from lyaopt.slot.plausibility import Doubt, doubts_about, doubts_about_points, doubts_about_radio

_SYSTEM = (
    "slot_duration_s",
    "bandwidth_hz",
    "noise_psd_dbm_per_hz",
    "edge_capacity_hz",
    "energy_coefficient",
    "cycles_per_mac",
)


def doubts_of_system(system: System) -> list[Doubt]:
    """List what is hardly meant in a scenario, by places in its file.

    Parameters
    ----------
    system : System
        Of the scenario.
    """
    found: list[Doubt] = []
    for field in _SYSTEM:
        found += doubts_about(f"$.system.{field}", field, float(getattr(system, field)))
    found += doubts_about("$.channel.carrier_hz", "carrier_hz", float(system.channel.carrier_hz))
    for m, device in enumerate(system.devices):
        found += _doubts_of_device(f"$.devices[{m}]", device)
    gains = system.mean_channel_gain().tolist()
    for m, gain in enumerate(gains):
        for _, reason in doubts_about("", "channel_gain", gain):
            found.append(Doubt(f"$.devices[{m}].distance_m", f"the mean channel gain of {reason}"))
    return found


def _doubts_of_device(path: str, device: Device) -> list[Doubt]:
    found: list[Doubt] = []
    fields = ["distance_m", "cpu_capacity_hz"] + ["max_power_w"] * (device.radio is None)
    for field in fields + ["bandwidth_hz"] * (device.bandwidth_hz is not None):
        found += doubts_about(f"{path}.{field}", field, float(getattr(device, field)))
    points = [(point.hz, point.power_w) for point in device.cpu_points or ()]
    found += doubts_about_points(f"{path}.cpu_points", points)
    found += doubts_about(f"{path}.idle_power_w", "idle_power_w", float(device.idle_power_w))
    if device.radio is not None:
        found += doubts_about_radio(f"{path}.radio", device.radio.rate_bps, device.radio.power_w)
        for field in ("slope_w_per_mbps", "idle_power_w", "tail_s", "tail_power_w"):
            found += doubts_about(f"{path}.radio.{field}", field, float(getattr(device.radio, field)))
    for n, service in enumerate(device.services):
        place = f"{path}.services[{n}].arrival_rate_per_s"
        found += doubts_about(place, "arrival_rate_per_s", float(service.arrival_rate_per_s))
    return found
