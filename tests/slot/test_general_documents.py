"""Optional keys of slot documents: weights, operating points, measured radios, shared spectrum."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError
from lyaopt.slot import documents
from lyaopt.slot.documents import parse_slot_document, problem_from_dict
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.schemas import json_schema
from tests.support.same_problem import same_problem
from tests.support.slot_text import (
    EXAMPLE,
    GENERAL,
    at,
    example,
    general,
    keys,
    shown,
    weighted,
    with_literal,
    with_repeated,
)

ADDED = [path for path in keys(GENERAL) if path not in keys(EXAMPLE)]
ADDED_NUMBERS = [path for path in ADDED if isinstance(at(GENERAL, path), float)]
POINTS, RADIO = ("devices", 0, "cpu_points"), ("devices", 1, "radio")
WEIGHTS = [path for path in ADDED_NUMBERS if path[-1] in WEIGHT_FIELDS]


def by_path(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else None


def refusal(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        parse_slot_document(text)
    return caught.value


# --- what is accepted


def test_every_key_arrives_where_it_belongs():
    problem = parse_slot_document(json.dumps(GENERAL))
    assert problem.spectrum == "shared"
    assert problem.cpu_points == (((5e8, 0.1), (1.2e9, 0.5)), None)
    assert problem.radio is not None
    assert problem.radio[0] is None
    assert problem.radio[1].tolist() == [2e6, 0.8]
    for name, queue in zip(WEIGHT_FIELDS, QUEUE_FIELDS, strict=True):
        services = [*GENERAL["devices"][0]["services"], GENERAL["devices"][1]["services"][0]]
        a, b, c = (service.get(name, service[queue]) for service in services)
        assert getattr(problem, name).tolist() == [[a, b], [c, 0.0]]


@pytest.mark.parametrize("name", WEIGHT_FIELDS)
def test_a_weight_that_no_service_gives_is_none(name):
    document = weighted()
    for service in document["devices"][0]["services"]:
        service.pop(name, None)
    problem = parse_slot_document(json.dumps(document))
    assert [getattr(problem, field) is None for field in WEIGHT_FIELDS] == [
        field == name for field in WEIGHT_FIELDS
    ]


def test_weights_need_no_second_reading(monkeypatch):
    monkeypatch.setattr(documents, "_parse_strictly", None)
    for document in (weighted(), example() | {"spectrum": "shared"}):
        assert same_problem(parse_slot_document(json.dumps(document)), problem_from_dict(document))


def test_packed_weights_are_those_of_the_constructor():
    short, checked = (
        read(json.dumps(weighted())) for read in (parse_slot_document, documents._parse_strictly)
    )
    np.testing.assert_array_equal(short._packed_weights, checked._packed_weights)
    assert short._packed_weights.flags.c_contiguous
    for problem in (short, checked):
        assert not problem.edge_weight.flags.writeable
        assert np.shares_memory(problem.edge_weight, problem._packed_weights)


def test_operating_points_make_capacity_and_coefficient_superfluous():
    document = general()
    document["devices"][1]["cpu_points"] = [{"hz": 1e9, "power_w": 0.0}]
    for device in document["devices"]:
        del device["cpu_capacity_hz"]
    del document["energy_coefficient"]
    problem = parse_slot_document(json.dumps(document))
    assert problem.cpu_capacity_hz.tolist() == [1.2e9, 1e9]
    assert problem.energy_coefficient == 0.0


def test_a_measured_radio_makes_power_and_gain_superfluous():
    document = general()
    del document["devices"][1]["max_power_w"], document["devices"][1]["channel_gain"]
    parse_slot_document(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (POINTS, ("devices", 0, "cpu_capacity_hz")),
        (RADIO, ("devices", 1, "max_power_w")),
        (RADIO, ("devices", 1, "channel_gain")),
        (POINTS, ("energy_coefficient",)),
    ],
    ids=by_path,
)
def test_what_is_superfluous_is_missed_without_its_replacement(path, where):
    document = general()
    document["devices"][1]["cpu_points"] = [{"hz": 1e9, "power_w": 0.0}]
    del at(document, path[:-1])[path[-1]]
    del at(document, where[:-1])[where[-1]]
    assert str(refusal(json.dumps(document))) == f"{shown(where)}: missing required key"


def test_a_document_of_no_devices_may_have_no_coefficient():
    document = example() | {"devices": []}
    del document["energy_coefficient"]
    assert parse_slot_document(json.dumps(document)).local_queue_cycles.shape == (0, 0)


# --- what is refused


@pytest.mark.parametrize("literal", ["true", "null", '"3"', "[]", "{}", "NaN", "Infinity", "1e400", "-3"])
@pytest.mark.parametrize("path", ADDED_NUMBERS, ids=by_path)
def test_a_number_out_of_range_is_refused(path, literal):
    error = refusal(with_literal(path, literal, of=GENERAL))
    assert error.path == shown(path)
    assert error.reason.startswith(f"expected a finite number {'> 0' if path[-1] == 'hz' else '>= 0'}, got")


@pytest.mark.parametrize("path", ADDED_NUMBERS, ids=by_path)
def test_zero_is_refused_only_for_frequencies(path):
    text = with_literal(path, "0", of=GENERAL)
    if path[-1] == "hz":
        assert refusal(text).path == shown(path)
    else:
        parse_slot_document(text)


@pytest.mark.parametrize("path", ADDED, ids=by_path)
def test_a_repeated_key_is_refused(path):
    assert str(refusal(with_repeated(path, GENERAL))) == f"{shown(path)}: duplicate key"


@pytest.mark.parametrize("path", [*[(*POINTS, i) for i in range(2)], RADIO], ids=by_path)
def test_points_and_radios_have_two_keys_each(path):
    for key in at(GENERAL, path):
        document = general()
        del at(document, path)[key]
        assert str(refusal(json.dumps(document))) == f"{shown((*path, key))}: missing required key"
    document = general()
    at(document, path)["extra"] = 1.0
    assert refusal(json.dumps(document)).path == shown((*path, "extra"))


@pytest.mark.parametrize(
    ("path", "literal", "where", "words"),
    [
        (POINTS, "[]", POINTS, "a list of objects, at least one"),
        (POINTS, "null", POINTS, "a list of objects, at least one"),
        (POINTS, "[3]", (*POINTS, 0), "an object"),
        (RADIO, "null", RADIO, "an object"),
        (RADIO, "[2e6, 0.8]", RADIO, "an object"),
        (("spectrum",), '"even"', ("spectrum",), '"split" or "shared"'),
        (("spectrum",), "null", ("spectrum",), '"split" or "shared"'),
        (("spectrum",), "[]", ("spectrum",), '"split" or "shared"'),
    ],
    ids=by_path,
)
def test_another_structure_is_refused(path, literal, where, words):
    error = refusal(with_literal(path, literal, of=GENERAL))
    assert error.path == shown(where)
    assert error.reason.startswith(f"expected {words}, got")


@pytest.mark.parametrize("literal", ["500000000", "4e8"])
def test_frequencies_increase(literal):
    text = with_literal((*POINTS, 1, "hz"), literal, indent=1, of=GENERAL)
    error = refusal(text)
    assert error.path == "$.devices[0].cpu_points[1].hz"
    assert error.reason.startswith("expected a frequency above 5e+08")
    assert error.line is not None
    assert text.splitlines()[error.line - 1].strip() == f'"hz": {literal},'


@pytest.mark.parametrize("path", ADDED, ids=by_path)
def test_the_line_is_that_of_the_field(path):
    text = with_literal(path, "[[]]", indent=2, of=GENERAL)
    error = refusal(text)
    assert error.line is not None
    assert "[[]]" in text.splitlines()[error.line - 1]


def test_the_schema_says_which_keys_are_superfluous():
    schema = json_schema("slot")
    assert {"required": ["energy_coefficient"]} in schema["anyOf"]
    pairs = {
        tuple(choice["required"][0] for choice in rule["anyOf"])
        for rule in schema["$defs"]["DeviceDocument"]["allOf"]
    }
    assert pairs == {("cpu_capacity_hz", "cpu_points"), ("max_power_w", "radio"), ("channel_gain", "radio")}


# --- round trips

finite = st.floats(min_value=0, max_value=1e100, allow_subnormal=False)


@st.composite
def slots(draw: Any) -> tuple[dict[str, Any], SlotProblem]:
    """A document with some weights, and the problem with the same numbers."""
    counts = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    shape = (len(counts), max(counts))
    arrays = {name: np.zeros(shape) for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS)}
    document = example() | {"devices": []}
    present = dict.fromkeys(WEIGHT_FIELDS, False)
    for m, count in enumerate(counts):
        services = []
        for n in range(count):
            service = {name: draw(finite) for name in QUEUE_FIELDS}
            for name in draw(st.sets(st.sampled_from(WEIGHT_FIELDS))):
                service[name] = draw(finite)
                present[name] = True
            for name, queue in zip(WEIGHT_FIELDS, QUEUE_FIELDS, strict=True):
                arrays[queue][m, n] = service[queue]
                arrays[name][m, n] = service.get(name, service[queue])
            services.append(service)
        numbers = {"cpu_capacity_hz": 1e9, "max_power_w": 0.3, "channel_gain": 1e-11}
        document["devices"].append(numbers | {"services": services})
    ones = np.ones(len(counts))
    problem = SlotProblem(
        *[document[name] for name in ("slot_duration_s", "energy_coefficient")],
        *[document[name] for name in ("energy_weight_local", "energy_weight_transmit", "edge_capacity_hz")],
        1e9 * ones,
        0.3 * ones,
        1e-11 * ones,
        document["bandwidth_hz"] / len(counts) * ones,
        *[arrays[name] for name in QUEUE_FIELDS],
        document["noise_psd_dbm_per_hz"],
        *[arrays[name] if present[name] else None for name in WEIGHT_FIELDS],
        service_counts=tuple(counts),
        device_ids=tuple(f"device-{m}" for m in range(len(counts))),
        service_ids=tuple(tuple(f"service-{n}" for n in range(count)) for count in counts),
    )
    return document, problem


@given(slots())
def test_a_weighted_document_has_the_numbers_of_its_problem(slot):
    document, problem = slot
    for read in (parse_slot_document, documents._parse_strictly):
        assert same_problem(read(json.dumps(document)), problem)
