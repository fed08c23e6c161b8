"""Fields of a batch: what may be a number, or differ between devices and slots, and views for the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lyaopt.arrays import Floats, as_floats, as_numbers, as_scalar, check_array, is_real, known_shape
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS, path_of_entry

if TYPE_CHECKING:
    from lyaopt.slot.batch import SlotBatch

_POSITIVE = ("slot_duration_s", "bandwidth_hz")


def as_parameter(value: Any, name: str, full: tuple[int, ...], *, per_device: bool = False) -> Any:
    """Check a parameter that is a number, or an array that broadcasts to the slots.

    Parameters
    ----------
    value : float or array_like
        The parameter.
    name : str
        Name of the field, for the error.
    full : tuple of int
        Its shape if it differs in every way that it may: (B,) or (B, M).
    per_device : bool
        Whether a number becomes an array (M,), too.

    Returns
    -------
    float, (M,) array, or array of shape `full` in Fortran's order

    Raises
    ------
    ProblemError
        If it does not broadcast, or an entry is not a finite number >= 0 (> 0 where it must be).
    """
    positive = name in _POSITIVE
    if is_real(value):
        number = as_scalar(value, name, positive=positive)
        return np.full(full[1], number) if per_device else number
    shape = known_shape(value)
    if shape is None or not _broadcasts(shape, full):
        hint = "; [:, None] makes one number a slot" if len(full) == 2 else ""
        expected = f"expected a number, or an array that broadcasts to {full}{hint}"
        got = "rows of different lengths" if shape is None else f"shape {shape}"
        raise ProblemError(f"$.{name}", f"{expected}, got {got}")
    array = as_floats(value, name, shape, "F")
    array = check_array(array, lambda index: path_of_entry(name, index), positive=positive)
    if len(full) == 2 and shape == full[1:]:
        return array
    return array if shape == full else np.array(np.broadcast_to(array, full), order="F")


def _broadcasts(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    if shape and shape == full[-len(shape) :]:  # the usual case
        return True
    try:
        return np.broadcast_shapes(shape, full) == full
    except ValueError:
        return False


def check_counts(batch: SlotBatch) -> None:
    """Check the numbers of services, and that nothing lies beyond them.

    Parameters
    ----------
    batch : SlotBatch
        Its `service_counts` are replaced by an array of int.

    Raises
    ------
    ProblemError
        If they are not whole numbers from 0 to N for every device, or a queue or weight beyond is not 0.
    """
    slots, devices, services = batch.shape
    if batch.service_counts is None:
        return
    given = batch.service_counts
    try:
        counts = as_numbers(given, "service_counts")
    except ProblemError:
        counts = np.asarray(None)
    fits = counts.dtype.kind in "iu" and counts.shape in ((devices,), (slots, devices))
    if not fits or (counts.size and not (counts.min() >= 0 and counts.max() <= services)):
        reason = f"expected whole numbers in 0..{services}, of shape ({devices},) or ({slots}, {devices})"
        raise ProblemError("$.service_counts", reason)
    vars(batch)["service_counts"] = counts.astype(np.int64)
    beyond = np.arange(services) >= np.broadcast_to(counts, (slots, devices))[..., None]
    for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS):
        values = getattr(batch, name)
        if values is not None and (values * beyond).any():
            index = tuple(int(i) for i in np.argwhere(values * beyond)[0])
            reason = f"expected 0 beyond the device's services, got {values[index]}"
            raise ProblemError(path_of_entry(name, index), reason)


def lane_parameter(value: Any) -> Floats:
    """View a checked parameter for the kernels: (1,), (M,) or (M B,).

    Parameters
    ----------
    value : float, (M,) array or (B, M) array
        As `as_parameter` returns.
    """
    return device_lanes(value) if np.ndim(value) == 2 else np.atleast_1d(value)


def device_lanes(values: Floats) -> Floats:
    """View an array of a batch for the kernels, with one lane for each device and slot.

    Parameters
    ----------
    values : (B, M, N) or (B, M) array
        In Fortran's order; an array in another order is copied.

    Returns
    -------
    ndarray (N, M B) or (M B,)
        Lane m B + b belongs to device m in slot b.
    """
    return np.ascontiguousarray(values.T).reshape(*values.shape[2:], values.shape[0] * values.shape[1])


def slot_lanes(queues: Floats) -> Floats:
    """View an array of a batch for the kernel of the edge, with one lane for each slot.

    Parameters
    ----------
    queues : (B, M, N) array
        In Fortran's order; an array in another order is copied.

    Returns
    -------
    ndarray (N M, B)
    """
    return np.ascontiguousarray(queues.T).reshape(queues.shape[1] * queues.shape[2], queues.shape[0])
