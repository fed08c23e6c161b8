"""LB4 of devices whose channels are slow: under shadowing, or with correlated fading.

Tables of costs after the CPU are made once, and serve at all prices of edge work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.accuracy import Accuracy
from lyaopt.bounds.queueing.arrivals import arrival_states
from lyaopt.bounds.queueing.price_ascent import climb
from lyaopt.bounds.queueing.radio_table import RadioTable, shadowed_table, steady_price_table
from lyaopt.bounds.queueing.resources import local_resource, transmit_resource
from lyaopt.bounds.queueing.shadowed_radio import ShadowedRadio
from lyaopt.bounds.queueing.slow_program import SlowProgram
from lyaopt.bounds.queueing.slow_tasks import slow_tasks
from lyaopt.bounds.shadowed_tasks import RadioOption, radio_options
from lyaopt.bounds.shadowing import Shadowing
from lyaopt.model.system import System

_MOST_NODES, _MOST_PASSES = 10, 5
"""Nodes of fading and rounds of certification for tasks that send: more of them gain less than a per cent."""


class SlowChannel:
    """Bounds of the devices of a system whose channels are slow.

    Parameters
    ----------
    system : System
        With shadowing or correlated fading.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    accuracy : Accuracy
        How finely to make the tables.
    shadowed : bool
        Whether fading is drawn anew in each slot, so that prices follow the shadowing.
    """

    def __init__(self, system: System, theta: Floats, accuracy: Accuracy, shadowed: bool) -> None:
        self._system, self._theta, self._accuracy, self._shadowed = system, theta, accuracy, shadowed
        self._tables: dict[int, RadioTable] = {}
        calm = replace(system.channel, shadowing_std_db=0.0)
        self._clear = replace(system, channel=calm)

    @cached_property
    def _shadowing(self) -> Shadowing:
        channel = self._system.channel
        return Shadowing.of(
            channel.shadowing_std_db, channel.shadowing_sojourn_s, self._system.slot_duration_s
        )

    @cached_property
    def _options(self) -> list[RadioOption]:
        return radio_options(self._system, self._theta, self._shadowing)

    def device(
        self, m: int, price: float, accuracy: Accuracy, watch: Callable[[int], bool]
    ) -> tuple[float, float, float]:
        """A device's part of the bound, in J, that of its tasks alone, and the residual.

        Parameters
        ----------
        m : int
            The device.
        price : float
            psi, in J per cycle at the edge.
        accuracy : Accuracy
            How finely to compute.
        watch : callable
            Told the steps of the search for prices; False ends it.
        """
        watch(0)  # tables may take half a minute
        system, rows = self._system, list(self._system.services_of(m))
        unit = float(self._theta[rows].max(initial=0.0)) or 1.0
        joules, table = unit * system.slot_duration_s, self._table(m, unit)
        cpu = local_resource(system, m, unit)
        tasks = slow_tasks(system, m, self._theta, price, table, (cpu.unit, joules))
        rate = system.arrival_rate_per_s[rows] * system.slot_duration_s
        alone = float((rate * np.where(rate > 0.0, tasks.alone, 0.0)).sum()) - table.penalty
        if not math.isfinite(alone) or not tasks.hold.any():
            return alone * joules, alone * joules, 0.0
        radio = transmit_resource(self._clear, m, unit, 2)
        grid = accuracy.finest, accuracy.growth
        program = SlowProgram((cpu, radio), tasks, arrival_states(system, m), accuracy.chain_steps, grid)
        prices = climb(program.evaluate, program.starts(), program.moved, (accuracy.price_steps, watch))
        found = program.evaluate(prices, accuracy.passes)
        residual = max(found.residual, table.residual)
        return max(found.value, alone) * joules, alone * joules, residual

    def _table(self, m: int, unit: float) -> RadioTable:
        if m not in self._tables:
            joules = unit * self._system.slot_duration_s
            if self._shadowed:
                nodes = min(self._accuracy.fading_nodes, _MOST_NODES)
                radio = transmit_resource(self._clear, m, unit, nodes)
                self._tables[m] = shadowed_table(
                    self._system,
                    m,
                    self._theta,
                    self._options,
                    ShadowedRadio(radio.machine, self._shadowing),
                    (radio, joules),
                    max(min(self._accuracy.passes, _MOST_PASSES), 1),
                )
            else:
                self._tables[m] = steady_price_table(self._system, m, self._theta, joules)
        return self._tables[m]
