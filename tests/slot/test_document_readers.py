"""The fast and the strict parser of slot documents agree on every text."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example as with_example
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError
from lyaopt.slot import documents
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.problem import SlotProblem
from tests.support.same_problem import same_problem
from tests.support.slot_text import (
    EXAMPLE,
    GENERAL,
    IDS,
    NUMBERS,
    at,
    example,
    general,
    keys,
    objects,
    weighted,
    with_literal,
    with_repeated,
)

# A few letters that JSON writes in different ways (all of Unicode takes seconds to prepare).
words = st.text(alphabet='aN"\\/é\u2028\x00\x7f\N{GRINNING FACE}', max_size=4)
values = st.one_of(
    st.floats(),
    st.floats(min_value=0, allow_infinity=False),
    st.integers(min_value=-1),
    st.sampled_from([0, True, None, "", "a", [], {}, 10**400]),
)


MORE = [path for path in keys(GENERAL) if path not in keys(EXAMPLE)]


@st.composite
def texts(draw: Any) -> str:
    """An example with some keys changed, removed or added, formatted in one of several ways."""
    document = draw(st.sampled_from([example, weighted, general]))()
    present = [path for path in keys(document) if path in NUMBERS + IDS + MORE]
    for path in draw(st.lists(st.sampled_from(present), max_size=3, unique=True)):
        parent = at(document, path[:-1])
        if draw(st.booleans()):
            parent[path[-1]] = draw(words if path in IDS else values)
        else:
            parent.pop(path[-1], None)
    if draw(st.booleans()):
        at(document, draw(st.sampled_from(list(objects(EXAMPLE)))))[draw(st.sampled_from(["id", "x"]))] = "y"
    return json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))


@given(texts())
@with_example(with_literal(("devices", 0, "id"), r'"\u0022"'))
@with_example(with_literal(("devices", 0, "id"), r'"\""'))
@with_example(with_repeated(("devices", 0, "services", 1, "edge_queue_cycles")))
@with_example(with_repeated(("devices", 0, "services", 1, "edge_weight"), weighted()))
@with_example(with_literal(("devices", 0, "services", 0, "local_weight"), "null", of=weighted()))
@with_example(with_literal(("spectrum",), '"both"', of=weighted()))
@with_example(with_literal(("spectrum",), '"shared"'))
def test_the_fast_and_the_strict_parser_agree(text):
    def outcome(read: Any) -> Any:
        try:
            return read(text)
        except DocumentError as error:
            return error

    short, careful = outcome(parse_slot_document), outcome(documents._parse_strictly)
    if isinstance(careful, SlotProblem):
        assert isinstance(short, SlotProblem)
        assert same_problem(short, careful)
    else:
        assert isinstance(short, DocumentError)
        assert short.errors == careful.errors
