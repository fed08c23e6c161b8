"""Random batches of the general regimes for property tests, and what can be asked of their solutions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lyaopt import SlotBatch
from lyaopt.slot.batch_solution import BatchSolution
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS, SlotInputs
from lyaopt.verify.decimal_reference import Verdict, judge
from lyaopt.verify.random_problems import GENERAL_REGIMES, random_batch, take_slot

RATES = ("local_cpu_hz", "rate_bps", "edge_cpu_hz")
SERVED = (*RATES, "cpu_hz", "power_w", "local_multiplier", "transmit_multiplier", "edge_multiplier")
# Regimes in which rates, not only objectives, are well determined.
STEADY = tuple(
    regime for regime in GENERAL_REGIMES if "boundary" not in regime and regime != "weights-low-signal"
)
methods = st.sampled_from(["exact", "bisection"])


@st.composite
def general_batches(draw: st.DrawFn, regimes: tuple[str, ...] = GENERAL_REGIMES, slots: int = 3) -> SlotBatch:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    devices, services = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 4, 5, 8, 9, 33]))
    return random_batch(draw(st.sampled_from(regimes)), slots, rng, devices, services)


def weighted(batch: SlotBatch) -> dict[str, np.ndarray]:
    """The weights of a batch by name: given ones, or the backlogs."""
    fields = zip(WEIGHT_FIELDS, QUEUE_FIELDS, strict=True)
    return {w: getattr(batch, q if getattr(batch, w) is None else w) for w, q in fields}


def with_items(batch: SlotBatch, change: Any) -> SlotBatch:
    """Apply a function to every array of items (B, M, N), weights included."""
    fields = {name: getattr(batch, name) for name in QUEUE_FIELDS} | weighted(batch)
    return replace(batch, **{name: change(values) for name, values in fields.items()})


def one_slot(batch: SlotBatch, index: int) -> SlotBatch:
    """A batch of one slot of a batch."""
    fields: dict[str, Any] = dict(vars(take_slot(batch, index)))
    for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS, "channel_gain"):
        fields[name] = None if fields[name] is None else fields[name][None]
    return SlotBatch(**fields)


def verdicts(batch: SlotBatch, solution: BatchSolution) -> list[Verdict]:
    """What decimal arithmetic says of every slot."""
    return [verdict_of(take_slot(batch, i), solution, i) for i in range(batch.shape[0])]


def verdict_of(slot: SlotInputs, solution: BatchSolution, index: int) -> Verdict:
    found = (getattr(solution, name)[index] for name in RATES)
    return judge(slot, *found, solution.power_w[index])
