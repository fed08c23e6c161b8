"""Profile documents: formatting and parsing are inverse, and every error is named with its place."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.profiles import Cut, Profile, Source, format_profile, load_profile, parse_profile

EXAMPLE = {
    "name": "tiny",
    "source": {"package": "p", "version": "1", "licence": "MIT", "definition": "d"},
    "input_bits": 24,
    "total_macs": 10,
    "bits_per_element": 8,
    "cuts": [
        {"after": "input", "macs": 0, "bits": 24},
        {"after": "conv", "macs": 4, "bits": 64},
        {"after": "fc", "macs": 10, "bits": 0},
    ],
}
COUNTS = [("input_bits",), ("total_macs",), ("bits_per_element",), ("cuts", 1, "macs"), ("cuts", 1, "bits")]
TEXTS = [("name",), ("cuts", 1, "after"), ("source", "package"), ("source", "licence")]
OBJECTS = [(), ("source",), ("cuts", 1)]
NO_COUNTS = [
    None,
    True,
    "1",
    "",
    1.5,
    -1,
    -0.5,
    [],
    {},
    float("nan"),
    float("inf"),
    -float("inf"),
    2**53 + 1,
    1e300,
]
NO_TEXTS = [None, True, 1, 0.5, "", [], {}]


def shown(path):
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def changed(path, value):
    document = json.loads(json.dumps(EXAMPLE))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


def refused(text):
    with pytest.raises(DocumentError) as caught:
        parse_profile(text)
    assert caught.value.reason.startswith(("expected ", "missing required key", "duplicate key"))
    assert "\n" not in str(caught.value)
    return caught.value.path


def members():
    for path in OBJECTS:
        place = EXAMPLE
        for step in path:
            place = place[step]
        yield from ((*path, key) for key in place)


@pytest.mark.parametrize("path", COUNTS, ids=shown)
@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
def test_values_that_are_not_counts_are_refused_at_their_place(path, value):
    assert refused(json.dumps(changed(path, value))) == shown(path)


@pytest.mark.parametrize("path", TEXTS, ids=shown)
@pytest.mark.parametrize("value", NO_TEXTS, ids=repr)
def test_values_that_are_not_text_are_refused_at_their_place(path, value):
    assert refused(json.dumps(changed(path, value))) == shown(path)


@pytest.mark.parametrize("path", list(members()), ids=shown)
def test_missing_and_repeated_keys_are_refused_at_their_place(path):
    absent = changed(path, None)
    place = absent
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    assert refused(json.dumps(absent)) == shown(path)
    # A marker makes the key that is written twice unique in the text.
    marked = json.dumps(changed(path, "MARK"))
    pair = f'"{path[-1]}": "MARK"'
    assert refused(marked.replace(pair, f"{pair}, {pair}")) == shown(path)


@pytest.mark.parametrize("path", OBJECTS, ids=shown)
def test_unknown_keys_are_refused_at_their_place(path):
    assert refused(json.dumps(changed((*path, "extra"), 1))) == shown((*path, "extra"))


@pytest.mark.parametrize("value", [None, True, 3, "", []], ids=repr)
def test_a_source_is_a_text_or_an_object(value):
    assert refused(json.dumps(changed(("source",), value))) == "$.source"
    assert parse_profile(json.dumps(changed(("source",), "measured"))).source == "measured"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("cuts", 0, "macs"), 1),
        (("cuts", 0, "bits"), 23),
        (("cuts", 2, "macs"), 9),
        (("cuts", 2, "bits"), 1),
        (("bits_per_element",), 65),
        (("bits_per_element",), 0),
    ],
)
def test_contradictions_are_refused_at_their_place(path, value):
    assert refused(json.dumps(changed(path, value))) == shown(path)


def test_macs_are_cumulative():
    falling = changed(
        ("cuts",), [*EXAMPLE["cuts"][:2], {"after": "x", "macs": 3, "bits": 1}, EXAMPLE["cuts"][2]]
    )
    assert refused(json.dumps(falling)) == "$.cuts[2].macs"


@pytest.mark.parametrize("cuts", [None, {}, "x", [], EXAMPLE["cuts"][:1]], ids=repr)
def test_cuts_are_a_list_of_two_or_more(cuts):
    assert refused(json.dumps(changed(("cuts",), cuts))) == "$.cuts"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", "[" * 100_000, "9" * 5000, "\ufeff{}", b"\xff", '"\\ud800"', '{"a": 1} x'],
    ids=lambda text: repr(text[:10]),
)
def test_text_that_is_not_a_json_object_is_refused(text):
    assert refused(text) == "$"


def test_errors_name_the_line_and_the_whole_list():
    text = json.dumps(changed(("total_macs",), -1), indent=1).replace('"name": "tiny"', '"name": 7')
    with pytest.raises(DocumentError) as caught:
        parse_profile(text)
    assert caught.value.line == 2
    assert [path for path, _ in caught.value.errors] == ["$.name", "$.total_macs"]


def test_whole_numbers_may_be_written_as_floats():
    assert parse_profile(json.dumps(changed(("cuts", 1, "macs"), 4.0))) == parse_profile(json.dumps(EXAMPLE))


COUNT = st.integers(0, 2**40)


@st.composite
def profiles(draw):
    words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
    total, sent = draw(COUNT) + 1, draw(COUNT) + 1
    inner = sorted(draw(st.lists(st.integers(0, total), max_size=5)))
    cuts = [Cut(draw(words), macs, draw(COUNT)) for macs in inner]
    source = draw(st.one_of(words, st.builds(Source, words, words, words, words)))
    every = (Cut("input", 0, sent), *cuts, Cut(draw(words), total, 0))
    return Profile(draw(words), source, sent, total, draw(st.integers(1, 64)), every)


@given(profiles())
def test_formatted_text_parses_back(profile):
    assert parse_profile(format_profile(profile)) == profile
    line = format_profile(profile, one_line=True)
    assert parse_profile(line.encode()) == profile
    assert line.index("\n") == len(line) - 1


@given(profiles())
def test_shares_range_from_zero_to_one(profile):
    share, ratio = profile.mac_share, profile.bit_ratio
    assert share.shape == ratio.shape == (len(profile.cuts),)
    assert (share[0], share[-1], ratio[0], ratio[-1]) == (0, 1, 1, 0)
    assert np.all(np.diff(share) >= 0)
    np.testing.assert_allclose(share * profile.total_macs, [cut.macs for cut in profile.cuts], rtol=1e-15)
    np.testing.assert_allclose(ratio * profile.input_bits, [cut.bits for cut in profile.cuts], rtol=1e-15)
    with pytest.raises(ValueError, match="read-only"):
        share[0] = 1


def test_profiles_load_by_path(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(EXAMPLE))
    assert load_profile(path) == load_profile(str(path)) == parse_profile(json.dumps(EXAMPLE))
    path.write_text("{}")
    with pytest.raises(DocumentError, match=r"\$\.name"):
        load_profile(path)


@pytest.mark.parametrize("name", ["nosuch", "/", "a\0b", "../data/resnet18"])
def test_missing_profiles_are_refused_in_one_line(name):
    with pytest.raises(ProblemError) as caught:
        load_profile(name)
    assert caught.value.path == "$"
    assert "\n" not in str(caught.value)
