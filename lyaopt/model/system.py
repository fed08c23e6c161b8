"""The system to simulate: devices, their services, the channels and the edge server.

Symbols are those of the paper; all units are SI. Constructors check all values and raise `DocumentError`,
with paths relative to the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic.dataclasses import dataclass

from lyaopt.arrays import Floats, read_only, restore_read_only
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Count, Expected, Finite, Id, NonNegative, Positive, Spectrum
from lyaopt.io.ids import ids_by_position, structure_errors
from lyaopt.io.strict_json import show_path
from lyaopt.model.arrival_laws import ArrivalLaw, OwnArrivals, TaskSize, with_rate_of_times
from lyaopt.model.device_energies import (
    MeasuredRadio,
    OperatingPoint,
    check_frequencies,
)
from lyaopt.model.edges import Edge, Link, Links, edge_errors
from lyaopt.model.known_hardware import fields_of_device
from lyaopt.model.profiles import Profile
from lyaopt.model.profiles.cached import cached_profile
from lyaopt.model.settings import Arrivals, Channel, Learning
from lyaopt.model.signals import signal_errors
from lyaopt.model.task_tables import TaskTables, task_tables
from lyaopt.slot.bandwidths import device_bandwidths
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.slot.tables import Curves, Point, hull_within, make_curves

__all__ = [
    "ArrivalLaw",
    "Arrivals",
    "Channel",
    "Device",
    "Learning",
    "MeasuredRadio",
    "OperatingPoint",
    "Service",
    "System",
    "TaskSize",
]

Integers = NDArray[np.int64]
Work = Annotated[Literal["macs", "measured"], Expected('"macs" or "measured"')]


def _as_model(value: Any) -> str | Profile:
    if isinstance(value, Profile) or (isinstance(value, str) and value):
        return value
    raise ValueError


_Model = Annotated[
    str | Profile,
    PlainValidator(_as_model),
    WithJsonSchema({"type": "string", "minLength": 1}),
    Expected("the name of a shipped profile or the path of a profile"),
]


@checked
@dataclass(frozen=True, config=STRICT)
class Service:
    """One service of a device: one DNN, and the rate at which its tasks arrive."""

    model: _Model
    """The DNN: name of a shipped profile, or path to one. In Python also a `Profile`."""
    arrival_rate_per_s: NonNegative = 0.2
    """lambda, mean number of new tasks per second."""
    id: Id | None = None
    """Name, unique on its device; ``service-0`` and so on by position by default."""
    waiting_cost_j_per_s: NonNegative | None = None
    """theta, the energy that a second of a task's latency is worth, in J/s; that of the system by default."""
    work: Work = "macs"
    """Cycles of a task: ``macs``, its multiply-accumulates times rho, or ``measured``, those of the profile's
    measured times."""
    arrivals: OwnArrivals = ArrivalLaw()
    """Law of the arrivals, whose mean rate is `arrival_rate_per_s`; Poisson by default."""
    task_size: TaskSize | None = None
    """How the work of tasks varies; all alike by default."""

    _rate_of_times = model_validator(mode="before")(with_rate_of_times)

    def __post_init__(self) -> None:
        self.arrivals.check_rate(self.arrival_rate_per_s)
        try:
            measured = self.profile.measured
        except ProblemError as error:
            line = getattr(error, "line", None)
            # With a path inside the profile's file, if there is one.
            place = "" if error.path == "$" and line is None else f"{self.model}: {error.path}: "
            raise ProblemError("$.model", place + error.reason) from None
        if self.work == "measured" and measured is None:
            reason = f"expected macs, as {self.profile.name} has no measured times (lyaopt profile --measure)"
            raise ProblemError("$.work", reason)

    @cached_property
    def profile(self) -> Profile:
        """Legal cuts of the DNN."""
        return self.model if isinstance(self.model, Profile) else cached_profile(self.model)


@checked
@dataclass(frozen=True, config=STRICT)
class Device:
    """One device, and the services that it runs."""

    distance_m: Positive
    """d, distance from the edge server, in metres; where the device starts if it moves."""
    services: tuple[Service, ...]
    """N_m services; N_m may differ between devices."""
    cpu_capacity_hz: NonNegative = 1.5e9
    """F^l, in cycles per second; with `cpu_points` their last frequency by default, which also bounds it."""
    max_power_w: NonNegative = 0.3
    """p^max, in watts; without effect with `radio`."""
    bandwidth_hz: Positive | None = None
    """b_w, the device's own bandwidth, in hertz; by default an equal share of what the others leave."""
    cpu_points: tuple[OperatingPoint, ...] | None = None
    """Operating points of the CPU by increasing frequency, in place of the cubic law."""
    radio: MeasuredRadio | None = None
    """The radio as measured, in place of Shannon's rate."""
    edges: tuple[Link, ...] | None = None
    """The edge servers that it reaches, where there are several; by default all, from `distance_m`."""
    idle_power_w: NonNegative = 0.0
    """Power that the device always draws beside its radio, in watts. It is booked, not optimised."""
    id: Id | None = None
    """Name, unique in the scenario; ``device-0`` and so on by position by default."""

    _fields = model_validator(mode="before")(fields_of_device)

    def __post_init__(self) -> None:
        if self.cpu_points is not None:
            check_frequencies(self.cpu_points)


