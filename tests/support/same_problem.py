"""Slot problems compared field by field."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from lyaopt.slot.problem import SlotProblem


def same_problem(a: SlotProblem, b: SlotProblem) -> bool:
    """Whether all fields are equal, and those that are None are so in both."""
    plain = {field.name for field in fields(SlotProblem)} - {"service_ids", "cpu_points", "radio"}
    radios = [
        None if one.radio is None else [None if r is None else [*r] for r in one.radio] for one in (a, b)
    ]
    nested = a.service_ids == b.service_ids and a.cpu_points == b.cpu_points and radios[0] == radios[1]
    return nested and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in plain)
