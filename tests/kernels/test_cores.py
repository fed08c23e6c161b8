"""The same source, interpreted: same bits, no Numba, and every index within bounds."""

import json
import os
import subprocess
import sys

import numpy as np

from lyaopt import solve_slots
from tests.kernels import small_runs
from tests.kernels.test_sizes import make_batch

FIELDS = ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w", "local_multiplier", "transmit_multiplier")
SCRIPT = """
import json, sys
from lyaopt import solve_slots
from tests.kernels.test_sizes import make_batch
answers = {}
for services in (1, 3, 5, 12, 130):
    for method in ("exact", "bisection"):
        solution = solve_slots(make_batch(services, slots=3), method)
        answers[f"{services} {method}"] = [
            [x.hex() for x in getattr(solution, name).ravel().tolist()] for name in FIELDS
        ]
assert "numba" not in sys.modules
print(json.dumps(answers))
"""

SMALL_RUNS = """
import sys
import numpy
from tests.kernels.small_runs import answers
numpy.savez(sys.argv[1], **answers())
"""


def interpreted(*command):
    env = os.environ | {"LYAOPT_CORE": "python"}
    return subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True)


def test_interpreted_kernels_give_the_same_answers():
    """Bit for bit without logarithms; those may differ where a processor fuses a product and a sum."""
    done = interpreted("-c", SCRIPT.replace("FIELDS", repr(FIELDS)))
    assert done.returncode == 0, done.stderr
    for key, answer in json.loads(done.stdout).items():
        services, method = key.split()
        solution = solve_slots(make_batch(int(services), slots=3), method)
        for name, values in zip(FIELDS, answer, strict=True):
            expected = [float.fromhex(x) for x in values]
            rounding = 1e-13 if name in ("rate_bps", "power_w", "transmit_multiplier") else 0.0
            actual = getattr(solution, name).ravel()
            np.testing.assert_allclose(actual, expected, rtol=rounding, atol=0.0, err_msg=f"{key} {name}")


def test_interpreted_simulations_give_the_same_answers(tmp_path):
    """Kernels of queues, traffic, channels, allocation by shares, observations and credit."""
    path = tmp_path / "interpreted.npz"
    done = interpreted("-c", SMALL_RUNS, str(path))
    assert done.returncode == 0, done.stderr
    expected = small_runs.answers()
    with np.load(path) as found:
        assert set(found) == set(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-12, err_msg=name)
    assert expected["busy queues"].any()


def test_interpreted_kernels_pass_the_oracle_within_bounds():
    """Interpreted indexing raises where compiled code would read past an array."""
    tests = "tests/kernels/test_sizes.py"
    # Many slots of many services take half of the time: they are bisected in few slots, against the oracle.
    long = [f"--deselect={tests}::test_every_slot_is_certified[{size}-bisection]" for size in (100, 256, 257)]
    done = interpreted(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, "-k", "oracle or certified", *long
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_an_unknown_core_is_refused():
    env = os.environ | {"LYAOPT_CORE": "fortran"}
    done = subprocess.run(
        [sys.executable, "-c", "import lyaopt.kernels"], env=env, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "LYAOPT_CORE: expected 'aot', 'jit' or 'python', got 'fortran'" in done.stderr
