"""Systems that tests run."""

from __future__ import annotations

from lyaopt import Device, Service, System
from lyaopt.live import NetworkOptions, SessionOptions
from lyaopt.model.device_energies import MeasuredRadio
from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.profiles.measurement import Measurement

TINY = "tests.live.tiny_network:build"


def two_devices(rate_bps: float = 2e7) -> System:
    """Two services on one device, one on another."""
    radio = MeasuredRadio(rate_bps, 0.5)
    service = Service("resnet18", arrival_rate_per_s=5.0)
    return System(
        (
            Device(150.0, (service, service), radio=radio, id="camera"),
            Device(150.0, (service,), radio=radio, cpu_capacity_hz=1e9, id="phone"),
        ),
        edge_capacity_hz=4e9,
    )


def options(system: System, target: str = TINY, rounds: int = 3) -> SessionOptions:
    return SessionOptions((NetworkOptions(target),) * len(system.services), rounds, drain_s=20.0)


def measured_service(head_s, tail_s, bits, cpu_hz=1e9) -> Service:
    """A service whose halves take given times at `cpu_hz`, on the device and at the edge."""
    count = len(bits)
    times = Measurement("none", "none", cpu_hz, 1, 1, head_s, tail_s, (0.0,) * count, (0.0,) * count)
    cuts = tuple(Cut(f"layer{k}", 100 * k, bits[k]) for k in range(count))
    profile = Profile("made", "by hand", bits[0], 100 * (count - 1), 32, cuts, times)
    return Service(profile, arrival_rate_per_s=1.0, work="measured")
