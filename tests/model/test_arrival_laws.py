"""Laws of arrivals and sizes in scenarios: read strictly, errors by their place, and formatted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.scenarios import (
    format_scenario,
    load_scenario,
    parse_scenario,
    scenario_schema,
    scenario_to_dict,
)
from lyaopt.model.system import ArrivalLaw, Device, Service, System, TaskSize

HEAD = '[[devices]]\ndistance_m = 180.0\n[[devices.services]]\nmodel = "alexnet"\n'


def parsed(text: str, folder=".") -> Service:
    return parse_scenario(HEAD + text, folder).services[0]


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ('arrivals = "poisson"', ArrivalLaw()),
        ('arrivals = "periodic"', ArrivalLaw("periodic")),
        ('arrivals = {kind = "periodic", jitter_s = 0.001}', ArrivalLaw("periodic", jitter_s=0.001)),
        ('arrivals = {kind = "periodic", phase_s = "drawn"}', ArrivalLaw("periodic", phase_s="drawn")),
        (
            '[devices.services.arrivals]\nkind = "batches"\nbatch_size = 2.5\nbatch_law = "geometric"',
            ArrivalLaw("batches", batch_size=2.5, batch_law="geometric"),
        ),
        (
            'arrivals = {kind = "on-off", on_duration_s = 1.0, off_duration_s = 2.0, off_rate_per_s = 0.1}',
            ArrivalLaw("on-off", on_duration_s=1.0, off_duration_s=2.0, off_rate_per_s=0.1),
        ),
    ],
)
def test_laws_are_read_and_formatted(text, law):
    service = parsed(text + "\n")
    assert service.arrivals == law
    system = System((Device(180.0, (service, Service("alexnet", task_size=TaskSize(0.5)))),))
    assert parse_scenario(format_scenario(system)) == system
    assert parse_scenario(json.dumps(scenario_to_dict(system))) == system


def test_documents_of_plain_services_stay_as_they_were():
    service = scenario_to_dict(load_scenario("default"))["devices"][0]["services"][0]
    assert "arrivals" not in service
    assert "task_size" not in service


ARRIVALS = "$.devices[0].services[0].arrivals"


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ('arrivals = "regular"', ARRIVALS, "expected"),
        ('arrivals = {kind = "regular"}', f"{ARRIVALS}.kind", 'expected "poisson", "periodic"'),
        ('arrivals = {kind = "periodic", jiter_s = 1.0}', f"{ARRIVALS}.jiter_s", "did you mean jitter_s"),
        (
            'arrivals = {kind = "periodic", jitter_s = -1.0}',
            f"{ARRIVALS}.jitter_s",
            "expected a finite number",
        ),
        (
            'arrivals = {kind = "periodic", jitter_s = 1e9}',
            f"{ARRIVALS}.jitter_s",
            "expected at most 1000 per",
        ),
        ('arrivals = {kind = "periodic", phase_s = "now"}', f"{ARRIVALS}.phase_s", 'or "drawn", got "now"'),
        ('arrivals = {kind = "periodic", phase_s = -0.1}', f"{ARRIVALS}.phase_s", "expected a finite number"),
        ('arrivals = {kind = "periodic", batch_size = 2}', f"{ARRIVALS}.batch_size", "no such key where"),
        ("arrivals = {phase_s = 1.0}", f"{ARRIVALS}.phase_s", "no such key where arrivals are poisson"),
        ('arrivals = {kind = "batches"}', f"{ARRIVALS}.batch_size", "missing, where arrivals are batches"),
        (
            'arrivals = {kind = "batches", batch_size = 2.5}',
            f"{ARRIVALS}.batch_size",
            "expected a whole number",
        ),
        (
            'arrivals = {kind = "batches", batch_size = 0.5}',
            f"{ARRIVALS}.batch_size",
            "expected a number from 1",
        ),
        ('arrivals = {kind = "on-off", on_duration_s = 1.0}', f"{ARRIVALS}.off_duration_s", "missing, where"),
        (
            'arrivals = {kind = "on-off", on_duration_s = 1.0, off_duration_s = 1.0, off_rate_per_s = 0.3}',
            f"{ARRIVALS}.off_rate_per_s",
            "expected at most arrival_rate_per_s = 0.2",
        ),
        ('arrivals = {kind = "replayed"}', f"{ARRIVALS}.times", "missing, where arrivals are replayed"),
        ('arrivals = {kind = "replayed", times = ""}', f"{ARRIVALS}.times", "expected the path"),
        ('arrivals = {kind = "replayed", times = "no.txt"}', f"{ARRIVALS}.times", "expected a file"),
        ("task_size = {cv = 0.0}", "$.devices[0].services[0].task_size.cv", "expected a finite number > 0"),
        ("task_size = {cv = 20.0}", "$.devices[0].services[0].task_size.cv", "expected at most 10"),
        (
            'task_size = {cv = 0.6, law = "uniform"}',
            "$.devices[0].services[0].task_size.cv",
            "expected at most 0.57735 for uniform factors",
        ),
        (
            'task_size = {cv = 1.0, law = "normal"}',
            "$.devices[0].services[0].task_size.law",
            'expected "lognor',
        ),
        ("task_size = 0.5", "$.devices[0].services[0].task_size", "expected an object"),
    ],
)
def test_errors_name_the_field(text, place, reason):
    with pytest.raises(DocumentError) as caught:
        parsed(text + "\n")
    assert caught.value.path == place
    assert reason in caught.value.reason
    assert caught.value.line == 5


def test_times_are_relative_to_the_scenario_and_give_the_rate(tmp_path):
    (tmp_path / "camera.txt").write_text("# s\n0.5\n\n1.0\n 2.0 \n", encoding="utf-8")
    law = 'arrivals = {kind = "replayed", times = "camera.txt", length_s = 4.0}\n'
    service = parsed(law, tmp_path)
    assert service.arrivals.task_times_s.tolist() == [0.5, 1.0, 2.0]
    assert service.arrival_rate_per_s == 0.75
    assert parsed("arrival_rate_per_s = 0.75\n" + law, tmp_path) == service
    assert replace(service, id="camera").arrival_rate_per_s == 0.75
    assert replace(service, arrival_rate_per_s=0.0).arrival_rate_per_s == 0.0
    with pytest.raises(DocumentError, match=r"arrival_rate_per_s: expected 0\.75, the rate of the times"):
        parsed("arrival_rate_per_s = 0.5\n" + law, tmp_path)
    system = System((Device(180.0, (service,)),))
    assert parse_scenario(format_scenario(system)) == system


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "expected times of tasks, the last one > 0, got 0 times"),
        (b"0\n0\n", "expected times of tasks, the last one > 0, got 2 times"),
        (b"1.0\nsoon\n", "line 2: expected a time in seconds, got 'soon'"),
        (b"# all\n1.0,2.0\n", "line 2: expected a time in seconds, got '1.0,2.0'"),
        (b"1\nnan\n", "line 2: expected a time in seconds, got 'nan'"),
        (b"1\ninf\n", "line 2: expected a time in seconds, got 'inf'"),
        (b"1_0\n", "line 1: expected a time in seconds, got '1_0'"),
        (b"-1\n", "line 1: expected a time in seconds, got '-1'"),
        (b"2\n1\n", "line 2: expected a time from 2.0 on, got 1"),
        (b"\xff\n", "expected text in UTF-8"),
    ],
)
def test_files_of_times_are_read_strictly(tmp_path, content, reason):
    path = tmp_path / "times.txt"
    path.write_bytes(content)
    with pytest.raises(ProblemError) as caught:
        ArrivalLaw("replayed", times=str(path))
    assert caught.value.path == "$.times"
    assert caught.value.reason.endswith(reason)


def test_the_length_is_more_than_the_last_time(tmp_path):
    path = tmp_path / "times.txt"
    path.write_text("1\n3\n", encoding="utf-8")
    with pytest.raises(
        ProblemError, match=r"^\$\.length_s: expected more than the last time, 3\.0, got 3\.0"
    ):
        ArrivalLaw("replayed", times=str(path), length_s=3.0)
    path.write_text("3\n", encoding="utf-8")
    with pytest.raises(ProblemError, match=r"^\$\.length_s: missing"):
        ArrivalLaw("replayed", times=str(path))


def test_the_schema_knows_laws_and_short_names():
    defined = scenario_schema()["$defs"]
    objects, names = defined["Service"]["properties"]["arrivals"]["anyOf"]
    assert objects == {"$ref": "#/$defs/ArrivalLaw"}
    assert names == {"enum": ["poisson", "periodic"]}
    phase = defined["ArrivalLaw"]["properties"]["phase_s"]["anyOf"]
    assert phase[:2] == [{"type": "number", "minimum": 0}, {"const": "drawn"}]
    assert set(defined["TaskSize"]["properties"]) == {"cv", "law"}
