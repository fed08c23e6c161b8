"""The chain that machine time is priced by: work of a reference system at CPU and radio of a device.

It sees which services get tasks in a slot, and tosses coins; it never sees what the policy does. Its state is
that of the arrivals and the numbers of steps of work at both machines. In each slot the reference system
serves, faster the more there is; then the tasks' work joins, rounded to steps at random so that its mean is
kept. What exceeds the largest number of steps is dropped: that makes another chain, and no less valid a one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.bounds.step_costs import Chain
from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.queueing.arrivals import ArrivalStates
from lyaopt.bounds.queueing.long_run_mean import LongRun
from lyaopt.bounds.queueing.resources import Resource

_HASTE = 3.0
"""Tasks that the reference system's speed is for, over those of its work. Bounds are best near this."""
_TAIL = 1e-5
"""Probability of the largest number of steps at which it is enough."""
_MOST_LEVELS = 160
_MOST_STATES, _MOST_ENTRIES = 6000, 300_000
_FEWEST_STEPS = 2


@dataclass(frozen=True)
class Levels:
    """Steps of work at one machine, 0 to L - 1.

    Attributes
    ----------
    served : ndarray (L, L)
        Transition probabilities when the reference system serves.
    joined : sequence of ndarray (L, L)
        The same when a task of each service joins.
    tasks : ndarray (L,)
        Tasks waiting, as far as work says.
    """

    served: Floats
    joined: Sequence[Floats]
    tasks: Floats


def levels(resource: Resource, amounts: Floats, tasks_per_slot: Floats, steps: int) -> Levels:
    """Steps of work at a machine.

    Parameters
    ----------
    resource : Resource
        The machine.
    amounts : ndarray (N,)
        Work of a task of each service, in units.
    tasks_per_slot : ndarray (N,)
        Mean number of new tasks of each service.
    steps : int
        Steps of the largest task.
    """
    busy = (amounts > 0.0) & (tasks_per_slot > 0.0)
    if not busy.any():
        one = np.ones((1, 1))
        return Levels(one, [one] * len(amounts), np.zeros(1))
    step = float(amounts[busy].max()) / steps
    mean = float(tasks_per_slot[busy] @ amounts[busy] / tasks_per_slot[busy].sum())
    most = min(3 * steps, _MOST_LEVELS)
    while True:
        tasks = np.arange(most + 1) * step / mean
        price = resource.price(np.maximum(1.0, _HASTE * tasks))
        speed = resource.speeds(price) @ resource.machine.share / step
        served = _move(-np.minimum(speed, np.arange(most + 1.0)), most)
        joined = [_move(np.full(most + 1, amount / step), most) for amount in amounts]
        if most >= _MOST_LEVELS or _stays_below(served, joined, tasks_per_slot):
            return Levels(served, joined, np.asarray(tasks))
        most = int(1.4 * most) + 1


def _stays_below(served: Floats, joined: Sequence[Floats], tasks: Floats) -> bool:
    from scipy import sparse

    matrix = served
    for chance, join in zip(-np.expm1(-tasks), joined, strict=True):
        matrix = matrix @ ((1.0 - chance) * np.eye(len(served)) + chance * join)
    return bool(LongRun(sparse.csr_matrix(matrix)).law[-1] < _TAIL)


def _move(by: Floats, most: int) -> Floats:
    """Matrix of moves by numbers of steps, rounded up or down at random, within 0 and `most`."""
    whole = np.floor(by)
    up = by - whole
    matrix, start = np.zeros((most + 1, most + 1)), np.arange(most + 1)
    for target, chance in ((start + whole, 1.0 - up), (start + whole + 1.0, up)):
        np.add.at(matrix, (start, np.clip(target, 0, most).astype(np.int64)), chance)
    return matrix


@dataclass(frozen=True)
class Side:
    """The chain as one machine sees it: of the arrivals and the steps at it.

    Attributes
    ----------
    matrix : sparse matrix (X, X)
        Transition probabilities, in CSR form.
    tasks : ndarray (X,)
        Tasks waiting at the machine.
    of_joint : ndarray (S,)
        The state for each state of the joint chain.
    """

    matrix: Any
    tasks: Floats
    of_joint: Integers

    @property
    def chain(self) -> Chain:
        """The matrix as kernels take it."""
        return as_chain(self.matrix)

    def summed(self, values: Floats) -> Floats:
        """Sums (X,) of values (S,) over the joint states that are one state here."""
        return np.asarray(np.bincount(self.of_joint, values, len(self.tasks)), np.float64)


