"""CPU documents: what is no CPU table is refused at its place, and a table is written as it is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.cpus import CpuTable, OperatingPoint, cpu_to_dict, load_cpu, parse_cpu

EXAMPLE = {
    "name": "tiny",
    "description": "a core",
    "source": "measured on my bench",
    "licence": "CC0-1.0",
    "points": [{"hz": 5e8, "power_w": 0.1}, {"hz": 1e9, "power_w": 0.3}, {"hz": 2e9, "power_w": 1}],
}
NUMBERS = [("points", 1, "hz"), ("points", 1, "power_w")]
TEXTS = [("name",), ("description",), ("source",), ("licence",)]
OBJECTS = [(), ("points", 1)]
NO_NUMBERS = [None, True, "1", "", -1, 0, -0.5, [], {}, float("nan"), float("inf"), -float("inf")]
NO_TEXTS = [None, True, 1, 0.5, "", [], {}]


def shown(path):
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def at(document, path):
    for step in path:
        document = document[step]
    return document


def changed(path, value):
    document = json.loads(json.dumps(EXAMPLE))
    at(document, path[:-1])[path[-1]] = value
    return document


def refused(text):
    with pytest.raises(DocumentError) as caught:
        parse_cpu(text)
    assert caught.value.reason.startswith(("expected ", "missing required key", "duplicate key"))
    assert "\n" not in str(caught.value)
    return caught.value.path


def members():
    return [(*path, key) for path in OBJECTS for key in at(EXAMPLE, path)]


@pytest.mark.parametrize("path", NUMBERS, ids=shown)
@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_values_that_are_not_positive_are_refused_at_their_place(path, value):
    assert refused(json.dumps(changed(path, value))) == shown(path)


@pytest.mark.parametrize("path", TEXTS, ids=shown)
@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
def test_values_that_are_not_text_are_refused_at_their_place(path, value):
    assert refused(json.dumps(changed(path, value))) == shown(path)


@pytest.mark.parametrize("path", members(), ids=shown)
def test_missing_and_repeated_keys_are_refused_at_their_place(path):
    absent = changed(path, None)
    del at(absent, path[:-1])[path[-1]]
    if path == ("description",):
        assert parse_cpu(json.dumps(absent)).description == ""
    else:
        assert refused(json.dumps(absent)) == shown(path)
    # A marker makes the key that is written twice unique in the text.
    marked = json.dumps(changed(path, "MARK"))
    pair = f'"{path[-1]}": "MARK"'
    assert refused(marked.replace(pair, f"{pair}, {pair}")) == shown(path)


@pytest.mark.parametrize("path", OBJECTS, ids=shown)
def test_unknown_keys_are_refused_at_their_place(path):
    assert refused(json.dumps(changed((*path, "extra"), 1))) == shown((*path, "extra"))


@pytest.mark.parametrize("points", [None, {}, "x", 1, []], ids=repr)
def test_points_are_a_list_of_one_or_more(points):
    assert refused(json.dumps(changed(("points",), points))) == "$.points"
    assert len(parse_cpu(json.dumps(changed(("points",), EXAMPLE["points"][:1]))).points) == 1


@pytest.mark.parametrize("point", [None, 1, "x", [1e9, 0.3]], ids=repr)
def test_a_point_is_an_object(point):
    assert refused(json.dumps(changed(("points", 1), point))) == "$.points[1]"


@pytest.mark.parametrize("hz", [5e8, 4e8])
def test_frequencies_increase(hz):
    assert refused(json.dumps(changed(("points", 1, "hz"), hz))) == "$.points[1].hz"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", "[" * 100_000, "9" * 5000, "\ufeff{}", b"\xff", '"\\ud800"', '{"a": 1} x'],
    ids=lambda text: repr(text[:10]),
)
def test_text_that_is_not_a_json_object_is_refused(text):
    assert refused(text) == "$"


def test_errors_name_the_line_and_the_whole_list():
    text = json.dumps(changed(("points", 0, "hz"), -1), indent=1).replace('"name": "tiny"', '"name": 7')
    with pytest.raises(DocumentError) as caught:
        parse_cpu(text)
    assert caught.value.line == 2
    assert [path for path, _ in caught.value.errors] == ["$.name", "$.points[0].hz"]


def test_misspelled_keys_are_recognised():
    with pytest.raises(DocumentError, match="did you mean power_w"):
        parse_cpu(json.dumps(EXAMPLE).replace("power_w", "power", 1))


POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    st.tuples(WORDS, WORDS, WORDS, st.one_of(st.just(""), WORDS)),
    st.dictionaries(POSITIVE, POSITIVE, min_size=1, max_size=5),
)
def test_documents_of_tables_parse_back(texts, powers):
    name, source, licence, description = texts
    points = tuple(OperatingPoint(hz, powers[hz]) for hz in sorted(powers))
    table = CpuTable(name, source, licence, points, *filter(None, [description]))
    assert parse_cpu(json.dumps(cpu_to_dict(table))) == table
    assert dict(table.cpu_points) == powers
    assert all(before < after for before, after in zip(table.cpu_points, table.cpu_points[1:], strict=False))


def test_tables_load_by_path(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(EXAMPLE))
    assert load_cpu(path) == load_cpu(str(path)) == parse_cpu(json.dumps(EXAMPLE))
    path.write_text("{}")
    with pytest.raises(DocumentError, match=r"\$\.name"):
        load_cpu(path)


@pytest.mark.parametrize("name", ["nosuch", "/", "a\0b", "../data/rk3399_a72"])
def test_missing_tables_are_refused_in_one_line(name):
    with pytest.raises(ProblemError) as caught:
        load_cpu(name)
    assert caught.value.path == "$"
    assert "\n" not in str(caught.value)
