"""What a process needs to solve one slot: constants restated outside of the kernels, and few modules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lyaopt._kernels.slot import dispatch, marginal_costs, one_slot, problems
from lyaopt._kernels.toolchain.core_choice import CHOICE
from lyaopt.slot import limits, slot_block, solve

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
    assert one_slot.RESULT_ROWS == slot_block.RESULT_ROWS
    assert one_slot.SUMMARY_PLACES == slot_block.SUMMARY_PLACES
    assert problems.SCALARS == slot_block.SCALARS
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
    assert rows == tuple(range(slot_block.RESULT_ROWS))


@pytest.mark.skipif(CHOICE.core != "aot", reason="needs the core built ahead of time")
def test_a_built_core_solves_a_document_without_other_modules() -> None:
    done = subprocess.run([sys.executable, "-c", START, EXAMPLE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_a_core_one_small_document_is_solved_interpreted(tmp_path: Path) -> None:
    """Loading kernels compiled at run time takes longer."""
    root = EXAMPLE.parents[1]
    kept = shutil.ignore_patterns("__pycache__", "_core*", "*.so")
    shutil.copytree(root / "lyaopt", tmp_path / "lyaopt", ignore=kept)
    shutil.copytree(root / "cli", tmp_path / "cli", ignore=kept)
    environment = {key: value for key, value in os.environ.items() if key != "LYAOPT_CORE"}
    environment |= {"PYTHONPATH": f"{tmp_path}:{tmp_path / 'cli'}", "LYAOPT_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", f"{START}\nprint(sys.modules['lyaopt'].__file__)", str(EXAMPLE)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path, timeout=120
    )
    *_, loaded, file = done.stdout.splitlines()
    assert Path(file).is_relative_to(tmp_path)
    assert "numba" not in loaded
    assert "lyaopt._kernels.slot.one_slot" in loaded
