"""Legal cuts: exactly the tensors that the tail needs cross, and small graphs have known cuts."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.graph import (
    Graph,
    Operation,
    ProfileWarning,
    legal_cuts,
    make_profile,
)


def chain(*steps: tuple[str, int, int], size: int = 10) -> Graph:
    """A chain of operations, each with name, MACs and elements."""
    operations, elements, last = [], {"x": size}, "x"
    for name, macs, made in steps:
        operations.append(Operation(name, (last,), (name,), macs))
        elements[name], last = made, name
    return Graph(("x",), tuple(operations), elements)


def summary(cuts):
    return [(cut.after, cut.macs, cut.elements) for cut in cuts]


@st.composite
def graphs(draw):
    """Random networks: constants, rearrangements, several results of one operation, dead ends."""
    inputs = tuple(f"in{i}" for i in range(draw(st.integers(1, 2))))
    tensors = [*inputs, "weight"]
    operations = []
    for i in range(draw(st.integers(1, 9))):
        reads = draw(st.lists(st.sampled_from(tensors), max_size=3, unique=True))
        rearranges = bool(reads) and draw(st.booleans())
        made = tuple(f"t{i}.{j}" for j in range(1 if rearranges else draw(st.integers(1, 2))))
        macs = 0 if rearranges else draw(st.integers(0, 3))
        operations.append(
            Operation(f"op{i}", tuple(reads[:1] if rearranges else reads), made, macs, rearranges)
        )
        tensors += made
    last = Operation("last", (inputs[0], tensors[-1]), ("out",), 5)
    elements = {tensor: draw(st.integers(1, 50)) for tensor in [*tensors, "out"]}
    return Graph(inputs, (*operations, last), elements)


def dependent(graph):
    found = set(graph.inputs)
    for operation in graph.operations:
        if found & set(operation.inputs):
            found.update(operation.outputs)
    return found


def tail_runs(graph, known, done):
    """Whether all later operations can read their inputs from these tensors, constants and their views."""
    moving = dependent(graph)
    known = set(known)
    for i, operation in enumerate(graph.operations):
        readable = all(tensor in known or tensor not in moving for tensor in operation.inputs)
        if operation.is_rearrangement:
            known.update(operation.outputs if readable else ())
        elif i >= done:
            if not readable:
                return False
            known.update(operation.outputs)
    return True


@given(graphs())
def test_crossing_tensors_suffice_and_all_are_used(graph):
    for cut in legal_cuts(graph, "all"):
        assert tail_runs(graph, cut.crossing, cut.operations)
        for tensor in cut.crossing:
            assert not tail_runs(graph, set(cut.crossing) - {tensor}, cut.operations)
        assert cut.elements == sum(graph.elements[tensor] for tensor in cut.crossing)
        assert cut.macs == sum(operation.macs for operation in graph.operations[: cut.operations])


@given(graphs())
def test_selections_are_nested_and_ordered(graph):
    chosen = {selection: legal_cuts(graph, selection) for selection in ("single", "valleys", "all")}
    for cuts in chosen.values():
        macs = [cut.macs for cut in cuts]
        assert macs == sorted(macs)
        assert len({cut.macs for cut in cuts[1:]}) == len(cuts) - 1
        assert (cuts[0].after, cuts[0].macs, cuts[-1].crossing) == ("input", 0, ())
        assert cuts[-1].macs == sum(operation.macs for operation in graph.operations)
    assert all(len(cut.crossing) == 1 for cut in chosen["single"][1:-1])
    least = {cut.macs: cut.elements for cut in chosen["all"]}
    for cut in [*chosen["single"], *chosen["valleys"]]:
        assert cut.elements >= least.get(cut.macs, 0)


def test_a_chain_has_a_cut_after_every_operation():
    graph = chain(("conv", 100, 20), ("fc", 50, 3))
    assert summary(legal_cuts(graph)) == [("input", 0, 10), ("conv", 100, 20), ("fc", 150, 0)]


def test_cuts_with_the_same_macs_send_the_smallest_tensor():
    graph = chain(
        ("conv", 100, 20), ("relu", 0, 20), ("pool", 0, 5), ("pad", 0, 7), ("fc", 50, 3), ("soft", 0, 3)
    )
    assert summary(legal_cuts(graph)) == [("input", 0, 10), ("pool", 100, 5), ("soft", 150, 0)]


def test_of_equal_tensors_with_the_same_macs_the_last_counts():
    graph = chain(("conv", 100, 20), ("relu", 0, 20), ("fc", 50, 3))
    assert [cut.after for cut in legal_cuts(graph)] == ["input", "relu", "fc"]


def test_only_a_smaller_tensor_without_macs_is_kept_with_the_input():
    assert summary(legal_cuts(chain(("pool", 0, 4), ("fc", 7, 1))))[:2] == [("input", 0, 10), ("pool", 0, 4)]
    assert summary(legal_cuts(chain(("cast", 0, 10), ("fc", 7, 1)))) == [("input", 0, 10), ("fc", 7, 0)]


RESIDUAL = Graph(
    ("x",),
    (
        Operation("stem", ("x",), ("s",), 10),
        Operation("a", ("s",), ("a",), 10),
        Operation("b", ("a",), ("b",), 10),
        Operation("add", ("s", "b"), ("sum",)),
        Operation("fc", ("sum",), ("y",), 1),
    ),
    {"x": 6, "s": 8, "a": 4, "b": 8, "sum": 8, "y": 1},
)


def test_inside_a_residual_block_the_shortcut_crosses_too():
    expected = [("input", 0, 6), ("stem", 10, 8), ("a", 20, 12), ("add", 30, 8), ("fc", 31, 0)]
    assert summary(legal_cuts(RESIDUAL, "all")) == expected
    assert summary(legal_cuts(RESIDUAL)) == [cut for cut in expected if cut[0] != "a"]
    assert legal_cuts(RESIDUAL, "valleys") == legal_cuts(RESIDUAL)


def test_valleys_between_long_branches_are_found():
    branches = Graph(
        ("x",),
        (
            Operation("stem", ("x",), ("skip",), 10),
            Operation("wide", ("skip",), ("wide",), 10),
            Operation("slope", ("wide",), ("slope",), 10),
            Operation("narrow", ("slope",), ("narrow",), 10),
            Operation("wider", ("narrow",), ("wider",), 10),
            Operation("join", ("wider", "skip"), ("y",), 10),
        ),
        {"x": 20, "skip": 2, "wide": 30, "slope": 20, "narrow": 1, "wider": 40, "y": 1},
    )
    assert [cut.after for cut in legal_cuts(branches)] == ["input", "stem", "join"]
    valleys = summary(legal_cuts(branches, "valleys"))
    assert [name for name, _, _ in valleys] == ["input", "stem", "narrow", "join"]
    assert valleys[2] == ("narrow", 40, 3)
    with pytest.warns(ProfileWarning, match="83% of the work"):
        make_profile("branches", "test", branches)


def test_a_view_is_the_same_data_and_crosses_once():
    graph = Graph(
        ("x",),
        (
            Operation("conv", ("x",), ("c",), 10),
            Operation("flatten", ("c",), ("f",), is_rearrangement=True),
            Operation("fc1", ("f",), ("p",), 10),
            Operation("fc2", ("c", "p"), ("y",), 10),
        ),
        {"x": 5, "c": 8, "f": 8, "p": 2, "y": 1},
    )
    expected = [("input", 0, 5), ("conv", 10, 8), ("fc1", 20, 10), ("fc2", 30, 0)]
    assert summary(legal_cuts(graph, "all")) == expected


def test_a_finished_result_stays_and_constants_are_on_both_sides():
    graph = Graph(
        ("x",),
        (
            Operation("table", (), ("positions",)),
            Operation("stem", ("x",), ("s",), 10),
            Operation("head1", ("s", "positions"), ("y1",), 10),
            Operation("head2", ("s", "positions"), ("y2",), 10),
        ),
        {"x": 5, "s": 8, "y1": 100, "y2": 100, "positions": 100},
    )
    # After head1 the same tensor crosses as after the stem: no cut of its own.
    assert summary(legal_cuts(graph, "all")) == [("input", 0, 5), ("stem", 10, 8), ("head2", 30, 0)]


def test_an_input_that_nothing_reads_is_not_sent():
    graph = Graph(("x", "idle"), (Operation("fc", ("x",), ("y",), 3),), {"x": 5, "idle": 100, "y": 1})
    assert make_profile("net", "test", graph, bits_per_element=4).input_bits == 20


def test_networks_without_work_or_without_input_are_refused():
    with pytest.raises(ProfileError, match="no multiply-accumulates"):
        legal_cuts(chain(("relu", 0, 10)))
    with pytest.raises(ProfileError, match="does not depend"):
        legal_cuts(Graph(("x",), (Operation("fc", ("w",), ("y",), 3),), {"x": 1}))


def test_bits_follow_the_element_type():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        profile = make_profile("net", "test", chain(("conv", 100, 20), ("fc", 30, 3)), bits_per_element=16)
    assert (profile.input_bits, profile.cuts[1].bits, profile.bits_per_element) == (160, 320, 16)
