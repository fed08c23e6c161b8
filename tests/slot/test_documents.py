"""Slot documents are parsed strictly."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io import ids
from lyaopt.slot import documents
from lyaopt.slot.documents import parse_slot_document, problem_from_dict
from tests.support.same_problem import same_problem
from tests.support.slot_text import (
    EXAMPLE,
    IDS,
    NUMBERS,
    at,
    example,
    keys,
    objects,
    shown,
    with_literal,
    with_repeated,
)

POSITIVE = {("slot_duration_s",), ("bandwidth_hz",), ("devices", 0, "bandwidth_hz")}
SIGNED = ("noise_psd_dbm_per_hz",)
LISTS = [path for path in keys() if path[-1] in ("devices", "services")]
OPTIONAL = {*IDS, SIGNED, ("devices", 0, "bandwidth_hz")}


def by_path(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else None


def refusal(text: bytes | str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        parse_slot_document(text)
    return caught.value


# --- what is accepted


def test_every_number_arrives_where_it_belongs():
    problem = parse_slot_document(json.dumps(EXAMPLE))
    first, second = EXAMPLE["devices"]
    for name in ("slot_duration_s", "noise_psd_dbm_per_hz", "edge_capacity_hz", "energy_coefficient"):
        assert getattr(problem, name) == EXAMPLE[name]
    assert problem.energy_weight_local == EXAMPLE["energy_weight_local"]
    assert problem.energy_weight_transmit == EXAMPLE["energy_weight_transmit"]
    for name in ("cpu_capacity_hz", "max_power_w", "channel_gain"):
        assert getattr(problem, name).tolist() == [first[name], second[name]]
    assert problem.bandwidth_hz.tolist() == [4e5, 1e6 - 4e5]
    for name in ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles"):
        a, b = (service[name] for service in first["services"])
        assert getattr(problem, name).tolist() == [[a, b], [second["services"][0][name], 0.0]]
    assert problem.service_counts == (2, 1)
    assert problem.device_ids == ("camera", "phone")
    assert problem.service_ids == (("a", "b"), ("a",))


@pytest.mark.parametrize("end", [0, 1, 2], ids=["none", "equal", "ragged"])
def test_the_fast_parser_packs_the_arrays_as_the_constructor_does(end):
    text = json.dumps(example() | {"devices": EXAMPLE["devices"][:end]})
    short, checked = parse_slot_document(text), documents._parse_strictly(text)
    for ours, theirs in zip(short._packed, checked._packed, strict=True):
        assert np.array_equal(ours, theirs)
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        assert ours.flags.c_contiguous


@pytest.mark.parametrize("path", sorted(OPTIONAL, key=str), ids=by_path)
def test_optional_keys_have_defaults(path):
    document = example()
    del at(document, path[:-1])[path[-1]]
    problem = parse_slot_document(json.dumps(document))
    if path == SIGNED:
        assert problem.noise_psd_dbm_per_hz == -174.0
    elif path[-1] == "bandwidth_hz":
        assert problem.bandwidth_hz[0] == EXAMPLE["bandwidth_hz"] / 2
    elif len(path) == 3:
        assert problem.device_ids[path[1]] == f"device-{path[1]}"
    else:
        assert problem.service_ids[path[1]][path[3]] == f"service-{path[3]}"


@pytest.mark.parametrize(
    "devices", [[], [EXAMPLE["devices"][0] | {"services": []}]], ids=["devices", "services"]
)
def test_no_devices_or_services_are_valid(devices):
    problem = parse_slot_document(json.dumps(example() | {"devices": devices}))
    assert problem.local_queue_cycles.shape == (len(devices), 0)
    assert problem.cpu_capacity_hz.shape == (len(devices),)


@pytest.mark.parametrize(
    "literal", ["0", "-0.0", "5e-324", "1.7e308", "123456789012345678901234567890", "1E+2"]
)
def test_numbers_at_the_ends_of_double_precision_are_read_exactly(literal):
    problem = parse_slot_document(with_literal(("energy_weight_local",), literal))
    assert problem.energy_weight_local == float(literal)


def test_an_ordinary_document_is_parsed_once(monkeypatch):
    monkeypatch.setattr(documents, "_parse_strictly", None)
    text = json.dumps(EXAMPLE)
    assert same_problem(parse_slot_document(text), parse_slot_document(text.encode()))


# --- what is refused: every field, with every error


@pytest.mark.parametrize("literal", ["true", "false", "null", '"3"', "[]", "[1]", "{}", '"NaN"'])
@pytest.mark.parametrize("path", NUMBERS, ids=by_path)
def test_a_number_of_another_type_is_refused(path, literal):
    error = refusal(with_literal(path, literal))
    assert error.path == shown(path)
    assert error.reason.startswith("expected a finite number")
    assert len(error.errors) == 1


@pytest.mark.parametrize(
    "literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 400, "9" * 5000]
)
@pytest.mark.parametrize("path", NUMBERS, ids=by_path)
def test_a_number_that_is_not_finite_is_refused(path, literal):
    error = refusal(with_literal(path, literal))
    assert error.path == shown(path)
    assert error.reason.startswith("expected a finite number")


@pytest.mark.parametrize("path", [path for path in NUMBERS if path != SIGNED], ids=by_path)
def test_a_negative_number_is_refused(path):
    error = refusal(with_literal(path, "-3"))
    bound = "> 0" if path in POSITIVE else ">= 0"
    assert str(error) == f"{shown(path)}: expected a finite number {bound}, got -3"


@pytest.mark.parametrize("path", NUMBERS, ids=by_path)
def test_zero_is_refused_only_for_durations_and_bandwidths(path):
    text = with_literal(path, "0")
    if path in POSITIVE:
        assert str(refusal(text)) == f"{shown(path)}: expected a finite number > 0, got 0"
    else:
        parse_slot_document(text)


@pytest.mark.parametrize("path", [path for path in keys() if path not in OPTIONAL], ids=by_path)
def test_a_missing_key_is_refused(path):
    document = example()
    del at(document, path[:-1])[path[-1]]
    error = refusal(json.dumps(document))
    assert error.path == shown(path)
    assert error.reason == "missing required key"


@pytest.mark.parametrize("path", list(objects(EXAMPLE)), ids=by_path)
def test_an_unknown_key_is_refused(path):
    document = example()
    at(document, path)["extra"] = 1.0
    error = refusal(json.dumps(document))
    assert error.path == shown((*path, "extra"))
    assert "unknown key" in error.reason


def test_a_misspelled_key_is_named_first_with_what_was_meant():
    document = example()
    document["devices"][1]["chanel_gain"] = document["devices"][1].pop("channel_gain")
    error = refusal(json.dumps(document))
    assert error.path == "$.devices[1].chanel_gain"
    assert error.reason.endswith("(did you mean channel_gain?)")
    assert [path for path, _ in error.errors] == ["$.devices[1].chanel_gain", "$.devices[1].channel_gain"]


@pytest.mark.parametrize("path", keys(), ids=by_path)
def test_a_repeated_key_is_refused_even_with_the_same_value(path):
    error = refusal(with_repeated(path))
    assert str(error) == f"{shown(path)}: duplicate key"


@pytest.mark.parametrize("literal", ['""', "3", "null", "true", "[]", r'"\ud800"'])
@pytest.mark.parametrize("path", IDS, ids=by_path)
def test_an_id_that_is_not_a_name_is_refused(path, literal):
    error = refusal(with_literal(path, literal))
    assert error.path == shown(path)
    assert error.reason.startswith("expected a string")


@pytest.mark.parametrize("path", [("devices", 1, "id"), ("devices", 0, "services", 1, "id")], ids=by_path)
def test_a_repeated_id_is_refused(path):
    document = example()
    first = at(document, (*path[:-2], 0))["id"]
    at(document, path[:-1])["id"] = first
    error = refusal(json.dumps(document))
    assert error.path == shown(path)
    assert json.dumps(first) in error.reason


def test_an_id_must_not_be_the_default_of_another_place():
    document = example()
    del document["devices"][0]["id"]
    document["devices"][1]["id"] = "device-0"
    assert refusal(json.dumps(document)).path == "$.devices[1].id"


@pytest.mark.parametrize("literal", ["{}", "null", '"x"', "3", "true"])
@pytest.mark.parametrize("path", LISTS, ids=by_path)
def test_a_list_of_another_type_is_refused(path, literal):
    error = refusal(with_literal(path, literal))
    assert error.path == shown(path)
    assert error.reason.startswith("expected a list of objects")


@pytest.mark.parametrize("literal", ["[3]", "[null]", "[[]]", '["x"]'])
@pytest.mark.parametrize("path", LISTS, ids=by_path)
def test_an_item_of_another_type_is_refused(path, literal):
    error = refusal(with_literal(path, literal))
    assert error.path == shown((*path, 0))
    assert error.reason.startswith("expected an object")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "true", "NaN"])
def test_another_top_level_is_refused(text):
    assert str(refusal(text)).startswith("$: expected an object, got")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        (" ", 1),
        ("{", 1),
        ('{"a": 1,}', 1),
        ('{"a": 01}', 1),
        ("{'a': 1}", 1),
        ("{} x", 1),
        ('{"a": "\x01"}', 1),
        ("\ufeff{}", 1),
        (json.dumps(EXAMPLE) + "]", 1),
        (json.dumps(EXAMPLE) * 2, 1),
        ('{\n"a": 1\n"b": 2}', 3),
        (json.dumps(EXAMPLE, indent=1) + "\n\n,", len(json.dumps(EXAMPLE, indent=1).splitlines()) + 2),
    ],
)
def test_text_that_is_not_json_is_refused_with_its_line(text, line):
    error = refusal(text)
    assert str(error).startswith("$: expected JSON, got a syntax error")
    assert error.line == line


def test_a_byte_order_mark_is_named():
    error = refusal(b"\xef\xbb\xbf" + json.dumps(EXAMPLE).encode())
    assert str(error) == "$: expected JSON, got a byte order mark before it"
    assert error.line == 1


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, with_literal(("devices",), "[" * 100_000)]
)
def test_deep_nesting_is_refused(text):
    assert str(refusal(text)) == "$: expected at most a few nested brackets, got too many"


@pytest.mark.parametrize("depth", [10, 150, 250, 900])
def test_shallower_nesting_is_just_a_wrong_type(depth):
    error = refusal(with_literal(("devices", 0, "channel_gain"), "[" * depth + "]" * depth))
    assert error.path == "$.devices[0].channel_gain" or "nested brackets" in error.reason


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
def test_invalid_utf8_is_refused_with_its_line(bad):
    text = json.dumps(EXAMPLE, indent=1).encode().replace(b"phone", bad)
    error = refusal(text)
    assert str(error).startswith(f"$: expected UTF-8, got byte 0x{bad[0]:02x} at offset {text.index(bad)}")
    assert error.line == text.count(b"\n", 0, text.index(bad)) + 1


def test_padding_cannot_exhaust_the_memory(monkeypatch):
    for module in (documents, ids):
        monkeypatch.setattr(module, "MAX_PADDED_SERVICES", 3)
    error = refusal(json.dumps(EXAMPLE))
    assert error.path == "$.devices"
    assert "got 2 x 2" in error.reason


@pytest.mark.parametrize("path", keys(), ids=by_path)
def test_the_line_is_that_of_the_field(path):
    literal = "[[]]"
    text = with_literal(path, literal, indent=2)
    error = refusal(text)
    assert error.line is not None
    assert literal in text.splitlines()[error.line - 1]


def test_the_line_of_a_missing_key_is_that_of_its_object():
    document = example()
    del document["devices"][1]["services"][0]["edge_queue_cycles"]
    text = json.dumps(document, indent=2)
    lines = text.splitlines()
    error = refusal(text)
    assert lines[error.line - 1].strip() == "{"
    assert '"id": "a"' in lines[error.line]
    assert '"services"' in lines[error.line - 2]


def test_the_line_of_a_repeated_key_is_that_of_its_last_place():
    error = refusal('{\n"devices": [],\n"devices":\n[]}')
    assert error.path == "$.devices"
    assert error.line == 4


@pytest.mark.parametrize(
    ("path", "literal", "where"),
    [
        (("devices", 1, "channel_gain"), "1e308", "$.devices[1].channel_gain"),
        (("devices", 0, "services", 1, "local_queue_cycles"), "1.7e308", "$.local_queue_cycles"),
        # The product with the noise is zero in double precision.
        (("devices", 0, "bandwidth_hz"), "1e-310", "$.devices[0].bandwidth_hz"),
        (("devices", 1, "channel_gain"), "1e-322", "$.devices[1].channel_gain"),
        (("devices", 0, "services", 1, "edge_queue_cycles"), "1e-310", "$.edge_queue_cycles"),
        (("noise_psd_dbm_per_hz",), "1e9", "$.noise_psd_dbm_per_hz"),
        (("noise_psd_dbm_per_hz",), "-1e9", "$.noise_psd_dbm_per_hz"),
    ],
)
def test_magnitudes_beyond_double_precision_are_refused(path, literal, where):
    text = with_literal(path, literal, indent=1)
    error = refusal(text)
    assert error.path == where
    # Sums have no line of their own.
    key = where.rpartition(".")[2]
    assert where.endswith("queue_cycles") or f'"{key}"' in text.splitlines()[error.line - 1]
    with pytest.raises(DocumentError) as caught:
        problem_from_dict(json.loads(text))
    assert caught.value.errors == error.errors


def test_an_error_is_pickled_between_processes():
    error = refusal(with_literal(("slot_duration_s",), "-1"))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is DocumentError
    assert (str(again), again.errors, again.line) == (str(error), error.errors, 1)
    problem = pickle.loads(pickle.dumps(ProblemError("$.x", "wrong")))
    assert (type(problem), problem.path, problem.reason) == (ProblemError, "$.x", "wrong")


def test_all_errors_are_collected():
    document = example()
    document["slot_duration_s"] = 0
    document["devices"][0]["max_power_w"] = "x"
    del document["devices"][1]["services"]
    found = [path for path, _ in refusal(json.dumps(document)).errors]
    assert sorted(found) == ["$.devices[0].max_power_w", "$.devices[1].services", "$.slot_duration_s"]


def test_unusual_keys_are_shown_escaped():
    document = example()
    document["a.b\x1b[2J"] = 1
    document["x" * 1000] = 2
    for path, reason in refusal(json.dumps(document)).errors:
        assert (path + reason).isprintable()
        assert len(path) < 100


@pytest.mark.parametrize("value", [10**400, 10**5000, float("nan"), object(), b"x", 1j], ids=type)
def test_dictionaries_are_checked_like_text(value):
    document = example()
    document["devices"][0]["channel_gain"] = value
    with pytest.raises(DocumentError) as caught:
        problem_from_dict(document)
    assert caught.value.path == "$.devices[0].channel_gain"
    assert caught.value.line is None
    assert same_problem(problem_from_dict(example()), parse_slot_document(json.dumps(EXAMPLE)))
