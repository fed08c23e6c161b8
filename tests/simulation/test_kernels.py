"""The three kernels that simulate: for few services, for many at the edge, for many on a device."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import json
import numpy as np
from lyaopt._kernels.simulation import slot_loop
from lyaopt.policies import make_policy
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import Simulator

system = load_scenario("bursty")
system = __import__("dataclasses").replace(system, devices=system.devices[:3])
results = {}
for name in NAMES:
    simulator = Simulator(system, make_policy("random", system), replications=2, seed=4)
    simulator._state._kernel = getattr(slot_loop, name)
    simulator.run(SLOTS)
    result = simulator.result()
    results[name] = [
        result.local_energy_j.tolist(),
        result.transmit_energy_j.tolist(),
        result.queues.tolist(),
        [result.born, result.completed, result.queued],
    ]
print(json.dumps(results))
"""
NAMES = ("advance_few", "advance_some", "advance_many")


def results_of(core, slots):
    script = SCRIPT.replace("NAMES", repr(NAMES)).replace("SLOTS", str(slots))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"LYAOPT_CORE": core},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def assert_alike(results, others):
    for name in NAMES:
        for values, expected in zip(results[name], others, strict=True):
            np.testing.assert_allclose(values, expected, rtol=1e-11, err_msg=name)


def test_all_kernels_agree():
    """Sorting and selecting give the same run, to rounding; interpreted, which compiles nothing."""
    results = results_of("python", 400)
    assert results["advance_few"][3][0] > 0
    assert_alike(results, results["advance_few"])


@pytest.mark.slow
def test_all_kernels_agree_when_compiled():
    results = results_of("jit", 20_000)
    assert_alike(results, results["advance_few"])
    assert_alike(results_of("python", 400), results_of("jit", 400)["advance_few"])
