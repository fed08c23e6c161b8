"""Slot by slot under a rule in Python."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.simulation.rules import Rule, weigh
from lyaopt.simulation.slot_observation import SlotObservation
from lyaopt.simulation.state import State


def advance_asking(
    state: State, rule: Rule, slots: int, plan: Integers, seed: int, recording: bool
) -> tuple[Floats, Floats] | None:
    """Simulate slots, and ask a rule for the weights of each one that is not allocated by shares.

    Parameters
    ----------
    state : State
        Advanced.
    rule : Rule
        In Python.
    slots : int
        Number of slots.
    plan : ndarray (P, blocks, N, L) of int
        As of `State.advance`.
    seed : int
        Of the run, for observations.
    recording : bool
        Whether to record the slots.

    Returns
    -------
    services, devices : ndarray
        As of `State.advance_recorded`; None without a record.

    Raises
    ------
    ProblemError, RuleError
        As of `lyaopt.simulation.rules.weigh`.
    """
    period = state.system.slots_per_period
    begin = state.slot // period
    records = []
    for _ in range(slots):
        state.set_weights(None if state.by_shares else weigh(rule, SlotObservation(state, seed)))
        line = min(state.slot // period - begin, len(plan) - 1)
        if recording:
            records.append(state.advance_recorded(1, plan[line : line + 1]))
        else:
            state.advance(1, plan[line : line + 1])
    if not records:
        return None
    services, devices = zip(*records, strict=True)
    return np.concatenate(services), np.concatenate(devices)
