"""`lyaopt trace import`: from a log to a simulation."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.model.radios import load_radio
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import load_trace
from lyaopt_cli.main import run

SYSTEM = load_scenario("balanced")


@pytest.fixture
def logs(tmp_path):
    """Four logs of a minute, of different rates and times."""
    rng = np.random.default_rng(4)
    names = []
    for m in range(4):
        times = np.cumsum(rng.uniform(0.2, 1.5, 80))
        lines = [f"{t:.3f},{v:.2f}" for t, v in zip(times, rng.uniform(0.5, 20.0, 80), strict=True)]
        path = tmp_path / f"device-{m}.csv"
        path.write_text("\n".join(["t,Mbps", *lines]) + "\n")
        names.append(str(path))
    return names


def test_logs_become_a_scenario_and_a_trace_that_run(logs, tmp_path, capsysbinary):
    out, scenario, picture = (tmp_path / name for name in ("radio.npz", "s.toml", "radio.svg"))
    given = ["--scenario", "balanced", "--power-w", "1.1", "--save-scenario", str(scenario)]
    assert run(["trace", "import", *logs, *given, "--out", str(out), "--plot", str(picture), "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert [device["log"] for device in document["devices"]] == [f"device-{m}.csv" for m in range(4)]
    system = load_scenario(scenario)
    rates = [device["rate_bps"] for device in document["devices"]]
    np.testing.assert_array_equal(system.radio_rate_bps, rates)
    assert {device.radio.power_w for device in system.devices} == {1.1}
    trace = load_trace(out, system, seed=1)
    assert trace.slots == document["slots"]
    assert trace.channel_gain.max() == 1.0
    assert picture.read_bytes().startswith(b"<?xml")
    assert run(["simulate", str(scenario), "--trace", str(out), "--policy", "middle", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["slots"] == trace.slots


def test_radios_of_logs_take_the_powers_of_a_measured_device(logs, tmp_path, capsys):
    out, scenario = tmp_path / "radio.npz", tmp_path / "s.toml"
    given = ["--scenario", "balanced", "--save-scenario", str(scenario), "--out", str(out)]
    assert run(["trace", "import", *logs, *given, "--radio", "lte-2012"]) == 0
    assert 'model = "lte-2012"}' in capsys.readouterr().out
    radios = [device.radio for device in load_scenario(scenario).devices]
    lte = load_radio("lte-2012").radio
    assert all(replace(radio, rate_bps=lte.rate_bps) == lte for radio in radios)
    assert all(15e6 < radio.rate_bps <= 20e6 for radio in radios)
    assert run(["simulate", str(scenario), "--trace", str(out), "--policy", "all-offload"]) == 0
    assert "tails" in capsys.readouterr().out
    assert run(["trace", "import", *logs, *given, "--radio", "lte"]) == 2
    assert "--radio: expected one of 5g-low-band-2021" in capsys.readouterr().err
    assert run(["trace", "import", *logs, *given, "--radio", "lte-2012", "--power-w", "1"]) == 2
    assert "leave out --power-w" in capsys.readouterr().err


def test_gains_take_powers_and_bandwidths_of_the_scenario(logs, tmp_path, capsysbinary):
    out = tmp_path / "gains.npz"
    given = ["--scenario", "balanced", "--to-gain", "--step", "0.5", "--bandwidth-hz", "2e6"]
    assert run(["trace", "import", *logs, *given, "--out", str(out), "--json"]) == 0
    devices = json.loads(capsysbinary.readouterr().out)["devices"]
    assert {device["unit"] for device in devices} == {"gain"}
    assert {device["rate_bps"] for device in devices} == {None}
    assert (np.load(out)["channel_gain"] > 0.0).all()


def test_the_table_says_what_a_scenario_needs(logs, tmp_path, capsys):
    assert run(["trace", "import", logs[0], "--out", str(tmp_path / "r.npz")]) == 0
    printed = capsys.readouterr().out
    assert "radio = {rate_bps = " in printed
    assert "no arrivals" in printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--unit", "Mbps"], "$.unit: expected one of"),
        (["--format", "pcap"], "$.format"),
        (["--column", "w"], "device-0.csv: $.column"),
        (["--scenario", "balanced"], "$.files: expected 4, one for each device of the scenario, got 1"),
        (["--save-scenario", "s.toml"], "--save-scenario needs --scenario"),
        (["--power-w", "-1"], "--power-w: expected a finite number > 0"),
        (["--to-gain"], "$.power_w: missing"),
        (["--to-gain", "--power-w", "1", "--bandwidth-hz", "1e5"], "$.files[0]: expected gains of at most 1"),
        (["--unit", "dBm", "--column", "2"], "$.reference_dbm: missing"),
        (["--slots", "100000000"], "$.slots"),
    ],
)
def test_wrong_imports_are_one_line(arguments, reason, logs, tmp_path, capsys):
    assert run(["trace", "import", logs[0], "--out", str(tmp_path / "r.npz"), *arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (tmp_path / "r.npz").exists()


def test_a_log_that_cannot_be_read_is_one_line(tmp_path, capsys):
    assert run(["trace", "import", str(tmp_path / "none.csv"), "--out", str(tmp_path / "r.npz")]) == 2
    assert "none.csv: No such file" in capsys.readouterr().err
