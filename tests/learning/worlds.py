"""Small systems with a high load."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lyaopt.learning import VectorSystems
from lyaopt.model.system import Channel, Device, Learning, Service, System, TaskSize


def ragged_system(load: float = 1.0, **settings) -> System:
    """Devices with two, no and one service, one of them without power, at a load that causes queues."""
    devices = (
        Device(
            180.0,
            (
                Service("alexnet", arrival_rate_per_s=6.0 * load),
                Service("hand_landmark", arrival_rate_per_s=3.0 * load),
            ),
        ),
        Device(200.0, ()),
        Device(220.0, (Service("resnet18", arrival_rate_per_s=1.0 * load),), max_power_w=0.0),
    )
    return System(devices, **{"slots_per_period": 7, "edge_capacity_hz": 1e9} | settings)


def own_arrivals() -> System:
    """Services of which each has its own law of arrivals, with tasks of varying size."""
    on_off = {"kind": "on-off", "on_duration_s": 0.2, "off_duration_s": 0.2}
    services = (
        Service("hand_landmark", arrival_rate_per_s=30.0, arrivals={"kind": "periodic", "jitter_s": 0.02}),
        Service("alexnet", 6.0, arrivals={"kind": "batches", "batch_size": 3}, task_size=TaskSize(0.5)),
    )
    return System(
        (
            Device(180.0, services),
            Device(220.0, (Service("alexnet", 6.0, arrivals=on_off, task_size=TaskSize(0.3, "uniform")),)),
        ),
        slots_per_period=7,
    )


SHADOWED = Channel(shadowing_std_db=8.0, shadowing_sojourn_s=1.0)
WITHOUT_ZERO = Learning(exclude_cut_zero=True)


def random_points(systems: VectorSystems, steps: int, seed: int = 0) -> np.ndarray:
    """Allowed points (steps, B, S)."""
    shape = (steps, systems.replications, systems.choices.size)
    return np.random.default_rng(seed).integers(systems.first_choice, systems.choices, shape)


def with_learning(system: System, **settings) -> System:
    return replace(system, learning=replace(system.learning, **settings))
