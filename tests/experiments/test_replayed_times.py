"""Sweeps of scenarios that replay times of tasks: cells are those of the times, and results keep them."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt.experiments.cells import cells_of
from lyaopt.experiments.definition import parse_sweep
from lyaopt.experiments.own_files import own_files
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation.streams import make_streams

SCENARIO = """
[[devices]]
distance_m = 180.0
[[devices.services]]
model = "alexnet"
arrivals = {kind = "replayed", times = "gate.txt", length_s = 10.0}
"""
SWEEP = 'scenario = "own.toml"\npolicies = ["middle"]\n'


@pytest.fixture
def own_system(tmp_path, monkeypatch):
    """The scenario, whose file of times holds a text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(SCENARIO)

    def load(text):
        (tmp_path / "gate.txt").write_text(text)
        return load_scenario("own.toml")

    return load


def key_of(system):
    (cell,) = cells_of(parse_sweep(SWEEP), system)
    return cell.key


def test_cells_are_those_of_the_times_whatever_the_file_is_like(own_system):
    """Others of the same number and length have the same rate, but not the same results."""
    first = key_of(own_system("0.5\n2.5\n"))
    assert key_of(own_system("# seconds\n0.50\n2.5\n")) == first
    assert key_of(own_system("0.5\n2.75\n")) != first


def test_files_of_a_sweep_hold_the_times_that_were_read(own_system, tmp_path):
    system = own_system("# seconds\n0.1\n0.30000000000000004\n")
    files = own_files("own.toml", system)
    assert list(files) == ["own.toml", "gate.txt"]
    again = own_system(files["gate.txt"])
    (tmp_path / "own.toml").write_text(files["own.toml"])
    kept = load_scenario("own.toml")
    assert again.services[0].arrivals.task_times_s.tolist() == [0.1, 0.30000000000000004]
    draws = [make_streams(each, 1).draw_arrivals(0, 3000) for each in (system, kept)]
    assert draws[0].sum() == 6
    np.testing.assert_array_equal(*draws)
