"""Documents with a hundred thousand errors: few are looked for, so that refusing costs little."""

from __future__ import annotations

import json

import pytest

from lyaopt.errors import DocumentError
from lyaopt.io import field_errors
from lyaopt.io.strict_json import MOST_ERRORS
from lyaopt.serve.protocol import parse_request
from lyaopt.slot import schemas
from lyaopt.slot.documents import parse_slot_document

MANY = 100_000
SCALARS = {
    "slot_duration_s": 1, "bandwidth_hz": 1, "edge_capacity_hz": 1, "energy_coefficient": 1,
    "energy_weight_local": 1, "energy_weight_transmit": 1,
}  # fmt: skip
DEVICE = {"cpu_capacity_hz": 1, "max_power_w": 1, "channel_gain": 1, "services": []}


def slot(devices):
    return json.dumps({**SCALARS, "devices": devices})


BAD = {
    "empty devices": slot([{}] * MANY),
    "numbers for devices": slot([1] * MANY),
    "empty services": slot([{**DEVICE, "services": [{}] * MANY}]),
    "services on many devices": slot([{**DEVICE, "services": [{}]}] * 10_000),
    "numbers for services": slot([{**DEVICE, "services": [1] * MANY}]),
    "points": slot([{**DEVICE, "cpu_points": [{}] * MANY}]),
    "unknown keys of devices": slot([{"x": 1}] * MANY),
    "unknown keys": json.dumps({f"k{n}": n for n in range(MANY)}),
    "equal names": slot([{"id": "a", **DEVICE}] * 10_000),
    "names that are lists": slot([{"id": [], **DEVICE}] * 10_000),
    "equal keys": '{"devices":[' + ",".join(['{"a":1,"a":2}'] * MANY) + "]}",
    "equal keys of one object": "{" + ",".join(f'"k{n}":1,"k{n}":2' for n in range(MANY)) + "}",
    "a list": json.dumps([{}] * MANY),
}


@pytest.fixture
def counted(monkeypatch):
    """Numbers of errors that pydantic collected, and that were put into words."""
    counts = {"collected": 0, "worded": 0}
    words, errors_of = field_errors._errors, field_errors.errors_of

    def count_words(model, detail):
        counts["worded"] += 1
        return words(model, detail)

    def count_collected(model, failure):
        counts["collected"] += failure.error_count()
        return errors_of(model, failure)

    monkeypatch.setattr(field_errors, "_errors", count_words)
    monkeypatch.setattr(schemas, "errors_of", count_collected)
    return counts


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("served", [False, True], ids=["document", "request"])
def test_errors_are_capped_where_they_are_collected(kind, served, counted):
    text = BAD[kind].encode()
    with pytest.raises(DocumentError) as failure:
        parse_request(b'{"sequence":1,"slot":' + text + b"}") if served else parse_slot_document(text)
    assert 1 <= len(failure.value.errors) <= 2 * MOST_ERRORS  # of keys that are repeated, and others
    assert counted["worded"] <= MOST_ERRORS
    # Of large documents checking ends at the first wrong item; of objects with many keys at as many of them.
    assert counted["collected"] <= MOST_ERRORS + len(schemas.SlotDocument.model_fields)


def test_requests_with_many_unknown_keys_are_capped():
    with pytest.raises(DocumentError) as failure:
        parse_request(BAD["unknown keys"].encode())
    assert len(failure.value.errors) <= MOST_ERRORS + 2


def test_small_documents_are_told_of_every_error():
    wrong = [{**DEVICE, "max_power_w": -1, "services": [{}]}] * 5
    with pytest.raises(DocumentError) as failure:
        parse_slot_document(slot(wrong))
    assert len(failure.value.errors) == 5 * (1 + 3)


def test_a_large_document_names_its_first_wrong_device_and_repeated_keys():
    many = [DEVICE] * 5000 + [{**DEVICE, "max_power_w": -1}]
    with pytest.raises(DocumentError, match=r"^\$\.devices\[5000\]\.max_power_w: "):
        parse_slot_document(slot(many))
    text = slot([DEVICE] * 5000).replace('"channel_gain": 1', '"channel_gain": 1, "channel_gain": 2', 1)
    with pytest.raises(DocumentError, match=r"^\$\.devices\[0\]\.channel_gain: duplicate key"):
        parse_slot_document(text)
