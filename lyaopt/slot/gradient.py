"""The derivatives of the optimal value of slots by every input, by the envelope theorem."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.slot.edge_gradient import edge_gradient
from lyaopt._kernels.slot.gradient_types import Cotangents, EdgeGradient, LocalGradient, TransmitGradient
from lyaopt._kernels.slot.local_gradient import local_gradient
from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
from lyaopt._kernels.slot.spectrum_gradient import spectrum_gradient
from lyaopt._kernels.slot.transmit_gradient import transmit_gradient
from lyaopt.arrays import Floats
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.batch_fields import device_lanes
from lyaopt.slot.inputs import WEIGHT_FIELDS
from lyaopt.slot.shared_spectrum import SharedSpectrum


@dataclass(frozen=True, eq=False)
class SlotGradient:
    """Derivatives of V, the optimal objective of a slot as minimised (the total of its problems).

    V is differentiable except at kinks, where each derivative is that of one side, or lies between both. By
    an input that is 0 it is that to larger values. Of one slot (M devices, N services each) fields have the
    shapes below. Of a batch they are derivatives of the V of each slot, with an axis of slots before: (B,),
    (B, M) and (B, M, N), also for inputs that all slots share.

    Attributes
    ----------
    slot_duration_s, edge_capacity_hz, noise_psd_dbm_per_hz : float
        By tau, F^e and N_0 in dBm/Hz.
    energy_coefficient, energy_weight_local, energy_weight_transmit : float or (M,) array
        By delta, U^l and U^t: the sum over all devices where the input is a number.
    cpu_capacity_hz, max_power_w, channel_gain, bandwidth_hz : (M,) arrays
        By F^l, p^max, h and b_w. With shared spectrum by what a device adds to the whole: minus the price.
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (M, N) arrays
        By the backlogs: as limit, and as weight where the weight is left out.
    local_weight, transmit_weight, edge_weight : (M, N) arrays
        By the weights, given or not.
    noise_w_per_hz : float
        By N_0 in W/Hz.
    radio_rate_bps, radio_power_w : (M,) arrays
        By the rate and the power of a measured radio; 0 where it is not measured. There are no derivatives by
        the points of `cpu_points`.
    """

    slot_duration_s: Any
    energy_coefficient: Any
    energy_weight_local: Any
    energy_weight_transmit: Any
    edge_capacity_hz: Any
    cpu_capacity_hz: Floats
    max_power_w: Floats
    channel_gain: Floats
    bandwidth_hz: Floats
    local_queue_cycles: Floats
    transmit_queue_bits: Floats
    edge_queue_cycles: Floats
    noise_psd_dbm_per_hz: Any
    local_weight: Floats
    transmit_weight: Floats
    edge_weight: Floats
    noise_w_per_hz: Any
    radio_rate_bps: Floats
    radio_power_w: Floats

    def first_slot(self) -> SlotGradient:
        """Return the gradient of the first slot of a batch, without the axis of slots."""
        first: dict[str, Any] = {field.name: getattr(self, field.name)[0] for field in fields(self)}
        for name, value in first.items():
            first[name] = value if np.ndim(value) else float(value)
        return SlotGradient(**first)


class Allocations(NamedTuple):
    """What the kernels wrote for a batch.

    Attributes
    ----------
    local, transmit, edge : named tuples
        The allocations of Problems 3, 4 and 5.
    spectrum : SharedSpectrum or None
        Bandwidths and price of a shared spectrum.
    """

    local: LocalAllocation
    transmit: TransmitAllocation
    edge: EdgeAllocation
    spectrum: SharedSpectrum | None


def gradient_of(batch: SlotBatch, solved: Allocations) -> SlotGradient:
    """Differentiate the optimal value of every slot of a batch.

    Parameters
    ----------
    batch : SlotBatch
        The slots.
    solved : Allocations
        Their solution.

    Returns
    -------
    SlotGradient
    """
    shape = batch.shape
    slots, devices, services = shape
    local = LocalGradient(*_empty(LocalGradient, services, devices * slots))
    transmit = TransmitGradient(*_empty(TransmitGradient, services, devices * slots))
    edge = EdgeGradient(*_empty(EdgeGradient, services * devices, slots))
    if 0 not in shape:
        local_gradient(batch._general_local, solved.local, _VALUE, local)
        _write_transmit(batch, solved, transmit)
        edge_gradient(batch._general_edge, solved.edge, _VALUE, edge)

    def per_device(lanes: Floats) -> Floats:
        return lanes.reshape(devices, slots).T

    def like(name: str, lanes: Floats) -> Floats:
        return per_device(lanes) if np.ndim(getattr(batch, name)) else per_device(lanes).sum(axis=1)

    noise = per_device(transmit.noise).sum(axis=1)
    return SlotGradient(
        slot_duration_s=per_device(local.tau).sum(axis=1) + per_device(transmit.tau).sum(axis=1) + edge.tau,
        energy_coefficient=like("energy_coefficient", local.delta),
        energy_weight_local=like("energy_weight_local", local.energy_weight),
        energy_weight_transmit=like("energy_weight_transmit", transmit.energy_weight),
        edge_capacity_hz=edge.capacity,
        cpu_capacity_hz=per_device(local.capacity),
        max_power_w=per_device(transmit.max_power),
        channel_gain=per_device(transmit.gain),
        bandwidth_hz=_by_bandwidth(batch, solved, per_device(transmit.bandwidth)),
        noise_psd_dbm_per_hz=noise * batch.noise_w_per_hz * math.log(10.0) / 10.0,
        noise_w_per_hz=noise,
        radio_rate_bps=per_device(transmit.radio_rate),
        radio_power_w=per_device(transmit.radio_power),
        **_of_services(batch, (local, transmit, edge)),
    )


_VALUE = Cotangents(np.empty((0, 0)), np.empty(0), np.ones(1))


def _write_transmit(batch: SlotBatch, solved: Allocations, gradient: TransmitGradient) -> None:
    """Differentiate Problem 4; devices that share the spectrum have the derivatives of their bands."""
    problem, spectrum = batch._general_transmit, solved.spectrum
    if spectrum is None:
        transmit_gradient(problem, solved.transmit, _VALUE, gradient)
        return
    own = problem._replace(bandwidth=device_lanes(spectrum.bandwidth_hz))
    transmit_gradient(own, solved.transmit, _VALUE, gradient)
    pooled = spectrum.allocation(solved.transmit)
    spectrum_gradient(problem, pooled, gradient.limits, gradient.max_power, gradient.gain)


def _empty(kind: Any, items: int, lanes: int) -> list[Floats]:
    """Arrays of a gradient, with zeros where there is nothing to differentiate."""
    new = np.zeros if 0 in (items, lanes) else np.empty
    return [new((items, lanes)), new((items, lanes)), *(new(lanes) for _ in kind._fields[2:])]


def _by_bandwidth(batch: SlotBatch, solved: Allocations, own: Floats) -> Floats:
    if solved.spectrum is None:
        return own
    price = np.asarray(batch.slot_duration_s) * solved.spectrum.multiplier
    pooled = np.array([entry is None for entry in batch.radio or [None] * batch.shape[1]])
    return np.where(pooled, -price[:, None], 0.0)


def _of_services(batch: SlotBatch, gradients: tuple[Any, ...]) -> dict[str, Floats]:
    """Derivatives by weights and backlogs, (B, M, N) each."""
    queues = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
    found = {}
    for queue, weight, gradient in zip(queues, WEIGHT_FIELDS, gradients, strict=True):
        limits = gradient.limits
        if getattr(batch, weight) is None:
            limits = limits + gradient.weights
        for name, lanes in ((queue, limits), (weight, gradient.weights)):
            found[name] = lanes.reshape(batch.shape[::-1]).T
    return found
