"""Where the tasks of task_values.py spend their time: the slope of their cost in the tolls.

A task that starts in state x with work b goes through states and works as its cheapest steps and the chain
take it. U falls or rises with a toll as the machine time that tasks use there in expectation.
"""

import numpy as np

from lyaopt._kernels.bounds.cheapest_step import DONE, cheapest_step
from lyaopt._kernels.bounds.step_costs import Chain, Grid, Machine, Tolls, fill_means, terms_of
from lyaopt._kernels.simulation.state_types import compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper

_MOST_STEPS = 3000
_NEGLIGIBLE = 1e-10  # of all tasks


@helper
def _steps_from(machine, tolls, grid, i, rows, steps, stays):
    """Write work and place of the cheapest steps from node i, `steps` (2, X, J), and the share that stays."""
    means, steepest = rows
    width = grid.work[i] - grid.work[i - 1] if i > 0 else 0.0
    for x in range(stays.size):
        stays[x] = 0.0
        for j in range(machine.share.size):
            terms = terms_of(machine, tolls, x, j)
            _, done, place = cheapest_step(terms, grid, x, (i, i), means, steepest)
            steps[0, x, j], steps[1, x, j] = done, place
            if place == i:
                stays[x] += machine.share[j]
            elif place == i - 1 and place != DONE:
                stays[x] += machine.share[j] * (1.0 - done / width)


@helper
def _move(chain, leaving, arriving):
    """Add what leaves states (X,) to the states that it goes to."""
    for x in range(leaving.size):
        if leaving[x] > 0.0:
            for k in range(chain.first[x], chain.first[x + 1]):
                arriving[chain.state[k]] += chain.chance[k] * leaving[x]


@helper
def _add_returns(chain, stays, visits):
    """Add to the visits of a node (X,) those of tasks that stayed at it."""
    now = visits.copy()
    for _ in range(_MOST_STEPS):
        later = np.zeros(visits.size)
        _move(chain, now * stays, later)
        visits += later
        now = later
        if later.sum() <= _NEGLIGIBLE:
            break


@helper
def _leave(machine, tolls, work, i, steps, visits, results):
    """Book the machine time used at node i, and write where tasks go from it, before the chain's step."""
    used, finished, left = results
    for x in range(visits.size):
        for j in range(machine.share.size):
            share = visits[x] * machine.share[j]
            done, place = steps[0, x, j], int(steps[1, x, j])
            if share == 0.0:
                continue
            if done > 0.0:
                knee = tolls.knee[x, j]
                used[x, j] += share * (done / knee if done < knee else 1.0)
            if place == DONE:
                finished[x] += share
            elif place == i - 1:
                left[x, place] += share * (done / (work[i] - work[place]))
            elif place < i:
                part = (work[i] - done - work[place]) / (work[place + 1] - work[place])
                left[x, place] += share * (1.0 - part)
                left[x, place + 1] += share * part


def _task_visits(machine, tolls, chain, grid, values, visits, used, finished):
    """Follow tasks until they are done.

    Parameters
    ----------
    machine, tolls, chain, grid : Machine, Tolls, Chain, Grid
        See step_costs.py.
    values : (X, I) array
        U at the nodes.
    visits : (X, I) array
        How many tasks start at each node; on return, how many slots they spend there.
    used : (X, J) array
        To it is added the machine time used in each state, in slots.
    finished : (X,) array
        To it are added the tasks done in each state.
    """
    means, steepest = np.empty(values.shape), np.empty(values.shape)
    fill_means(chain, grid.work, values, means, steepest)
    left = np.zeros(values.shape)
    steps, stays = np.empty((2, *used.shape)), np.empty(finished.size)
    for i in range(grid.work.size - 1, -1, -1):
        here = visits[:, i].copy()
        _move(chain, left[:, i].copy(), here)
        if here.sum() > 0.0:
            _steps_from(machine, tolls, grid, i, (means, steepest), steps, stays)
            _add_returns(chain, stays, here)
            _leave(machine, tolls, grid.work, i, steps, here, (used, finished, left))
        visits[:, i] = here


def _signature():
    tuples = Machine, Tolls, Chain, Grid
    return compiled_signature("void", *tuples, *3 * ["f8[:,::1]"], "f8[::1]")


task_visits = Kernel("task_visits", _signature, _task_visits)
