"""A budget of few slots, and policies."""

from __future__ import annotations

import numpy as np

from lyaopt.benchmark import Budget
from lyaopt.simulation import Decision

TINY = Budget(
    replications=3, slots=60, warmup=20, seed=7, search_slots=2_000, trial_slots=40, trial_replications=2
)


class Cut:
    """The same cut of all services."""

    name = "cut"

    def __init__(self, system, cut=0):
        self.points = np.full(len(system.services), cut)

    def decide(self, observation):
        return Decision(self.points)


class RaisesLater(Cut):
    """Raises in the third period."""

    def decide(self, observation):
        if observation.period == 2:
            raise KeyError("a\nb")
        return super().decide(observation)


class Leaves(Cut):
    def decide(self, observation):
        raise SystemExit(3)


class TooFar(Cut):
    def decide(self, observation):
        return Decision(self.points + 10_000)


class Talks(Cut):
    def decide(self, observation):
        return "all of them"


class Nameless:
    def __init__(self, system):
        pass


class Hard(Cut):
    def __init__(self, system):
        raise ValueError("cannot be made")


class NoSystem(Cut):
    def __init__(self):
        pass


FAILING = {
    RaisesLater: ("$.policies[1].decide", "KeyError: 'a\\nb' ("),
    Leaves: ("$.policies[1].decide", "SystemExit: 3 ("),
    TooFar: ("$.policies[1]", "$.points[0][0][0]: expected at most K = "),
    Talks: ("$.policies[1]", "$.policy.decide: expected"),
    Nameless: ("$.policies[1]", "$.policy: expected a policy"),
    Hard: ("$.policies[1]", "ValueError: cannot be made ("),
    NoSystem: ("$.policies[1]", "TypeError: "),
}
"""Each second among the entries: path and a part of the reason."""
