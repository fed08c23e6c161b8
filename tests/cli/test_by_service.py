"""`lyaopt simulate --json --by-service`, against the record of the same run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt_cli.main import run

SYSTEM = load_scenario("default")
WARMUP = 200


def test_services_are_those_of_the_record(capsysbinary, tmp_path):
    path = str(tmp_path / "r.npz")
    words = ["--slots", "3000", "--warmup", str(WARMUP), "--policy", "all-local", "--record", path]
    assert run(["simulate", "default", "--json", "--by-service", *words]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    found = document["services"]
    with np.load(path) as file:
        record = dict(file)
    slot = np.repeat(np.arange(3200), record["completed"].sum(axis=1))
    assert len(found) == 8
    for s, service in enumerate(found):
        m = SYSTEM.device_of_service[s]
        assert service["device"] == SYSTEM.device_ids[m]
        assert service["service"] == SYSTEM.service_ids[m][s - SYSTEM.services_of(m).start]
        assert service["network"] == SYSTEM.services[s].profile.name
        for name in ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles"):
            mean = record[name][WARMUP:-1, s].mean()
            assert service[f"mean_{name}"] == pytest.approx(mean, rel=1e-9)
        own = record["latency_slots"][(record["latency_service"] == s) & (slot >= WARMUP)]
        assert service["completed_after_warmup"] == own.size > 0
        expected = [own.mean(), *np.percentile(own, [50, 95, 99])]
        got = [service["latency_s"][key] for key in ("mean", "p50", "p95", "p99")]
        np.testing.assert_allclose(got, np.array(expected) * SYSTEM.slot_duration_s, rtol=1e-12)
        assert service["partition"] == document["partition"][s]
    assert sum(service["mean_tasks"] for service in found) == pytest.approx(document["mean_tasks"])


def test_replications_count_together(capsysbinary):
    words = ["simulate", "default", "--json", "--by-service", "--policy", "random", "--slots", "500"]
    assert run([*words, "--replications", "4"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert sum(service["completed_after_warmup"] for service in document["services"]) == document["completed"]
    assert {service["partition"] for service in document["services"]} == {None}


def test_nothing_completed_is_null(capsysbinary):
    assert run(["simulate", "default", "--json", "--by-service", "--slots", "1"]) == 0
    services = json.loads(capsysbinary.readouterr().out)["services"]
    assert services[0]["latency_s"] == {"mean": None, "p50": None, "p95": None, "p99": None}


def test_it_is_for_json(capsysbinary):
    assert run(["simulate", "default", "--by-service"]) == 2
    assert "--by-service is for --json" in capsysbinary.readouterr().err.decode()
