"""A result service by service."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.model.system import System
from lyaopt.simulation.results import PERCENTILES, Result

_STAGES = ("mean_local_queue_cycles", "mean_transmit_queue_bits", "mean_edge_queue_cycles")


def by_service(result: Result, system: System) -> list[dict[str, Any]]:
    """Describe each service of a run for JSON, device by device.

    Parameters
    ----------
    result : Result
        Of a run.
    system : System
        The scenario.

    Returns
    -------
    list of dict
        With the names of device, service and network, mean backlogs and tasks, tasks completed after the
        warm-up, their latencies in seconds (None without any), and the partition point in force at the end
        (None where replications differ).
    """
    names = [
        (device, service)
        for device, services in zip(system.device_ids, system.service_ids, strict=True)
        for service in services
    ]
    return [{"device": d, "service": s, **_service(result, system, n)} for n, (d, s) in enumerate(names)]


def _service(result: Result, system: System, number: int) -> dict[str, Any]:
    services = len(system.services)
    own = result.latencies.of_groups(number + services * np.arange(result.replications)).merged()
    tau, points = result.slot_duration_s, result.points[number]
    latency: dict[str, float | None] = dict.fromkeys(("mean", *(f"p{p:g}" for p in PERCENTILES)))
    if own.count:
        seconds = [own.mean * tau, *(own.percentiles(PERCENTILES) * tau).tolist()]
        latency = dict(zip(latency, seconds, strict=True))
    return {
        "network": system.services[number].profile.name,
        **dict(zip(_STAGES, result.queues[:, number].mean(axis=1).tolist(), strict=True)),
        "mean_tasks": float(result.mean_tasks[number].mean()),
        "completed_after_warmup": own.count,
        "latency_s": latency,
        "partition": int(points[0]) if (points == points[0]).all() else None,
    }
