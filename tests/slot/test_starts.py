"""What a process needs to solve one slot: constants restated outside of the kernels, and few modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lyaopt._kernels.slot import dispatch, marginal_costs, one_slot
from lyaopt._kernels.toolchain.core_choice import CHOICE
from lyaopt.slot import limits, solve

EXAMPLE = Path(__file__).parents[2] / "examples" / "slot.json"
START = """
import sys
from lyaopt_cli.main import run
assert run(["solve-slot", sys.argv[1]]) == 0
heavy = ("lyaopt._kernels.slot", "pydantic", "numba", "rich")
print([name for name in sys.modules if name.startswith(heavy)])
"""


def test_restated_constants_are_those_of_the_kernels() -> None:
    assert marginal_costs.LARGEST_EXPONENT == limits.LARGEST_EXPONENT
    assert dispatch.NETWORK_ITEMS == solve.NETWORK_ITEMS
    assert one_slot.RESULT_ROWS == solve.RESULT_ROWS
    assert one_slot.SUMMARY_PLACES == solve.SUMMARY_PLACES
    rows = (
        one_slot.CPU,
        one_slot.POWER,
        one_slot.LOCAL_NU,
        one_slot.TRANSMIT_NU,
        one_slot.LOCAL_ENERGY,
        one_slot.TRANSMIT_ENERGY,
        one_slot.LOCAL_PRICE,
        one_slot.RATE_PRICE,
    )
    assert rows == tuple(range(solve.RESULT_ROWS))


@pytest.mark.skipif(CHOICE.core != "aot", reason="needs the core built ahead of time")
def test_a_built_core_solves_a_document_without_other_modules() -> None:
    done = subprocess.run([sys.executable, "-c", START, EXAMPLE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
