"""Small systems and observations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.system import Device, Service, System
from lyaopt.simulation import Observation


def network(macs: list[int], bits: list[int]) -> Profile:
    """Cuts k = 0..K at cumulative `macs` and with crossing `bits`."""
    cuts = tuple(Cut(f"layer-{k}", m, b) for k, (m, b) in enumerate(zip(macs, bits, strict=True)))
    return Profile("net", "made up", bits[0], macs[-1], 8, cuts)


SHRINKING = network([0, 200_000_000, 900_000_000], [400_000, 60_000, 0])
GROWING = network([0, 300_000_000, 700_000_000], [200_000, 900_000, 0])


def pair(**settings: Any) -> System:
    """One device with two services of three cuts each: nine points."""
    services = (Service(SHRINKING, 0.5), Service(GROWING, 0.5))
    return System((Device(distance_m=200.0, services=services),), **settings)


def seen(
    system: System,
    backlog: np.ndarray,
    gain: np.ndarray | None = None,
    *,
    seed: int = 0,
    period: int = 0,
) -> Observation:
    """An observation of backlogs (3, S, B) and gains (M, B)."""
    systems = backlog.shape[-1]
    if gain is None:
        gain = np.repeat(system.mean_channel_gain()[:, None], systems, axis=1)
    state = SimpleNamespace(
        system=system,
        layout=SimpleNamespace(replications=systems),
        slot=period * system.slots_per_period,
        backlog=lambda: backlog,
        last_gain=lambda: gain,
        mean_gain=lambda: gain,
    )
    return Observation(state, seed)  # type: ignore[arg-type]


def random_backlog(system: System, systems: int, seed: int = 0) -> np.ndarray:
    """Random backlogs of a few tasks (3, S, B); a third of the replications is empty."""
    rng = np.random.default_rng(seed)
    tasks = rng.exponential(2.0, (3, len(system.services), systems)) * (rng.random(systems) > 1 / 3)
    whole = np.stack([system.local_cycles[:, -1], system.transmit_bits[:, 0], system.edge_cycles[:, 0]])
    return tasks * whole[..., None]
