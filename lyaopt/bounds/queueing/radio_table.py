"""What tasks of a device pay at least after the CPU where its channel is slow, and radio time has no price.

A task cut at k, born when the channel was z, pays at least T_k(z) from the radio on, if each of its slots at
the CPU counts for `drift` less: the channel may get better there, but T falls by no more than this a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.resources import Resource
from lyaopt.bounds.queueing.shadowed_proof import shadowed_costs_of
from lyaopt.bounds.queueing.shadowed_radio import ShadowedRadio
from lyaopt.bounds.queueing.work_grid import work_grid
from lyaopt.bounds.shadowed_tasks import RadioOption
from lyaopt.bounds.stationary import stationary_prices
from lyaopt.bounds.task_costs import edge_costs, local_costs
from lyaopt.model.system import System

_ROUNDING = 1e-9
_FINEST, _GROWTH, _HALVINGS = 0.3, 1.1, 5
"""Nodes of work for tasks that send, see `work_grid`; the least is halved, as bad channels do little."""


@dataclass(frozen=True)
class RadioTable:
    """Costs of N services with K + 1 cuts in O ways, in waiting costs of a slot.

    Attributes
    ----------
    weight : ndarray (2, C)
        Of the lower and upper ends of C cells of the channel's states, in means at birth.
    drift : ndarray (N, K + 1, O)
        By how much less a slot at the CPU counts.
    after : ndarray (N, K + 1, O, 2, C)
        T.
    local : ndarray (N, K + 1, O)
        Least cost at the CPU for a task alone.
    penalty : float
        What the device's bound is less by.
    residual : float
        Largest residual that was taken off.
    """

    weight: Floats
    drift: Floats
    after: Floats
    local: Floats
    penalty: float
    residual: float


def shadowed_table(
    system: System,
    device: int,
    theta: Floats,
    options: Sequence[RadioOption],
    radio: ShadowedRadio,
    units: tuple[Resource, float],
    passes: int,
) -> RadioTable:
    """Table of a device under shadowing.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    options : sequence of RadioOption
        Prices of bits.
    radio : ShadowedRadio
        The radio.
    units : (Resource, float)
        The radio on the median channel, and J of a unit of cost.
    passes : int
        Most rounds of certification.
    """
    rows, (median, joules) = list(system.services_of(device)), units
    followed = RadioOption(np.zeros_like(options[0].price), np.zeros_like(options[0].drift_w))
    options = [*options, followed]
    price = np.stack([option.price[rows] for option in options], axis=2)
    drift = np.stack([option.drift_w[rows] for option in options], axis=2)
    cost = price * system.transmit_bits[rows][..., None, None] / joules * (1.0 - _ROUNDING)
    residual = _followed(system, rows, theta, cost, (radio, median, joules), passes)
    cost[_impossible(system, device)] = np.inf
    after = np.stack([cost[..., :-1], cost[..., 1:]], axis=3)
    local = np.stack([_local(system, theta, option.drift_w)[rows] for option in options], axis=2)
    scaled = drift * system.slot_duration_s / joules * (1.0 + _ROUNDING)
    return RadioTable(
        radio.shadowing.weight, scaled, after, local / joules * (1.0 - _ROUNDING), 0.0, residual
    )


def nodes_of_bits(amounts: Floats, slot: float) -> Floats:
    """Nodes of work for channels of all qualities, with a node at each amount.

    Parameters
    ----------
    amounts : ndarray
        Positive amounts of work.
    slot : float
        Work of a slot on the median channel, about.
    """
    small = _FINEST * slot * 0.5 ** np.arange(1, _HALVINGS + 1)
    return np.union1d(work_grid(amounts, slot, _FINEST, _GROWTH), small[small < amounts.max()])


def _followed(
    system: System,
    rows: list[int],
    theta: Floats,
    cost: Floats,
    parts: tuple[ShadowedRadio, Resource, float],
    passes: int,
) -> float:
    """Write costs of tasks that only send, followed bit by bit, as the last way (N, K + 1, O, Z)."""
    radio, median, joules = parts
    bits, only = system.transmit_bits[rows] / median.unit, system.local_cycles[rows] == 0.0
    slot = float((median.speeds(median.price(np.ones(1))) @ median.machine.share)[0])
    worst = 0.0
    for hold in np.unique(theta[rows][theta[rows] > 0.0]):
        same = only & (bits > 0.0) & (theta[rows] == hold)[:, None]
        if not same.any() or slot <= 0.0:
            continue
        work = nodes_of_bits(bits[same], slot)
        found = shadowed_costs_of(radio, work, hold * system.slot_duration_s / joules, passes)
        worst = max(worst, found.residual)
        for n, k in zip(*np.nonzero(same), strict=True):
            cost[n, k, -1] = found.at(bits[n, k])
    return worst


def _impossible(system: System, device: int) -> NDArray[np.bool_]:
    """Cuts (N, K + 1) that send where there is no power."""
    sends = system.transmit_bits[list(system.services_of(device))] > 0.0
    return np.asarray(sends & (system.max_power_w[device] == 0.0))


def _local(system: System, theta: Floats, drift_w: Floats) -> Floats:
    """Least cost at the CPU (S, K + 1) where waiting counts for less, by cut."""
    costs = [
        local_costs(system, np.maximum(theta - drift_w[:, k], 0.0), True)[:, k]
        for k in range(drift_w.shape[1])
    ]
    return np.stack(costs, axis=1)


def steady_price_table(system: System, device: int, theta: Floats, joules: float) -> RadioTable:
    """Table of a device whose fading is correlated: one price of a bit, whatever the channel's state.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    joules : float
        J of a unit of cost.
    """
    rows, local = list(system.services_of(device)), local_costs(system, theta, True)
    price, penalty = stationary_prices(system, theta, local + edge_costs(system, theta, True))
    sent = price[device] * system.transmit_bits[rows] / joules * (1.0 - _ROUNDING)
    sent[_impossible(system, device)] = np.inf
    after = np.repeat(sent[:, :, None, None, None], 2, axis=3)
    drift = np.zeros((*sent.shape, 1))
    taken = float(penalty[device]) * system.slot_duration_s / joules * (1.0 + _ROUNDING)
    weight = np.array([[1.0], [0.0]])
    return RadioTable(weight, drift, after, local[rows][..., None] / joules * (1.0 - _ROUNDING), taken, 0.0)
