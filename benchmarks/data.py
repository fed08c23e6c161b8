"""Slots for the benchmarks: the default system with backlogs of all magnitudes that occur."""

from __future__ import annotations

import numpy as np

from lyaopt import SlotBatch, SlotProblem

MEAN_GAIN = 6e-11  # at 200 m with the default channel


def batch(slots: int, devices: int = 4, services: int = 2, seed: int = 1) -> SlotBatch:
    """Return random slots in which energy, capacity and backlog each limit some of the devices."""
    rng = np.random.default_rng(seed)
    shape = (services, devices, slots)  # the memory order of the kernels; transposed below
    return SlotBatch(
        slot_duration_s=0.01,
        energy_coefficient=1e-28,
        energy_weight_local=1e17,
        energy_weight_transmit=1e13,
        edge_capacity_hz=20e9,
        cpu_capacity_hz=np.full(devices, 1.5e9),
        max_power_w=np.full(devices, 0.3),
        channel_gain=rng.exponential(MEAN_GAIN, shape[1:]).T,
        bandwidth_hz=np.full(devices, 1e6 / devices),
        local_queue_cycles=10 ** rng.uniform(5, 9, shape).T,
        transmit_queue_bits=10 ** rng.uniform(3, 7, shape).T,
        edge_queue_cycles=10 ** rng.uniform(5, 9, shape).T,
    )


def problems(count: int, devices: int = 4, services: int = 2) -> list[SlotProblem]:
    """Return the same slots one by one."""
    many = batch(count, devices, services)
    shared = {
        name: getattr(many, name)
        for name in SlotBatch.__dataclass_fields__
        if not name.endswith(("queue_cycles", "queue_bits", "channel_gain"))
    }
    return [
        SlotProblem(
            **shared,
            channel_gain=many.channel_gain[slot],
            local_queue_cycles=many.local_queue_cycles[slot],
            transmit_queue_bits=many.transmit_queue_bits[slot],
            edge_queue_cycles=many.edge_queue_cycles[slot],
        )
        for slot in range(count)
    ]
