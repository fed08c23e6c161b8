"""The result of a run."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.edge_results import EdgeResults
from lyaopt.simulation.latencies import Latencies
from lyaopt.simulation.records import Record

PERCENTILES = (50.0, 95.0, 99.0)


@dataclass(frozen=True, eq=False)
class Result:
    """Totals of a run of B replications.

    Means are per slot, over the slots after the warm-up, and over the replications.

    Attributes
    ----------
    policy : str
    slots, warmup, replications, seed : int
        `slots` includes those of the warm-up.
    local_energy_j, transmit_energy_j : ndarray (M, B)
        Mean energy per slot of each device, of computing and of sending.
    tail_energy_j, idle_energy_j : ndarray (M, B)
        The same of radios that stay awake after they sent, and of what is drawn always.
    queues : ndarray (3, S, B)
        Mean backlogs: cycles, bits, cycles.
    service_rates : ndarray (3, S, B)
        Mean rates of service: cycles, bits, cycles per second.
    mean_tasks : ndarray (S, B)
        Mean number of tasks in the system, in a slot.
    points : ndarray (S, B)
        Partition points in force at the end.
    born, completed, queued : int
        Numbers of tasks in the whole run; born = completed + queued.
    latencies : Latencies
        Of the tasks completed after the warm-up, in groups replication * S + service.
    slot_duration_s : float
    limited_share, local_limited_share, transmit_limited_share : float
        Shares of the device-slots in which the device had backlog and energy, not capacity or backlog,
        limited its service: in at least one of Problems 3 and 4, in Problem 3, in Problem 4.
    busy_share : float
        Share of the device-slots in which the device had backlog.
    record : Record or None
    rule : str or None
        Name of the allocation rule; None where backlogs are the weights.
    edges : EdgeResults or None
        Of each edge server, where there are several; `queues` and `service_rates` are sums over them.
    """

    policy: str
    slots: int
    warmup: int
    replications: int
    seed: int
    local_energy_j: Floats
    transmit_energy_j: Floats
    tail_energy_j: Floats
    idle_energy_j: Floats
    queues: Floats
    service_rates: Floats
    mean_tasks: Floats
    points: Integers
    born: int
    completed: int
    queued: int
    latencies: Latencies
    slot_duration_s: float
    limited_share: float
    local_limited_share: float
    transmit_limited_share: float
    busy_share: float
    record: Record | None = None
    rule: str | None = None
    edges: EdgeResults | None = None

    @property
    def mean_local_energy_j(self) -> float:
        """Mean local energy per slot, summed over the devices."""
        return float(self.local_energy_j.sum(axis=0).mean())

    @property
    def mean_transmit_energy_j(self) -> float:
        """Mean transmit energy per slot, summed over the devices."""
        return float(self.transmit_energy_j.sum(axis=0).mean())

    @property
    def mean_tail_energy_j(self) -> float:
        """Mean energy per slot of radios that stay awake after they sent, summed over the devices."""
        return float(self.tail_energy_j.sum(axis=0).mean())

    @property
    def mean_idle_energy_j(self) -> float:
        """Mean energy per slot of what is drawn always, summed over the devices."""
        return float(self.idle_energy_j.sum(axis=0).mean())

    @property
    def mean_energy_j(self) -> float:
        """Mean energy per slot, tails and idle power included, summed over the devices."""
        spent = self.mean_local_energy_j + self.mean_transmit_energy_j
        return spent + self.mean_tail_energy_j + self.mean_idle_energy_j

    @property
    def active_energy_j(self) -> Floats:
        """Mean energy per slot of each device (M, B) without idle power, which no decision changes."""
        return self.local_energy_j + self.transmit_energy_j + self.tail_energy_j

    @property
    def energy_j(self) -> Floats:
        """Mean energy per slot of each device (M, B), tails and idle power included."""
        return self.active_energy_j + self.idle_energy_j

    @property
    def mean_queues(self) -> tuple[float, float, float]:
        """Mean backlogs, summed over the services: cycles, bits, cycles."""
        local, transmit, edge = self.queues.sum(axis=1).mean(axis=1)
        return float(local), float(transmit), float(edge)

    def waiting_cost_j(self, waiting_cost_j_per_s: Floats) -> float:
        """Mean cost of waiting per slot: tau sum theta_n (tasks of service n in the system).

        Parameters
        ----------
        waiting_cost_j_per_s : ndarray (S,)
            theta, in J per second.
        """
        tasks = self.mean_tasks.mean(axis=1)
        return float(self.slot_duration_s * (np.asarray(waiting_cost_j_per_s) * tasks).sum())

    @property
    def mean_latency_s(self) -> float:
        """Mean latency of the completed tasks; NaN if there are none."""
        return self.latencies.mean * self.slot_duration_s

    def latency_percentiles_s(self, percent: tuple[float, ...] = PERCENTILES) -> Floats:
        """Percentiles of the latency of the completed tasks, in seconds; NaN if there are none.

        Parameters
        ----------
        percent : tuple of float
            From 0 to 100.

        Returns
        -------
        ndarray (len(percent),)
        """
        return self.latencies.percentiles(percent) * self.slot_duration_s

    def to_dict(self) -> dict[str, Any]:
        """The document that `lyaopt simulate --json` prints."""
        local, transmit, edge = self.mean_queues
        names = ("p50", "p95", "p99")
        latency = dict(zip(names, self.latency_percentiles_s().tolist(), strict=True))
        points = self.points[:, 0] if (self.points == self.points[:, :1]).all() else None
        servers = {} if self.edges is None else {"edges": self.edges.to_dict()}
        return {
            "policy": self.policy,
            "rule": self.rule,
            "mean_energy_j": self.mean_energy_j,
            "mean_local_energy_j": self.mean_local_energy_j,
            "mean_transmit_energy_j": self.mean_transmit_energy_j,
            "mean_tail_energy_j": self.mean_tail_energy_j,
            "mean_idle_energy_j": self.mean_idle_energy_j,
            "mean_local_queue_cycles": local,
            "mean_transmit_queue_bits": transmit,
            "mean_edge_queue_cycles": edge,
            "mean_tasks": float(self.mean_tasks.sum(axis=0).mean()),
            "born": self.born,
            "completed": self.completed,
            "queued": self.queued,
            "latency_s": _without_nan({"mean": self.mean_latency_s} | latency),
            "energy_limited_share": self.limited_share,
            "local_limited_share": self.local_limited_share,
            "transmit_limited_share": self.transmit_limited_share,
            "busy_share": self.busy_share,
            "partition": None if points is None else points.tolist(),
            **servers,
            "seed": self.seed,
            "slots": self.slots,
            "warmup": self.warmup,
            "replications": self.replications,
            "versions": versions(),
        }


def idle_energies_j(system: System, replications: int) -> Floats:
    """Energy in J that devices draw in any slot (M, replications).

    Parameters
    ----------
    system : System
        Its devices and radios have idle powers.
    replications : int
        B.
    """
    idle = system.slot_duration_s * system.idle_power_w
    return np.repeat(idle[:, None], replications, axis=1)


def _without_nan(values: dict[str, float]) -> dict[str, float | None]:
    """None in place of NaN, which JSON does not have."""
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def versions() -> dict[str, str]:
    """Return the core that computed a result, and the versions of the packages."""
    from lyaopt._kernels.toolchain.core_choice import CHOICE
    from lyaopt._version import __version__

    versions = {"lyaopt": __version__, "python": platform.python_version(), "numpy": np.__version__}
    versions["core"] = CHOICE.core
    if CHOICE.core == "aot":
        versions["numba"] = CHOICE.about["numba"]
    elif CHOICE.core == "jit":
        import numba

        versions["numba"] = numba.__version__
    return versions
