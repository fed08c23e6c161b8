"""A sweep of two small cells, to be killed: python -m tests.experiments.killed_sweep FOLDER."""

from __future__ import annotations

import sys

from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.store import Store
from lyaopt.experiments.sweeps import Part, run_parts
from lyaopt.model.scenarios import load_scenario


def part() -> Part:
    """Middle points at two speeds of the edge."""
    measuring = Measuring(slots=30, warmup=0, replications=1)
    sweep = Sweep(("middle",), vary={"edge_capacity_hz": [1e9, 2e10]}, evaluation=measuring)
    return Part(sweep, load_scenario("default"))


if __name__ == "__main__":
    run_parts([part()], Store(sys.argv[1]), command="", jobs=2)
