"""What the general slot problems cost beside the paper's: weights, parameters by slot, tables, spectrum."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.data import batch
from lyaopt import SlotBatch, solve_slots

GROUP = "General problems, batch of 20,000 slots, M = 4, N = 2"
SLOTS = 20_000
SHAPES = {(4, 1): 20_000, (4, 2): 20_000, (4, 3): 8_000, (4, 8): 2_000, (4, 40): 500, (1, 3000): 20}
MOST_FOR_WEIGHTS = 1.6
MOST_FOR_SPECTRUM_S = 3e-6


def weighted(slots: SlotBatch, seed: int = 2) -> SlotBatch:
    """Give every queue a weight within a factor of ten of its backlog."""
    rng = np.random.default_rng(seed)

    def near(queue):
        return queue * 10 ** rng.uniform(-1, 1, queue.shape[::-1]).T

    return replace(
        slots,
        local_weight=near(slots.local_queue_cycles),
        transmit_weight=near(slots.transmit_queue_bits),
        edge_weight=near(slots.edge_queue_cycles),
    )


def by_slot(slots: SlotBatch) -> SlotBatch:
    """Give every slot a length, capacities and weights of energy of its own."""
    count, devices, _ = slots.shape
    rng = np.random.default_rng(3)
    each = rng.uniform(0.9, 1.1, (devices, count)).T
    return replace(
        slots,
        slot_duration_s=0.01 * each[:, 0],
        edge_capacity_hz=slots.edge_capacity_hz * each[:, 1],
        cpu_capacity_hz=slots.cpu_capacity_hz * each,
        max_power_w=slots.max_power_w * each,
        energy_weight_local=slots.energy_weight_local * each,
        energy_weight_transmit=slots.energy_weight_transmit * each,
    )


def with_tables(slots: SlotBatch) -> SlotBatch:
    """Give every device a table of eight operating points on the cubic law."""
    hz = 1.5e9 * np.arange(1, 9) / 8
    return replace(slots, cpu_points=[np.column_stack([hz, 1e-28 * hz**3])] * slots.shape[1])


def alternating(*batches: SlotBatch, rounds: int = 30) -> list[float]:
    """Return the least time of each batch into earlier arrays, a slot; they take turns."""
    earlier = [solve_slots(slots) for slots in batches]
    least = [np.inf] * len(batches)
    for _ in range(rounds):
        for i, slots in enumerate(batches):
            begin = time.perf_counter()
            solve_slots(slots, out=earlier[i])
            least[i] = min(least[i], (time.perf_counter() - begin) / slots.shape[0])
    return least


def test_kinds_of_general_problems(record):
    plain = batch(SLOTS)
    contenders = {
        "lyaopt, the paper's problems": plain,
        "with weights": weighted(plain),
        "with parameters by slot": by_slot(plain),
        "with tables of eight operating points": with_tables(plain),
        "with shared spectrum": replace(plain, spectrum="shared"),
    }
    times = alternating(*contenders.values())
    for name, seconds in zip(contenders, times, strict=True):
        record.time(GROUP, name, seconds, "slot")
    met = times[-1] <= MOST_FOR_SPECTRUM_S
    record.require("shared spectrum, a slot at M = 4, N = 2", "3 us", f"{times[-1] * 1e6:.2f} us", met)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}")
def test_weights_cost_little(record, shape):
    plain = batch(SHAPES[shape], *shape)
    without, given = alternating(plain, weighted(plain))
    record.require(
        f"weights, M = {shape[0]}, N = {shape[1]}, against none",
        f"{MOST_FOR_WEIGHTS}",
        f"{given / without:.2f}",
        given <= MOST_FOR_WEIGHTS * without,
    )
