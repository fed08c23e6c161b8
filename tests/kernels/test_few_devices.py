"""Few services a device: certificates of what is no optimum."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_certificates_of_what_is_not_optimal_are_those_of_one_lane_at_a_time():
    environment = os.environ | {"LYAOPT_CORE": "python"}
    command = [sys.executable, "-m", "tests.kernels.few_checks"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "84\n"
