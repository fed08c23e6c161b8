"""Small random systems with all kinds of traffic, channels and cuts, and short runs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.system import Device, Service, System
from lyaopt.simulation import Result, Trace, simulate
from tests.support.slow_simulator import Run, SlowSimulator

STAGES = ("local", "transmit", "edge")
QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
RATES = ("local_cpu_hz", "rate_bps", "edge_cpu_hz")


@dataclass(frozen=True)
class Workload:
    """A system with arrivals, channels and points."""

    system: System
    arrivals: np.ndarray
    channel_gain: np.ndarray
    partition: np.ndarray

    @property
    def slots(self) -> int:
        return len(self.arrivals)

    def simulate(self, **options: Any) -> Result:
        trace = Trace(self.arrivals, self.channel_gain, self.partition)
        return simulate(self.system, None, slots=self.slots, trace=trace, record=True, **options)

    def simulate_slowly(self) -> Run:
        return SlowSimulator(self.system).simulate(self.arrivals, self.channel_gain, self.partition)


def network(macs: list[int], bits: list[int]) -> Profile:
    """Cuts k = 0..K at cumulative `macs` and with crossing `bits`."""
    cuts = tuple(Cut(f"cut-{k}", m, b) for k, (m, b) in enumerate(zip(macs, bits, strict=True)))
    return Profile("net", "made up", bits[0], macs[-1], 8, cuts)


@st.composite
def networks(draw, rng: np.random.Generator) -> Profile:
    """Cuts without work before, behind or between them, and features larger than the input."""
    macs, bits = [0], [int(rng.integers(5_000, 60_000))]
    for kind in draw(
        st.lists(st.sampled_from(["plain", "same macs", "no bits", "no work", "large"]), max_size=4)
    ):
        step = 0 if kind in ("same macs", "no work") else int(rng.integers(10**7, 10**8))
        macs.append(macs[-1] + step)
        size = int(rng.integers(1_000, 60_000)) * (20 if kind == "large" else 1)
        bits.append(0 if kind in ("no bits", "no work") else size)
    # The last step may have no work and only stop sending, if there was work before.
    nothing = macs[-1] > 0 and draw(st.booleans())
    macs.append(macs[-1] + (0 if nothing else int(rng.integers(10**7, 2 * 10**8))))
    return network(macs, [*bits, 0])


@st.composite
def systems(draw, rng: np.random.Generator) -> System:
    def device() -> Device:
        return Device(
            distance_m=200.0,
            services=tuple(Service(draw(networks(rng))) for _ in range(draw(st.integers(1, 3)))),
            cpu_capacity_hz=draw(st.sampled_from([1.0, 1.0, 1.0, 3.0, 0.1, 0.0]))
            * float(rng.uniform(1e9, 2e9)),
            max_power_w=draw(st.sampled_from([1.0, 1.0, 1.0, 1.0, 0.0])) * float(rng.uniform(0.1, 0.5)),
            bandwidth_hz=draw(st.sampled_from([None, float(rng.uniform(1e5, 2e6))])),
        )

    devices = [device() for _ in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        devices.insert(draw(st.integers(0, len(devices))), Device(distance_m=200.0, services=()))
    weights = draw(st.sampled_from([(1e17, 1e13), (1e18, 1e14), (1e9, 1e6), (0.0, 0.0)]))
    own_hz = sum(device.bandwidth_hz or 0.0 for device in devices)
    return System(
        tuple(devices),
        bandwidth_hz=own_hz + 2.5e5 * len(devices),
        slot_duration_s=float(rng.uniform(0.005, 0.02)),
        slots_per_period=draw(st.integers(1, 7)),
        edge_capacity_hz=draw(st.sampled_from([10.0, 10.0, 1.0, 0.2, 0.0])) * float(rng.uniform(1e9, 3e9)),
        energy_weight_local=weights[0],
        energy_weight_transmit=weights[1],
        energy_coefficient=draw(st.sampled_from([1e-28, 1e-28, 0.0])),
    )


@st.composite
def workloads(draw, most_slots: int = 70, drained: bool = False) -> Workload:
    # Structure is drawn one by one, so that it shrinks; numbers from a generator, so that amounts, capacities
    # and backlogs never tie by chance: where they do, rounding decides which queue goes first.
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    system = draw(systems(rng))
    services, devices = len(system.services), len(system.devices)
    slots = draw(st.sampled_from([most_slots, most_slots, most_slots // 2 + 1, 7, 1]))
    arrivals = np.zeros((slots, services), np.int64)
    for s in range(services):
        load = draw(st.sampled_from(["light", "light", "light", "heavy", "none", "burst"]))
        if load == "burst":
            arrivals[draw(st.integers(0, slots - 1)), s] = draw(st.integers(1, 40))
        else:
            arrivals[:, s] = rng.poisson({"light": 0.05, "heavy": 0.8, "none": 0.0}[load], slots)
    if drained:
        arrivals[slots // 2 :] = 0
    gain = 6e-11 * rng.exponential(size=(slots, devices))
    gain[rng.random((slots, devices)) < draw(st.sampled_from([0.0, 0.0, 0.0, 0.2, 1.0]))] = 0.0
    periods = -(-slots // system.slots_per_period)
    return Workload(system, arrivals, gain, rng.integers(0, system.cut_counts, (periods, services)))
