"""A bound on the delay of every task: a virtual queue that grows as long as work waits.

M. J. Neely, Opportunistic Scheduling with Worst Case Delay Guarantees in Single and Multi-Hop Networks,
INFOCOM 2011.
"""

import numpy as np


class WorstDelay:
    """Weights Q + Z; Z(t+1) = max(Z(t) + epsilon(t) - y(t), 0) while the queue has work, else 0.

    epsilon(t) is `share` of the work of the task that is first in slot t. While Q <= Qmax and Z <= Zmax, work
    that joins a queue leaves it within (Qmax + Zmax) / epsilon slots, with the least epsilon(t) meanwhile.
    """

    name = "worst-delay"

    def __init__(self, share=0.1):
        self.share = share

    def __call__(self, seen):
        if seen.slot == 0:
            self.z = self.grows = np.zeros(seen.backlog.shape)
        served = seen.last_rates * seen.system.slot_duration_s
        self.z = np.where(self.grows > 0.0, np.maximum(self.z + self.grows - served, 0.0), 0.0)
        self.grows = self.share * seen.head_work  # 0 in an empty queue
        return tuple(seen.backlog + self.z)
