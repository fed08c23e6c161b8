"""The least cost of a task alone that pays tolls: dynamic programming over the work that is left.

With X' the next state of the chain, U(x, b) is what a task with work b left pays in expectation::

    U(x, b) = paid(x, b) + E_j min_{0 <= y <= b} [ C(y; x, j) + E_x U(X', b - y) ],   E_x U(X', 0) = after(x).

It is solved node by node upwards; at a node, by Gauss-Seidel steps over the states, since a task may wait.
"""

import math

import numpy as np

from lyaopt._kernels.bounds.cheapest_step import cheapest_step
from lyaopt._kernels.bounds.step_costs import (
    Chain,
    Grid,
    Machine,
    Tolls,
    next_mean,
    note_rise,
    step_cost,
    terms_of,
    work_at,
)
from lyaopt._kernels.simulation.state_types import compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

_MOST_SWEEPS = 500
_MOST_LINEAR_SWEEPS = 50
_FAR_ENOUGH = 0.1
"""Of the change of the steps' sweep: where sweeps with the steps as they are stop."""


@helper
def _far_steps(machine, tolls, grid, i, means, steepest, far):
    """Write what the best steps from node i to lower nodes cost, `far` (X, J), whatever U is there."""
    for x in range(far.shape[0]):
        for j in range(far.shape[1]):
            if i == 0:
                far[x, j] = grid.after[x]
            else:
                terms = terms_of(machine, tolls, x, j)
                far[x, j] = cheapest_step(terms, grid, x, (i, i - 1), means, steepest)[0]


@inline
def _near_step(terms, width, below, here, far):
    """Return the cheapest step as (weight of `here`, the rest of its cost).

    `below` and `here` are the means at the node below and at this one, `width` apart, `far` the cost of going
    further. In between, the cost of a step is that of its work and of both ends.
    """
    weight, rest, best = 0.0, far, far
    if here < best:
        weight, rest, best = 1.0, 0.0, here
    if width > 0.0 and here > below:
        done = min(work_at(terms, (here - below) / width), terms[2])
        if 0.0 < done < width:
            left = 1.0 - done / width
            cost = step_cost(terms, done)
            if cost + below + left * (here - below) < best:
                weight, rest = left, cost + (1.0 - left) * below
    return weight, rest


@helper
def _choose(machine, tolls, chain, width, paid, levels, far, linear):
    """Set U at a node once in all states, given that of the others; return the largest change.

    The steps that it takes make U = rest + weight E U': both are written, with what stays in the state, to
    `linear` (3, X).
    """
    below, values, i = levels
    largest = 0.0
    for x in range(values.shape[0]):
        here = next_mean(chain, values, x, i)
        weight, rest = 0.0, paid[x, i]
        for j in range(machine.share.size):
            terms = terms_of(machine, tolls, x, j)
            w, r = _near_step(terms, width, below[x], here, far[x, j])
            weight += machine.share[j] * w
            rest += machine.share[j] * r
        linear[0, x], linear[1, x] = weight, rest
        new = (rest + weight * (here - linear[2, x] * values[x, i])) / (1.0 - weight * linear[2, x])
        largest = max(largest, abs(new - values[x, i]))
        values[x, i] = new
    return largest


@helper
def _follow(chain, linear, enough, values, i):
    """Sweep with the steps as they are, until U at the node changes by no more than `enough`."""
    for _ in range(_MOST_LINEAR_SWEEPS):
        largest = 0.0
        for x in range(values.shape[0]):
            weight, rest, stays = linear[0, x], linear[1, x], linear[2, x]
            if weight == 0.0:
                continue
            here = next_mean(chain, values, x, i)
            new = (rest + weight * (here - stays * values[x, i])) / (1.0 - weight * stays)
            largest = max(largest, abs(new - values[x, i]))
            values[x, i] = new
        if largest <= enough:
            break


@helper
def _write_stays(chain, linear):
    """Write the probability that the chain stays in each state."""
    for x in range(linear.shape[1]):
        linear[2, x] = 0.0
        for k in range(chain.first[x], chain.first[x + 1]):
            if chain.state[k] == x:
                linear[2, x] += chain.chance[k]


@inline
def _first_guess(grid, i, values):
    """Write a guess of U at a node, from those below."""
    work = grid.work
    for x in range(values.shape[0]):
        if i == 0:
            values[x, 0] = grid.after[x]
        elif i == 1:
            values[x, 1] = values[x, 0]
        else:
            rise = (values[x, i - 1] - values[x, i - 2]) / (work[i - 1] - work[i - 2])
            values[x, i] = values[x, i - 1] + rise * (work[i] - work[i - 1])


def _task_values(machine, tolls, chain, grid, paid, tolerance, values):
    """Write U at the nodes into `values` (X, I); return the number of sweeps.

    Parameters
    ----------
    machine, tolls, chain, grid : Machine, Tolls, Chain, Grid
        See step_costs.py.
    paid : (X, I) array
        Cost of waiting for a slot.
    tolerance : float
        Largest change of the last sweep at a node.
    values : (X, I) array
        The result.
    """
    work = grid.work
    states, nodes = values.shape
    means, steepest = np.empty((states, nodes)), np.empty((states, nodes))
    far, below = np.empty((states, machine.share.size)), np.zeros(states)
    linear = np.empty((3, states))
    _write_stays(chain, linear)
    sweeps = 0
    for i in range(nodes):
        _far_steps(machine, tolls, grid, i, means, steepest, far)
        _first_guess(grid, i, values)
        width = work[i] - work[i - 1] if i > 0 else 0.0
        if i > 0:
            below[:] = means[:, i - 1]
        change = math.inf
        for _ in range(_MOST_SWEEPS):
            if change <= tolerance:
                break
            change = _choose(machine, tolls, chain, width, paid, (below, values, i), far, linear)
            sweeps += 1
            if change > tolerance:
                _follow(chain, linear, max(_FAR_ENOUGH * change, 0.5 * tolerance), values, i)
        for x in range(states):
            means[x, i] = next_mean(chain, values, x, i)
            note_rise(work, means[x], i, steepest[x])
    return sweeps


def _signature():
    tuples = Machine, Tolls, Chain, Grid
    return compiled_signature("i8", *tuples, "f8[:,::1]", "f8", "f8[:,::1]")


task_values = Kernel("task_values", _signature, _task_values)
