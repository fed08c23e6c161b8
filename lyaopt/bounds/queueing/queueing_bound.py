"""LB4: a lower bound on energy and waiting together that knows that tasks queue for machines.

LB3 counts what each task pays alone. LB4 also prices the time of each CPU and each radio by a Markov chain
that follows arrivals, and that the policy cannot influence; tasks pay for the time they use, and what the
machines could earn at most is taken off. Any prices give a bound. Theorem, proof and certificate are in
docs/explanation/queueing-bound.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, check_type
from lyaopt.bounds.assumptions import refuse_arrivals, refuse_sizes
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.queueing.accuracy import Accuracy
from lyaopt.bounds.queueing.arrivals import arrival_states
from lyaopt.bounds.queueing.device_program import DeviceProgram
from lyaopt.bounds.queueing.price_ascent import best_prices
from lyaopt.bounds.queueing.reference_chain import reference_chain
from lyaopt.bounds.queueing.resources import Resource, local_resource, transmit_resource
from lyaopt.bounds.queueing.slow_channel import SlowChannel
from lyaopt.bounds.queueing.task_table import TaskTable, task_table
from lyaopt.bounds.queueing.work_grid import work_grid
from lyaopt.bounds.task_costs import refuse_tables
from lyaopt.bounds.waiting import form_of, waiting_bound, waiting_costs
from lyaopt.errors import ProblemError
from lyaopt.model.system import System

Progress = Callable[[int, int], bool | None]
"""Takes the steps done and their total; False ends the search for prices."""

_MOST_EDGE_PRICES = 7
_EDGE_PRICE_STEP = 1.25
_ROUNDING = 1e-12


@dataclass(frozen=True)
class QueueingBound:
    """LB4 at waiting costs.

    Attributes
    ----------
    bound_j : float
        LB4: least mean energy, idle power included, plus waiting cost per slot, in J; infinite where some
        task can be done by none.
    waiting_cost_j_per_s : ndarray (S,)
        theta of each service.
    edge_price : float
        psi, in J per cycle at the edge.
    device_bound_j : ndarray (M,)
        Each device's part without idle power, before the edge's earnings are taken off.
    device_alone_j : ndarray (M,)
        The same without prices of machine time, as in LB3 with whole slots.
    residual : float
        Largest residual of the certificate, which is taken off: relative to the cost of a task waiting for a
        slot.
    method : str
        ``lb4``.
    """

    bound_j: float
    waiting_cost_j_per_s: Floats
    edge_price: float
    device_bound_j: Floats
    device_alone_j: Floats
    residual: float
    method: str = "lb4"


def queueing_bound(
    system: System,
    waiting_cost_j_per_s: ArrayLike | None = None,
    *,
    edge_price: float | None = None,
    accuracy: Accuracy | None = None,
    progress: Progress | None = None,
) -> QueueingBound:
    """LB4 of a system.

    Parameters
    ----------
    system : System
        Arrivals are Poisson, or in bursts of at most 4 services a device. Where the channel is slow, CPU time
        has prices, and radio time has none.
    waiting_cost_j_per_s : float or array_like (S,), optional
        theta of all services or of each, in joules per second of a task's latency; that of the scenario by
        default.
    edge_price : float, optional
        psi >= 0, in J per cycle at the edge; searched from that of LB3 up by default.
    accuracy : Accuracy, optional
        How finely to compute.
    progress : callable, optional
        Called as the search for prices goes on, with steps done and their total; False ends it.

    Returns
    -------
    QueueingBound

    Raises
    ------
    ProblemError
        If there is no waiting cost, one is negative or not finite, all are 0, devices move, or one has bursts
        of too many services, operating points or a measured radio; if arrivals are neither Poisson nor on and
        off, or the sizes of tasks vary.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    check_type(system, System, "system", "as load_scenario returns")
    theta = waiting_costs(system, waiting_cost_j_per_s)
    _check(system, theta, edge_price)
    accuracy = accuracy or Accuracy()
    price = waiting_bound(system, theta).edge_price if edge_price is None else float(edge_price)
    search = _Search(system, theta, accuracy, progress)
    if edge_price is None and _may_fill_the_edge(system):
        price = search.edge_price(price)
    value, parts = search.at(price, accuracy)
    value += system.idle_energy_j
    return QueueingBound(value, theta, price, parts[0], parts[1], float(parts[2].max()))


