"""The partition points of a policy, measured while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.model.system import System
from lyaopt.simulation import Decision, Observation, Policy, Trace, simulate

_RECORDED_SLOTS = 20_000
"""Of one replication: enough for the mean point, and a record of some megabytes."""


@dataclass(eq=False)
class WatchedPoints:
    """Wraps a policy and measures its partition points.

    Attributes
    ----------
    policy : Policy
    system : System
    trace : Trace or None
        Whose arrivals weigh the services, in place of those of the system.
    depth : float
        Mean of k / K over decisions and services.
    local_share : float
        Mean share of the MACs of all tasks that the devices compute.
    periods : int
        Periods measured so far.
    """

    policy: Policy
    system: System
    trace: Trace | None = None
    depth: float = 0.0
    local_share: float = 0.0
    periods: int = 0

    @property
    def name(self) -> str:
        """Name of the policy."""
        return self.policy.name

    @property
    def rule(self) -> Any:
        """Allocation rule of the policy; None where backlogs are the weights."""
        return getattr(self.policy, "rule", None)

    def decide(self, observation: Observation) -> Decision:
        """Return the decision of the policy for `observation`, and measure it."""
        decision = self.policy.decide(observation)
        if decision.for_good:  # in force for the rest of the run, which outweighs earlier periods
            self.periods = 0
        self._measure(np.asarray(decision.points))
        return decision

    def measure_rule(self, slots: int, seed: int) -> None:
        """Measure the points that the allocation rule chooses, if it does, in a run of its own.

        Parameters
        ----------
        slots, seed : int
            Of the measured run; of a long one, the beginning.
        """
        if getattr(self.rule, "cuts", None) is None:
            return
        options: dict[str, Any] = {"slots": min(slots, _RECORDED_SLOTS), "seed": seed, "record": True}
        trace = None if self.trace is None else self.trace.spread_over(1)
        run = simulate(self.system, self.policy, trace=trace, **options)
        assert run.record is not None
        self.periods = 0
        self._measure(run.record.partition[:, :, None])

    def _measure(self, points: Any) -> None:
        services = len(self.system.cut_counts)
        periods = len(points) if points.ndim == 3 else 1
        # Services along the first axis, periods and replications along the second.
        rows = np.moveaxis(points, -2, 0).reshape(services, -1) if points.ndim > 1 else points[:, None]
        rate = self.system.arrival_rate_per_s if self.trace is None else self.trace.arrivals.mean(axis=0)
        load = self.system.local_cycles * rate[:, None]
        local = np.take_along_axis(load, rows, axis=1).sum(axis=0).mean() / (load[:, -1].sum() or 1.0)
        depth = (rows / np.maximum(self.system.cut_counts - 1, 1)[:, None]).mean()
        self.periods += periods
        self.depth += (float(depth) - self.depth) * periods / self.periods
        self.local_share += (float(local) - self.local_share) * periods / self.periods
