"""`average_power.py`, compiled: z of a device stands in the memory of the rule."""

import lyaopt

LIMIT_W, STEP = 0.01, 0.01
TRANSMIT = 1


@lyaopt.allocation_rule(memory=1)
def average_power(view, weights):
    weights[:] = view.backlog
    z = view.memory[0, TRANSMIT, 0]  # one row is enough: a number for each lane
    for lane in range(z.size):
        if view.slot > 0:
            z[lane] = max(z[lane] + STEP * (view.last_power_w[lane] / LIMIT_W - 1.0), 0.0)
        for n in range(weights.shape[1]):
            weights[TRANSMIT, n, lane] /= 1.0 + z[lane]
