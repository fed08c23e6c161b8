"""A slot of one device whose numbers are easy to follow."""

from __future__ import annotations

import math
from typing import Any

from lyaopt import SlotProblem

LN2 = math.log(2)


def slot(**changes: Any) -> SlotProblem:
    """One device, two services, b = b_w / ln 2 = 1, eta = 1, free energy, ample capacities."""
    fields: dict[str, Any] = {
        "slot_duration_s": 1.0,
        "energy_coefficient": 1.0,
        "energy_weight_local": 0.0,
        "energy_weight_transmit": 0.0,
        "edge_capacity_hz": 100.0,
        "cpu_capacity_hz": [100.0],
        "max_power_w": [100.0],
        "channel_gain": [LN2],
        "bandwidth_hz": [LN2],
        "local_queue_cycles": [[3.0, 2.0]],
        "transmit_queue_bits": [[3.0, 2.0]],
        "edge_queue_cycles": [[3.0, 2.0]],
        "noise_psd_dbm_per_hz": 30.0,
    }
    return SlotProblem(**fields | changes)
