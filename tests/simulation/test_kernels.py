"""The three exact methods of allocation: for few services, for many at the edge, for many on a device."""

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
from lyaopt._kernels.simulation import exact_allocation
from lyaopt.policies import make_policy
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import Simulator

system = load_scenario("bursty")
system = __import__("dataclasses").replace(system, devices=system.devices[:3])
results = {}
for name in NAMES:
    simulator = Simulator(system, make_policy("random", system), replications=2, seed=4)
    state = simulator._state
    state._model = state._model._replace(method=getattr(exact_allocation, name))
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
NAMES = ("SORT", "SELECT_AT_EDGE", "SELECT")


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


def test_all_methods_agree():
    """Sorting and selecting give the same run, to rounding; interpreted, which compiles nothing."""
    results = results_of("python", 400)
    assert results["SORT"][3][0] > 0
    assert_alike(results, results["SORT"])


@pytest.mark.slow
def test_all_methods_agree_when_compiled():
    results = results_of("jit", 20_000)
    assert_alike(results, results["SORT"])
    assert_alike(results_of("python", 400), results_of("jit", 400)["SORT"])
