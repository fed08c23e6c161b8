"""Calls of the C library through ctypes, with arrays between guard values."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from lyaopt import SlotProblem
from lyaopt.installation import c_library

LIBRARY, WHY_NOT = c_library()
Doubles = NDArray[np.float64]
OK, BAD_SIZE, NULL, BAD_VALUE, SMALL_WORKSPACE, NOT_CERTIFIED = range(6)
pointer = ctypes.POINTER(ctypes.c_double)
SYSTEM = ("slot_duration_s", "energy_coefficient", "energy_weight_local", "energy_weight_transmit")
DEVICES = ("cpu_capacity_hz", "max_power_w", "bandwidth_hz", "channel_gain")
QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
WEIGHTS = ("local_weight", "transmit_weight", "edge_weight")
SERVICES_OUT, DEVICES_OUT = ("local_cpu_hz", "rate_bps", "edge_cpu_hz"), ("cpu_hz", "power_w")
CERTIFICATE = ("local", "transmit", "edge", "edge_price", "relative_gap", "max_violation")
CANARY = -7.25


class System(ctypes.Structure):
    _fields_ = [(name, ctypes.c_double) for name in (*SYSTEM, "edge_capacity_hz", "noise_psd_w_per_hz")]


class State(ctypes.Structure):
    _fields_ = [(name, pointer) for name in (*DEVICES, *QUEUES, *WEIGHTS)]


class Allocation(ctypes.Structure):
    _fields_ = [(name, pointer) for name in (*SERVICES_OUT, *DEVICES_OUT)]


class Certificate(ctypes.Structure):
    _fields_ = [(name, ctypes.c_double) for name in CERTIFICATE]


def load_library() -> ctypes.CDLL:
    """The library, with the types of what it returns."""
    assert LIBRARY is not None, WHY_NOT
    found = ctypes.CDLL(str(LIBRARY))
    for name in ("lyaopt_slot_workspace", "lyaopt_batch_workspace"):
        getattr(found, name).restype = ctypes.c_size_t
        getattr(found, name).argtypes = [ctypes.c_int64] * (2 + name.count("batch"))
    found.lyaopt_message.restype = found.lyaopt_version.restype = ctypes.c_char_p
    return found


class Call:
    """Arguments of a call for one slot or a batch of slots, between guard values."""

    def __init__(self, library, batch, slot=None):
        self.library = library
        slots, devices, services = batch.shape
        self.sizes = [devices, services] + ([slots] if slot is None else [])
        scalars = [getattr(batch, name) for name in SYSTEM]
        self.system = System(*scalars, batch.edge_capacity_hz, batch.noise_w_per_hz)
        pick = (lambda array: array.T) if slot is None else (lambda array: array[slot].T)
        inputs = [getattr(batch, name) for name in DEVICES[:-1]]
        inputs += [pick(getattr(batch, name)) for name in ("channel_gain", *QUEUES)]
        self.inputs = [np.ascontiguousarray(array, np.float64) for array in inputs]
        self.state = State(*(array.ctypes.data_as(pointer) for array in self.inputs))
        self.weights = {}
        for name in WEIGHTS:
            if (weight := getattr(batch, name)) is not None:
                self.weights[name] = np.ascontiguousarray(pick(weight), np.float64)
                setattr(self.state, name, self.weights[name].ctypes.data_as(pointer))
        slots = slots if slot is None else 1
        counts = [services * devices * slots] * 3 + [devices * slots] * 2
        self.guarded = [np.full(count + 2, CANARY) for count in counts]
        self.allocation = Allocation(*(array[1:].ctypes.data_as(pointer) for array in self.guarded))
        kind = "batch" if slot is None else "slot"
        self.needed = getattr(library, f"lyaopt_{kind}_workspace")(*self.sizes)
        self.workspace = np.full(self.needed + 2, CANARY)
        self.size = self.needed
        self.certificate = Certificate()
        self.function = getattr(library, f"lyaopt_solve_{kind}")
        self.certified = [ctypes.byref(self.certificate)] if slot is not None else []

    def __call__(self) -> int:
        arguments = [*map(ctypes.c_int64, self.sizes)]
        arguments += [ctypes.byref(part) for part in (self.system, self.state, self.allocation)]
        work = self.workspace[1:].ctypes.data_as(pointer)
        return int(self.function(*arguments, *self.certified, work, ctypes.c_size_t(self.size)))

    @property
    def answers(self) -> list[Doubles]:
        return [array[1:-1] for array in self.guarded]

    def check_guards(self) -> None:
        for array in (*self.guarded, self.workspace):
            assert array[0] == array[-1] == CANARY

    def check_nothing_written(self) -> None:
        for array in (*self.guarded, self.workspace):
            assert (array == CANARY).all()


def slot_of(batch, slot):
    """A slot of a batch as a problem."""
    scalars = {name: getattr(batch, name) for name in (*SYSTEM, "edge_capacity_hz", "noise_psd_dbm_per_hz")}
    rows = {name: getattr(batch, name) for name in DEVICES[:-1]}
    weights = {name: getattr(batch, name) for name in WEIGHTS}
    weights = {name: values[slot] for name, values in weights.items() if values is not None}
    queues = {name: getattr(batch, name)[slot] for name in (*QUEUES, "channel_gain")}
    return SlotProblem(**scalars, **rows, **queues, **weights)
