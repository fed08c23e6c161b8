"""What one slot holds, for references that take a `SlotProblem` or the numbers of one slot of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS, SlotInputs
from lyaopt.slot.problem import SlotProblem

_BY_SLOT = ("slot_duration_s", "edge_capacity_hz")
_BY_DEVICE = (
    "cpu_capacity_hz",
    "max_power_w",
    "bandwidth_hz",
    "energy_coefficient",
    "energy_weight_local",
    "energy_weight_transmit",
)


def take_slot(batch: SlotBatch, index: int) -> SlotInputs:
    """Take a slot out of a batch, with the numbers that it has in this slot.

    Parameters
    ----------
    batch : SlotBatch
        The slots.
    index : int
        Position of the slot, from 0.

    Returns
    -------
    SlotInputs
        As in a `SlotProblem`, but delta, U^l and U^t may be arrays (M,).
    """
    fields = {name: getattr(batch, name) for name in SlotInputs.__dataclass_fields__}
    for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS, "channel_gain"):
        if fields[name] is not None:
            fields[name] = fields[name][index]
    for names, full in ((_BY_SLOT, 1), (_BY_DEVICE, 2)):
        for name in names:
            if np.ndim(fields[name]) == full:
                fields[name] = fields[name][index]
    if batch.radio is not None:
        fields["radio"] = tuple(None if entry is None else entry[:, index] for entry in batch.radio)
    return SlotInputs(**fields)


def to_problem(batch: SlotBatch, index: int) -> SlotProblem:
    """Take a slot out of a batch as a problem of its own.

    Parameters
    ----------
    batch : SlotBatch
        The slots.
    index : int
        Position of the slot, from 0.

    Raises
    ------
    ProblemError
        If devices differ in delta, U^l or U^t, which a problem has once.
    """
    fields = vars(take_slot(batch, index))
    for name in ("energy_coefficient", "energy_weight_local", "energy_weight_transmit"):
        values = np.unique(fields[name])
        fields[name] = float(values[0]) if values.size == 1 else fields[name]
    counts = batch.service_counts
    if counts is not None:
        of_slot = counts if counts.ndim == 1 else counts[index]
        fields["service_counts"] = tuple(of_slot.tolist())
    return SlotProblem(**fields)


def of_device(values: Any, device: int) -> float:
    """Return a parameter of one device, of a number or an array (M,).

    Parameters
    ----------
    values : float or (M,) array
        The parameter.
    device : int
        Index of the device.
    """
    return float(values if np.ndim(values) == 0 else values[device])


def weights_of(slot: SlotInputs, stage: str) -> Floats:
    """Return the weights w of a stage (M, N): those given, or the backlogs.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    stage : {"local", "transmit", "edge"}
        Which of the three problems.
    """
    place = ("local", "transmit", "edge").index(stage)
    weights = getattr(slot, WEIGHT_FIELDS[place])
    return np.asarray(getattr(slot, QUEUE_FIELDS[place]) if weights is None else weights)


def table_of(slot: SlotInputs, device: int) -> Any:
    """Return the operating points of the CPU of a device, or None where its energy is cubic.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    device : int
        Index of the device.
    """
    return None if slot.cpu_points is None else slot.cpu_points[device]


def radio_of(slot: SlotInputs, device: int) -> Any:
    """Return the (rate, power) of a measured radio, or None where the rate is Shannon's.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    device : int
        Index of the device.
    """
    return None if slot.radio is None else slot.radio[device]
