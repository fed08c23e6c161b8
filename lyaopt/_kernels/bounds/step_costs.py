"""What a task pays for a slot in which a machine, a CPU or a radio, works for it.

A machine draws the power P(s) at speed s. A task that has a share a of the slot and gets the work y pays the
energy and, for its share, a toll phi::

    C(y) = min_{0 < a <= 1} a P(y / a) + phi a,        y <= a most.

All is in units of one slot and of one waiting cost a slot. P(s) = scale s^3 of a CPU, or scale (e^s - 1) of a
radio. C is linear, slope y, up to the `knee`, the work of a slot at the speed at which work is cheapest, and
P(y) + phi beyond it, where the task takes all of the slot. It is convex, and C(0) = 0.
"""

import math
from typing import Any, NamedTuple

from lyaopt._kernels.simulation.state_types import FIELD_TYPES
from lyaopt._kernels.toolchain.jit import helper, inline


class Machine(NamedTuple):
    """A machine whose state in a slot is one of J, drawn anew in each slot.

    - `cubic`: whether the power is scale s^3, of a CPU, or scale (e^s - 1), of a radio.
    - `scale` (J,), `share` (J,): of the power in each state, and the state's probability.
    - `most` (J,): the most work of a slot.
    """

    cubic: Any
    scale: Any
    share: Any
    most: Any


class Tolls(NamedTuple):
    """The price of a slot of a machine in each state of the chain: toll, knee and slope of C, all (X, J)."""

    toll: Any
    knee: Any
    slope: Any


class Chain(NamedTuple):
    """A Markov chain with X states by rows of its matrix: x goes to state[k] with chance[k].

    - `first` (X + 1,): k runs from first[x] up to but not including first[x + 1].
    - `state` (K,), `chance` (K,).
    """

    first: Any
    state: Any
    chance: Any


class Grid(NamedTuple):
    """Nodes of the work that a task has left, and what it pays when it has none.

    - `work` (I,): rising from 0; node 0 stands for the limit of little work.
    - `after` (X,): mean of what follows the slot in which the work is done, by the state in that slot.
    """

    work: Any
    after: Any


FIELD_TYPES[Machine] = ("b1", "f8[::1]", "f8[::1]", "f8[::1]")
FIELD_TYPES[Tolls] = ("f8[:,::1]", "f8[:,::1]", "f8[:,::1]")
FIELD_TYPES[Grid] = ("f8[::1]", "f8[::1]")
FIELD_TYPES[Chain] = ("i8[::1]", "i8[::1]", "f8[::1]")


@inline
def terms_of(machine, tolls, x, j):
    """Return what determines C in state x of the chain and j of the machine."""
    place = tolls.toll[x, j], tolls.knee[x, j], tolls.slope[x, j]
    return machine.cubic, machine.scale[j], machine.most[j], place


@inline
def step_cost(terms, work):
    """Return C(y)."""
    cubic, scale, _, (toll, knee, slope) = terms
    if work <= knee:
        return slope * work
    return scale * (work * work * work if cubic else math.expm1(work)) + toll


@inline
def marginal_cost(terms, work):
    """Return the slope of C just beyond y."""
    cubic, scale, _, (_, knee, slope) = terms
    if work < knee:
        return slope
    return scale * (3.0 * work * work if cubic else math.exp(work))


@inline
def work_at(terms, marginal):
    """Return the work at which C has this slope, the knee where none has one so small; no cap."""
    cubic, scale, _, (_, knee, slope) = terms
    if marginal <= slope:
        return knee
    work = math.sqrt(marginal / (3.0 * scale)) if cubic else math.log(marginal / scale)
    return work if work > knee else knee


@inline
def next_mean(chain, values, x, i):
    """Return the mean of values[:, i] after a step from x."""
    total = 0.0
    for k in range(chain.first[x], chain.first[x + 1]):
        total += chain.chance[k] * values[chain.state[k], i]
    return total


@helper
def fill_means(chain, work, values, means, steepest):
    """Write the means of all values (X, I) after a step; `steepest` (X, I) is their steepest rise up to i."""
    for x in range(values.shape[0]):
        for i in range(work.size):
            means[x, i] = next_mean(chain, values, x, i)
            note_rise(work, means[x], i, steepest[x])


@inline
def note_rise(work, means, i, steepest):
    """Write the steepest rise of one state's means up to node i."""
    if i == 0:
        steepest[0] = -math.inf
    else:
        rise = (means[i] - means[i - 1]) / (work[i] - work[i - 1])
        steepest[i] = rise if rise > steepest[i - 1] else steepest[i - 1]