@dataclass(frozen=True)
class ReferenceChain:
    """The chain of one device.

    Attributes
    ----------
    joint : sparse matrix (S, S)
        Transition probabilities.
    born : sequence of sparse matrices (S, S)
        For each service the mean number of new tasks in a slot in state x, times the probability that x'
        follows where one comes.
    local, transmit : Side
        The chain at the CPU and at the radio.
    long_run : LongRun
        Means of the joint chain.
    """

    joint: Any
    born: Sequence[Any]
    local: Side
    transmit: Side
    long_run: LongRun


def reference_chain(
    resources: tuple[Resource, Resource], amounts: tuple[Floats, Floats], arrivals: ArrivalStates, steps: int
) -> ReferenceChain:
    """Build the chain.

    Parameters
    ----------
    resources : (Resource, Resource)
        CPU and radio.
    amounts : two ndarrays (N,)
        Work of a task of each service in the reference system at both, in their units.
    arrivals : ArrivalStates
        Arrivals at the device.
    steps : int
        Steps of the largest task at each machine; fewer where the states become too many.
    """
    from scipy import sparse

    mean = arrivals.tasks @ LongRun(sparse.csr_matrix(arrivals.matrix)).law
    while True:
        local, transmit = (
            levels(resource, work, mean, steps) for resource, work in zip(resources, amounts, strict=True)
        )
        states = len(arrivals.matrix) * len(local.tasks) * len(transmit.tasks)
        excess = states / _MOST_STATES
        if excess <= 1.0:
            chain = _combined(local, transmit, arrivals)
            excess = chain.joint.nnz / _MOST_ENTRIES
        if excess <= 1.0 or steps <= _FEWEST_STEPS:
            return chain if excess <= 1.0 else _combined(local, transmit, arrivals)
        steps = max(_FEWEST_STEPS, min(steps - 1, int(steps / math.sqrt(excess))))


def _combined(local: Levels, transmit: Levels, arrivals: ArrivalStates) -> ReferenceChain:
    from scipy import sparse

    pairs = zip(local.joined, transmit.joined, strict=True)
    joined = [sparse.kron(a, b, format="csr") for a, b in pairs]
    served = sparse.kron(local.served, transmit.served, format="csr")
    count = served.shape[0]
    joint = _slot(served, joined, arrivals)
    born = [
        sparse.diags(np.repeat(tasks, count)) @ _slot(served, joined, arrivals, n)
        for n, tasks in enumerate(arrivals.tasks)
    ]
    shape = len(arrivals.matrix), len(local.tasks), len(transmit.tasks)
    at = np.unravel_index(np.arange(math.prod(shape)), shape)
    sides = [
        Side(
            _slot(part.served, part.joined, arrivals),
            np.tile(part.tasks, shape[0]),
            at[0] * len(part.tasks) + level,
        )
        for part, level in ((local, at[1]), (transmit, at[2]))
    ]
    return ReferenceChain(joint, born, sides[0], sides[1], LongRun(joint))


def _slot(served: Any, joined: Sequence[Any], arrivals: ArrivalStates, certain: int = -1) -> Any:
    """Transition matrix of a slot, given that a task of the service `certain` comes, if that is not -1."""
    from scipy import sparse

    states, count = arrivals.matrix.shape[0], served.shape[0]
    each = sparse.identity(states, format="csr")
    matrix = sparse.kron(each, served, format="csr")
    for n, (tasks, join) in enumerate(zip(arrivals.tasks, joined, strict=True)):
        moved = sparse.kron(each, join, format="csr")
        if n != certain:
            chance = np.repeat(-np.expm1(-tasks), count)
            moved = sparse.diags(1.0 - chance) + sparse.diags(chance) @ moved
        matrix = matrix @ moved
    matrix = (matrix @ sparse.kron(arrivals.matrix, sparse.identity(count), format="csr")).tocsr()
    matrix.sort_indices()
    return matrix


def as_chain(matrix: Any) -> Chain:
    """A sparse matrix in CSR form as kernels take it."""
    return Chain(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data)