@checked
@dataclass(frozen=True, config=STRICT)
class System:
    """Devices that share one edge server, with all settings of a simulation.

    Arrays count services device by device (S of them) and devices in order (M). Cuts k are the columns of the
    tables of cycles and bits; DNNs with fewer cuts than others repeat their last one (no bits, all local).
    """

    devices: tuple[Device, ...]
    """M devices, at least one, with at least one service."""
    slot_duration_s: Positive = 0.01
    """tau, in seconds."""
    slots_per_period: Count = 10
    """G, slots in a partition adjustment period."""
    cycles_per_mac: Positive = 0.12
    """rho, CPU cycles per multiply-accumulate."""
    edge_capacity_hz: NonNegative = 20e9
    """F^e, in cycles per second; without effect with `edges`."""
    bandwidth_hz: Positive = 1e6
    """B_w, in hertz; devices without a bandwidth of their own share equally what the others leave of it."""
    spectrum: Spectrum = "split"
    """``split``: each device keeps its bandwidth. ``shared``: all share the sum, as is best in each slot,
    except under a policy that allocates by shares: there each device keeps its own."""
    noise_psd_dbm_per_hz: Finite = -174.0
    """N_0, in dBm/Hz."""
    energy_coefficient: NonNegative = 1e-28
    """delta of the CPU energy tau delta f^3, in W s^3; without effect on devices with `cpu_points`."""
    energy_weight_local: NonNegative = 1e17
    """Lyapunov weight U^l of local energy against backlog."""
    energy_weight_transmit: NonNegative = 1e13
    """Lyapunov weight U^t of transmit energy against backlog."""
    waiting_cost_j_per_s: NonNegative | None = None
    """theta, energy that a second of a task's latency is worth, in J/s, for services without their own."""
    channel: Channel = field(default_factory=Channel)
    arrivals: Arrivals = field(default_factory=Arrivals)
    learning: Learning = field(default_factory=Learning)
    edges: tuple[Edge, ...] | None = None
    """Several edge servers, in place of one of `edge_capacity_hz`."""

    __setstate__ = restore_read_only

    def __post_init__(self) -> None:
        errors = list(self._structure_errors()) or list(signal_errors(self))
        if errors:
            raise DocumentError(errors)

    def _structure_errors(self) -> Iterator[tuple[str, str]]:
        named = [_named(device) | {"services": [*map(_named, device.services)]} for device in self.devices]
        for path, reason in structure_errors(named):
            yield show_path(path), reason
        if not any(device.services for device in self.devices):
            yield "$.devices", "expected at least one device with a service, got none"
        for m in np.flatnonzero(np.isinf(self.idle_power_w)).tolist():
            yield f"$.devices[{m}].idle_power_w", "expected a finite sum with that of the radio, got infinity"
        yield from edge_errors(self)
        for check in (lambda: noise_w_per_hz(self.noise_psd_dbm_per_hz), lambda: self.device_bandwidth_hz):
            try:
                check()
            except ProblemError as error:
                yield error.path, error.reason

    @cached_property
    def links(self) -> Links:
        """Edge servers, one or several, and the links to them."""
        return Links.of(self)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """All services, device by device (S,)."""
        return tuple(service for device in self.devices for service in device.services)

    @cached_property
    def device_of_service(self) -> Integers:
        """Index of the device that runs each service (S,)."""
        counts = [len(device.services) for device in self.devices]
        return _frozen(np.repeat(np.arange(len(counts)), counts), np.int64)

    def services_of(self, device: int) -> range:
        """Indices of the services of a device."""
        first, last = np.searchsorted(self.device_of_service, [device, device + 1])
        return range(int(first), int(last))

    @cached_property
    def device_ids(self) -> tuple[str, ...]:
        """Names of the devices (M,)."""
        return ids_by_position("device", [_named(device) for device in self.devices])

    @cached_property
    def service_ids(self) -> tuple[tuple[str, ...], ...]:
        """Names of the services of each device."""
        return tuple(ids_by_position("service", [*map(_named, device.services)]) for device in self.devices)

    @property
    def noise_w_per_hz(self) -> float:
        """N_0 in W/Hz."""
        return noise_w_per_hz(self.noise_psd_dbm_per_hz)

    @cached_property
    def distance_m(self) -> Floats:
        """d of each device (M,), in metres."""
        return _frozen([device.distance_m for device in self.devices])

    @cached_property
    def cpu_capacity_hz(self) -> Floats:
        """F^l of each device (M,), at most the last frequency of its operating points."""
        capacities = [device.cpu_capacity_hz for device in self.devices]
        last = [points[-1][0] if points else np.inf for points in self.cpu_points]
        return _frozen(np.minimum(capacities, last))

    @cached_property
    def max_power_w(self) -> Floats:
        """p^max of each device (M,), or the power of its measured radio at its whole rate."""
        return _frozen([d.max_power_w if d.radio is None else d.radio.full_power_w for d in self.devices])

    @cached_property
    def cpu_points(self) -> tuple[tuple[Point, ...] | None, ...]:
        """Operating points (Hz, W) of each device; None where its law is cubic."""
        tables = [device.cpu_points for device in self.devices]
        return tuple(None if t is None else tuple((p.hz, p.power_w) for p in t) for t in tables)

    @cached_property
    def curves(self) -> Curves:
        """Lower convex hulls of the operating points of all devices."""
        return make_curves(self.cpu_points, len(self.devices))

    @cached_property
    def cpu_hulls(self) -> tuple[tuple[Point, ...] | None, ...]:
        """Corners (Hz, W) of the hull of each device within F^l, without (0, 0); None where it is cubic."""
        pairs = zip(self.cpu_points, self.cpu_capacity_hz.tolist(), strict=True)
        return tuple(None if points is None else hull_within(points, hz) for points, hz in pairs)

    @cached_property
    def full_cpu_power_w(self) -> Floats:
        """Power of each device's CPU at F^l (M,)."""
        cubic = self.energy_coefficient * self.cpu_capacity_hz**3
        pairs = zip(self.cpu_hulls, cubic.tolist(), strict=True)
        return _frozen([watts if hull is None else hull[-1][1] if hull else 0.0 for hull, watts in pairs])

    @cached_property
    def radio_rate_bps(self) -> Floats:
        """Rate of each device's measured radio (M,), in bit/s; NaN where it is Shannon's."""
        return _frozen([np.nan if d.radio is None else d.radio.rate_bps for d in self.devices])

    @cached_property
    def idle_power_w(self) -> Floats:
        """Power that each device and its radio always draw (M,), in watts."""
        radios = [0.0 if d.radio is None else d.radio.idle_power_w for d in self.devices]
        return _frozen([d.idle_power_w + idle for d, idle in zip(self.devices, radios, strict=True)])

    @property
    def idle_energy_j(self) -> float:
        """Energy in J that all devices take in a slot in which nothing is done."""
        return self.slot_duration_s * float(self.idle_power_w.sum())

    @property
    def is_measured(self) -> bool:
        """Whether a device has operating points or a measured radio."""
        return any(device.cpu_points or device.radio for device in self.devices)

    @cached_property
    def device_bandwidth_hz(self) -> Floats:
        """b_w of each device (M,), in hertz."""
        return _frozen(device_bandwidths(self.bandwidth_hz, [d.bandwidth_hz for d in self.devices]))

    @cached_property
    def most_bandwidth_hz(self) -> Floats:
        """The most bandwidth that each device can have in a slot (M,), in hertz."""
        shares = self.device_bandwidth_hz
        return _frozen(np.full(len(shares), shares.sum())) if self.spectrum == "shared" else shares

    @cached_property
    def arrival_rate_per_s(self) -> Floats:
        """lambda of each service (S,), the mean rate of its arrivals."""
        return _frozen([service.arrival_rate_per_s for service in self.services])

    @cached_property
    def waiting_costs_j_per_s(self) -> Floats | None:
        """theta of each service (S,); None if no service has one.

        Raises
        ------
        ProblemError
            If some services have one and others do not.
        """
        costs = [s.waiting_cost_j_per_s for s in self.services]
        costs = [self.waiting_cost_j_per_s if cost is None else cost for cost in costs]
        if all(cost is None for cost in costs):
            return None
        for s, cost in enumerate(costs):
            if cost is None:
                m = int(self.device_of_service[s])
                place = f"$.devices[{m}].services[{s - self.services_of(m).start}].waiting_cost_j_per_s"
                raise ProblemError(place, "expected a waiting cost, as other services have one")
        return _frozen(costs)

    def mean_channel_gain(self) -> Floats:
        """hbar of each device (M,) where it starts, see `Channel.mean_gain`; 1 of a measured radio."""
        drawn = np.isnan(self.radio_rate_bps)
        return np.where(drawn, self.channel.mean_gain(self.distance_m), 1.0)

    @cached_property
    def cut_counts(self) -> Integers:
        """K_s + 1, number of cuts of each service's DNN (S,)."""
        return _frozen([len(service.profile.cuts) for service in self.services], np.int64)

    @cached_property
    def _tasks(self) -> TaskTables:
        return task_tables(self.services, self.cycles_per_mac)

    @property
    def local_cycles(self) -> Floats:
        """c^k C rho, or as measured: cycles on the device of a task cut at k (S, largest K + 1)."""
        return self._tasks.local_cycles

    @property
    def transmit_bits(self) -> Floats:
        """d^k D, bits that a task cut at k sends (S, largest K + 1)."""
        return self._tasks.transmit_bits

    @property
    def edge_cycles(self) -> Floats:
        """(1 - c^k) C rho, or as measured: cycles at the edge of a task cut at k (S, largest K + 1)."""
        return self._tasks.edge_cycles


def _named(item: Device | Service) -> dict[str, Any]:
    return {} if item.id is None else {"id": item.id}


def _frozen(values: Any, dtype: Any = np.float64) -> Any:
    return read_only(np.asarray(values, dtype=dtype))