class _Search:
    """Bounds of all devices at prices of edge work, and the progress of finding them."""

    def __init__(self, system: System, theta: Floats, accuracy: Accuracy, progress: Progress | None) -> None:
        self._system, self._theta, self._accuracy, self._progress = system, theta, accuracy, progress
        self._done, self._goes_on, self._total = 0, True, len(system.devices) * accuracy.price_steps
        form = form_of(system, True)
        slow = form in ("shadowing", "stationary")
        self._slow = SlowChannel(system, theta, accuracy, form == "shadowing") if slow else None

    def at(self, price: float, accuracy: Accuracy) -> tuple[float, Floats]:
        """The bound in J, and its parts, the devices' costs alone and residuals (3, M)."""
        system, count = self._system, len(self._system.devices)
        parts = np.zeros((3, count))
        for m in range(count):
            if self._slow is not None:
                parts[:, m] = self._slow.device(m, price, accuracy, self._watch)
            else:
                parts[:, m] = _device(system, m, self._theta, price, accuracy, self._watch)
            self._done += accuracy.price_steps
        earned = price * system.edge_capacity_hz * system.slot_duration_s
        total = float(parts[0].sum())
        rounded = _ROUNDING * (total + earned) if math.isfinite(total) else 0.0
        return total - earned - rounded, parts

    def edge_price(self, first: float) -> float:
        """A good price of edge work, from that of LB3 up: dear machines send more work to the edge.

        The bound is concave in it: the first price at which it falls ends the search.
        """
        steps = max(self._accuracy.price_steps // 4, 1)
        quick = replace(self._accuracy, price_steps=steps, passes=0)
        self._total += _MOST_EDGE_PRICES * len(self._system.devices) * steps
        start = first if first > 0.0 else float(self._theta.max()) / self._system.edge_capacity_hz
        best, price = first, first
        value = self.at(first, quick)[0]
        for number in range(1, _MOST_EDGE_PRICES):
            price = start * _EDGE_PRICE_STEP ** (number - (first == 0.0))
            found = self.at(price, quick)[0]
            if not found > value:
                self._total -= (_MOST_EDGE_PRICES - 1 - number) * len(self._system.devices) * steps
                break
            best, value = price, found
        return best

    def _watch(self, step: int) -> bool:
        if self._progress is not None and self._goes_on:
            self._goes_on = self._progress(self._done + step, self._total) is not False
        return self._goes_on


def _may_fill_the_edge(system: System) -> bool:
    """Whether all work together may exceed the edge's capacity; else its work is free."""
    most = float(system.arrival_rate_per_s @ system.edge_cycles.max(axis=1))
    return most > system.edge_capacity_hz > 0.0


def _check(system: System, theta: Floats, edge_price: float | None) -> None:
    refuse_tables(system, "LB4")
    refuse_arrivals(system, "LB4")
    refuse_sizes(system, "LB4")
    Radio.of(system)  # refuses devices that move
    if not theta.any():
        raise ProblemError("$.waiting_cost_j_per_s", "expected a waiting cost > 0, got 0")
    if edge_price is not None and not 0.0 <= edge_price < math.inf:
        raise ProblemError("$.edge_price", f"expected a finite number >= 0, got {edge_price}")


def _device(
    system: System, m: int, theta: Floats, price: float, accuracy: Accuracy, watch: Callable[[int], bool]
) -> tuple[float, float, float]:
    """A device's part of the bound, in J, that of its tasks alone, and the residual."""
    rows = list(system.services_of(m))
    # Where no second counts any cost can be the unit.
    unit = float(theta[rows].max(initial=0.0)) or 1.0
    resources = local_resource(system, m, unit), transmit_resource(system, m, unit, accuracy.fading_nodes)
    tasks = task_table(system, m, theta, price, resources)
    rate = system.arrival_rate_per_s[rows] * system.slot_duration_s
    least = tasks.alone.min(axis=1)
    alone = float((rate * np.where(rate > 0.0, least, 0.0)).sum())
    joules = unit * system.slot_duration_s
    if not math.isfinite(alone) or not tasks.hold.any():
        return alone * joules, alone * joules, 0.0
    program = device_program(system, m, resources, tasks, accuracy)
    found = program.evaluate(best_prices(program, accuracy.price_steps, watch), accuracy.passes)
    return max(found.value, alone) * joules, alone * joules, found.residual


def device_program(
    system: System, device: int, resources: tuple[Resource, Resource], tasks: TaskTable, accuracy: Accuracy
) -> DeviceProgram:
    """The program of a device, with a chain in which tasks are cut as is best for a task alone.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.
    resources : (Resource, Resource)
        Its CPU and radio.
    tasks : TaskTable
        Its tasks.
    accuracy : Accuracy
        How finely to compute.
    """
    row, cut = np.arange(len(tasks.alone)), tasks.alone.argmin(axis=1)
    amounts = tasks.local[row, cut], tasks.transmit[row, cut]
    chain = reference_chain(resources, amounts, arrival_states(system, device), accuracy.chain_steps)
    radio = resources[1]
    slots = 1.0, float((radio.speeds(radio.price(np.ones(1))) @ radio.machine.share)[0])

    def grid(machine: int, hold: float) -> Floats:
        work = tasks.amounts((tasks.local, tasks.transmit)[machine], hold)
        return work_grid(work, slots[machine], accuracy.finest, accuracy.growth)

    return DeviceProgram(resources, tasks, chain, grid)
