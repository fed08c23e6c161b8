"""Services that go first: their backlogs count more in every queue."""

import numpy as np


class Priorities:
    """Weights factor_s Q_s, which keep queues stable as Q_s does and move delay between services."""

    name = "priorities"

    def __init__(self, factors=(10.0,)):
        self.factors = factors

    def __call__(self, seen):
        factors = np.ones(len(seen.system.services))
        factors[: len(self.factors)] = self.factors
        return tuple(factors[:, None] * seen.backlog)
