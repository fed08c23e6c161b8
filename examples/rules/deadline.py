"""Late tasks first: a queue counts the more, the closer its first task is to a deadline.

Weights that grow with the age of the first task: Neely, Delay-Based Network Utility Maximization, IEEE/ACM
Transactions on Networking 21(1), 2013.
"""

import lyaopt
from lyaopt.kernels import head_age_slots

DEADLINE_S, SHARPNESS = 0.5, 4.0


@lyaopt.allocation_rule
def deadline(view, weights):
    """w = Q (1 + SHARPNESS (age / deadline)^2); ages are counted from birth, over all three stages."""
    stages, rows, lanes = weights.shape
    for stage in range(stages):
        for n in range(rows):
            for lane in range(lanes):
                age = head_age_slots(view, stage, n, lane) * view.tau / DEADLINE_S
                weights[stage, n, lane] = view.backlog[stage, n, lane] * (1.0 + SHARPNESS * age * age)
