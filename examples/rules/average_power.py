"""Mean transmit power of each device of at most a limit: a virtual queue raises the price of energy.

M. J. Neely, Stochastic Network Optimization with Application to Communication and Queueing Systems, 2010.
"""

import numpy as np


class AveragePower:
    """z(t+1) = max(z(t) + step (p(t) / limit - 1), 0), in units of U: energy costs U (1 + z).

    The slot problem has a fixed U, so the weights are divided by 1 + z, which is the same problem.
    """

    name = "average-power"

    def __init__(self, limit_w=0.01, step=0.01):
        self.limit_w, self.step = limit_w, step

    def __call__(self, seen):
        if seen.slot == 0:
            self.z = np.zeros((len(seen.system.devices), seen.replications))
        else:
            excess = seen.last_power_w / self.limit_w - 1.0
            self.z = np.maximum(self.z + self.step * excess, 0.0)
        local, transmit, edge = seen.backlog
        return local, transmit / (1.0 + self.z)[seen.system.device_of_service], edge
