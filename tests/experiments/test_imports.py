"""Heavy packages are loaded on demand."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "matplotlib", "joblib", "dask", "distributed", "ray")  # Numba itself looks for SciPy


@pytest.mark.parametrize(
    "module",
    [
        "lyaopt_cli.commands.sweep",
        "lyaopt_cli.commands.tune",
        "lyaopt.experiments.sweeps",
        "lyaopt.experiments.report",
        "lyaopt.experiments.tradeoff_plot",
    ],
)
def test_heavy_libraries_are_not_loaded(module):
    script = f"import sys, {module}\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
