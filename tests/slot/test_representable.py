"""What doubles cannot hold is refused by one rule, checked here with exact fractions, in all ways in."""

from __future__ import annotations

import json
import math
import shutil
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotBatch, SlotProblem, solve_slot
from lyaopt.slot.documents import parse_slot_document, problem_from_dict
from lyaopt.slot.limits import noise_w_per_hz
from tests.support.capi import BAD_VALUE, LIBRARY, Call, load_library

_LEAST, _MOST = Fraction(sys.float_info.min), Fraction(sys.float_info.max)
_LARGEST_SIGNAL = Fraction(math.expm1(709.0))
_MARGIN = Fraction(1000)
_QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
_SERVICES = 6


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    """A device with some numbers near the ends of what doubles can hold."""

    def number(usual: float, *, zero: bool = True) -> float:
        kind = rng.choice(["usual", "zero", "far"], p=[0.6, 0.1, 0.3])
        if kind == "far":
            return float(usual * 10.0 ** rng.uniform(-300, 280))
        return 0.0 if kind == "zero" and zero else usual

    queues = {name: np.array([[number(1e6) for _ in range(_SERVICES)]]) for name in _QUEUES}
    return queues | {
        "slot_duration_s": float(10.0 ** rng.choice([-2.0, rng.uniform(-150, 150)], p=[0.7, 0.3])),
        "energy_coefficient": 1e-28,
        "energy_weight_local": 1e17,
        "energy_weight_transmit": 1e13,
        "edge_capacity_hz": 2e10,
        "cpu_capacity_hz": np.array([1e9]),
        "max_power_w": np.array([number(0.3)]),
        "channel_gain": np.array([number(1e-11)]),
        "bandwidth_hz": np.array([number(1e5, zero=False)]),
        "noise_psd_dbm_per_hz": float(rng.choice([-174.0, rng.uniform(-2900, 2900)], p=[0.7, 0.3])),
    }


def _margin(fields: dict[str, Any]) -> Fraction:
    """How far the numbers are within the rule: a factor above 1 inside, below 1 outside."""
    tau, noise = Fraction(fields["slot_duration_s"]), Fraction(noise_w_per_hz(fields["noise_psd_dbm_per_hz"]))
    gain, power, band = (
        Fraction(float(fields[n][0])) for n in ("channel_gain", "max_power_w", "bandwidth_hz")
    )
    low, high = [band * noise, band * tau], [_MOST / (band * noise), _MOST / (band * tau)]
    for name in _QUEUES:
        values = [Fraction(float(value)) for value in fields[name].flat]
        low += [part for value in values if value for part in (value, value / tau)]
        total = sum(values)
        high += [_MOST / total, _MOST * tau / total] if total else []
    eta = gain / (band * noise)
    low += [eta] if eta else []
    high += [_MOST / eta] if eta else []
    low += [power * eta] if power * eta else []
    high += [_LARGEST_SIGNAL / (power * eta)] if power * eta else []
    return min(min(low) / _LEAST, min(high))


def _ways(fields: dict[str, Any]) -> dict[str, Any]:
    batch = fields | {n: fields[n][None] for n in (*_QUEUES, "channel_gain")}
    of_device = ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz")
    services = [{n: float(fields[n][0, i]) for n in _QUEUES} for i in range(_SERVICES)]
    device = {n: float(fields[n][0]) for n in of_device} | {"services": services}
    document = {n: v for n, v in fields.items() if n not in (*_QUEUES, *of_device)}
    # There is no more than the system has: the device has all of it.
    document |= {"devices": [device], "bandwidth_hz": device["bandwidth_hz"]}
    weighted = json.loads(json.dumps(document))
    weighted["devices"][0]["services"][0]["local_weight"] = 1.0
    return {
        "problem": lambda: SlotProblem(**fields),
        "batch": lambda: SlotBatch(**batch),
        "document": lambda: problem_from_dict(document),
        "text": lambda: parse_slot_document(json.dumps(document)),
        "weights": lambda: parse_slot_document(json.dumps(weighted)),
    }


def _is_taken(make: Any) -> bool:
    try:
        make()
    except ProblemError:
        return False
    return True


def _draws(count: int) -> list[tuple[dict[str, Any], bool]]:
    """Fields, and whether they are within the rule, for those that are clearly in or out."""
    rng = np.random.default_rng(11)
    found = []
    while len(found) < count:
        fields = _draw(rng)
        try:
            margin = _margin(fields)
        except ProblemError:  # the noise itself
            continue
        if margin > _MARGIN or margin < 1 / _MARGIN:
            found.append((fields, margin > 1))
    return found


def test_all_ways_in_refuse_the_same() -> None:
    kept = 0
    for fields, within in _draws(1500):
        taken = {name: _is_taken(make) for name, make in _ways(fields).items()}
        assert taken == dict.fromkeys(taken, within), fields
        kept += within
    assert 300 < kept < 1350


@pytest.mark.skipif(shutil.which("cc") is None or LIBRARY is None, reason="no library")
@pytest.mark.parametrize("slot", [None, 0])
def test_c_refuses_what_python_refuses(slot: int | None) -> None:
    library = load_library()
    usual = _draw(np.random.default_rng(0)) | {"slot_duration_s": 0.01, "noise_psd_dbm_per_hz": -174.0}
    usual |= {n: np.full((1, 1, _SERVICES), 1e6) for n in _QUEUES}
    usual |= {n: np.array([v]) for n, v in (("max_power_w", 0.3), ("bandwidth_hz", 1e5))}
    batch = SlotBatch(**usual | {"channel_gain": np.array([[1e-11]])})
    for fields, within in _draws(500):
        call = Call(library, batch, slot)
        for place, name in enumerate(
            ("cpu_capacity_hz", "max_power_w", "bandwidth_hz", "channel_gain", *_QUEUES)
        ):
            call.inputs[place].flat[:] = fields[name].ravel()
        call.system.slot_duration_s = fields["slot_duration_s"]
        call.system.noise_psd_w_per_hz = noise_w_per_hz(fields["noise_psd_dbm_per_hz"])
        assert (call() != BAD_VALUE) == within, fields


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (
            {"bandwidth_hz": 1e308, "noise_psd_dbm_per_hz": 100.0, "channel_gain": 1.0},
            "devices[0].bandwidth_hz",
        ),
        ({"slot_duration_s": 1e300, "local_queue_cycles": 1e-20}, "local_queue_cycles"),
        ({"channel_gain": 1e-320, "max_power_w": 1e-9}, "devices[0].channel_gain"),
        ({"bandwidth_hz": 1e-200, "slot_duration_s": 1e-120}, "devices[0].bandwidth_hz"),
    ],
)
def test_the_error_names_the_field(changes: dict[str, float], path: str) -> None:
    fields = _draw(np.random.default_rng(0)) | {"slot_duration_s": 0.01, "noise_psd_dbm_per_hz": -174.0}
    fields |= {n: np.full((1, _SERVICES), 1e6) for n in _QUEUES}
    fields |= {
        "max_power_w": np.array([0.3]),
        "bandwidth_hz": np.array([1e5]),
        "channel_gain": np.array([1e-11]),
    }
    solve_slot(SlotProblem(**fields))
    for name, value in changes.items():
        fields[name] = np.full_like(fields[name], value) if isinstance(fields[name], np.ndarray) else value
    with pytest.raises(ProblemError) as refused:
        SlotProblem(**fields)
    assert refused.value.path == f"$.{path}"
