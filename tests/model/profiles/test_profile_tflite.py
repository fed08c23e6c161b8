"""TensorFlow Lite files, made byte by byte: MACs of each kind of layer, cuts, and bad files."""

from __future__ import annotations

from itertools import chain

import pytest

tflite = pytest.importorskip(
    "tflite", reason="profiling TensorFlow Lite files needs the extra lyaopt[profile]"
)

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.graph import ProfileWarning  # noqa: E402
from lyaopt.model.profiles.tflite_macs import (  # noqa: E402
    CONTROL_FLOW,
    COUNTERS,
    NO_PRODUCTS,
    UNCOUNTED,
)
from lyaopt.model.profiles.tflite_profiler import profile_tflite  # noqa: E402
from tests.model.profiles.tflite_files import Op, save  # noqa: E402


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.tflite"


# Kind, inputs, shapes (y is the output), and the MACs by hand.
LAYERS = [
    ("CONV_2D", "xw", {"x": (1, 8, 8, 3), "w": (5, 3, 3, 3), "y": (1, 4, 4, 5)}, 16 * 5 * 27),
    ("DEPTHWISE_CONV_2D", "xw", {"x": (1, 8, 8, 6), "w": (1, 3, 3, 6), "y": (1, 8, 8, 6)}, 64 * 6 * 9),
    ("CONV_3D", "xw", {"x": (1, 4, 4, 4, 2), "w": (3, 3, 3, 2, 5), "y": (1, 4, 4, 4, 5)}, 64 * 5 * 27 * 2),
    (
        "TRANSPOSE_CONV",
        "swx",
        {"s": (4,), "w": (6, 2, 2, 4), "x": (1, 5, 5, 4), "y": (1, 10, 10, 6)},
        25 * 4 * 24,
    ),
    ("FULLY_CONNECTED", "xw", {"x": (2, 8), "w": (5, 8), "y": (2, 5)}, 2 * 8 * 5),
    ("BATCH_MATMUL", "xw", {"x": (3, 2, 8), "w": (3, 8, 5), "y": (3, 2, 5)}, 3 * 2 * 8 * 5),
    (
        "CONV_3D_TRANSPOSE",
        "swx",
        {"s": (5,), "w": (2, 2, 2, 6, 4), "x": (1, 3, 3, 3, 4), "y": (1, 6, 6, 6, 6)},
        27 * 4 * 8 * 6,
    ),
    ("SVDF", "xwt", {"x": (2, 6), "w": (12, 6), "t": (12, 5), "y": (2, 4)}, 2 * 12 * (6 + 5)),
    ("RNN", "xwrb", {"x": (2, 6), "w": (4, 6), "r": (4, 4), "b": (4,), "y": (2, 4)}, 2 * 4 * (6 + 4)),
    (
        "LSTM",
        "xpwbc",
        {"x": (2, 6), "p": (2, 4), "w": (16, 10), "b": (16,), "c": (2, 4), "y": (2, 4)},
        2 * 16 * 10,
    ),
    # Four gates of the input, four of the state; peepholes "p" are products by element; then a projection.
    (
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "xiiiirrrrpppbbbbjb",
        {"x": (1, 5, 6), "i": (8, 6), "r": (8, 3), "p": (8,), "b": (8,), "j": (3, 8), "y": (1, 5, 3)},
        5 * (4 * 8 * 6 + 4 * 8 * 3 + 3 * 8),
    ),
    (
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "xirbhirbh",
        {"x": (1, 5, 6), "i": (8, 6), "r": (8, 8), "b": (8,), "h": (1, 8), "y": (1, 5, 16)},
        2 * 5 * (8 * 6 + 8 * 8),
    ),
    # Two directions of 17 tensors each: eight matrices, peepholes, biases and no projection.
    (
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "xiiiirrrrpppbbbbbbiiiirrrrpppbbbbbb",
        {"x": (1, 5, 6), "i": (8, 6), "r": (8, 8), "p": (8,), "b": (8,), "y": (1, 5, 16)},
        2 * 5 * 4 * 8 * (6 + 8),
    ),
]


@pytest.mark.parametrize(("kind", "reads", "shapes", "macs"), LAYERS, ids=[layer[0] for layer in LAYERS])
def test_macs_by_hand(path, kind, reads, shapes, macs):
    assert profile_tflite(save(path, [Op(kind, tuple(reads), "y")], shapes)).total_macs == macs


SHAPES = {
    "x": (1, 8, 8, 3),
    "half": (4, 3, 3, 3),
    "w1": (4, 3, 3, 3),
    "a": (1, 8, 8, 4),
    "w2": (1, 3, 3, 4),
    "b": (1, 8, 8, 4),
    "s": (1, 8, 8, 4),
    "pool": (1, 1, 1, 4),
    "flat": (1, 4),
    "w3": (5, 4),
    "y": (1, 5),
}
RESIDUAL = [
    Op("DEQUANTIZE", ("half",), "w1"),
    Op("CONV_2D", ("x", "w1"), "a"),
    Op("DEPTHWISE_CONV_2D", ("a", "w2"), "b"),
    Op("DEPTHWISE_CONV_2D", ("b", "w2"), "b2"),
    Op("ADD", ("a", "b2"), "s"),
    Op("MEAN", ("s",), "pool"),
    Op("RESHAPE", ("pool",), "flat"),
    Op("FULLY_CONNECTED", ("flat", "w3"), "y"),
]
SHAPES["b2"] = SHAPES["b"]


def test_cuts_of_a_residual_network_with_unpacked_weights(path):
    profile = profile_tflite(save(path, RESIDUAL, SHAPES), selection="all", name="tiny", bits_per_element=16)
    conv, depthwise = 64 * 4 * 27, 64 * 4 * 9
    assert [(cut.after, cut.macs, cut.bits // 16) for cut in profile.cuts] == [
        ("input", 0, 192),
        ("a", conv, 256),
        ("b", conv + depthwise, 512),
        ("pool", conv + 2 * depthwise, 4),
        ("y", conv + 2 * depthwise + 20, 0),
    ]
    assert (profile.name, profile.source) == ("tiny", "net.tflite")


@pytest.mark.parametrize("kind", ["SHAPE", "RANK", "ZEROS_LIKE"])
def test_a_shape_does_not_cross(path, kind):
    shapes = {"x": (1, 4), "w": (4, 4), "f": (1, 4), "a": (1, 4), "m": (1, 4), "b": (1, 4), "y": (1, 4)}
    operations = [
        Op("FULLY_CONNECTED", ("x", "w"), "f"),
        Op("FULLY_CONNECTED", ("f", "w"), "a"),
        Op(kind, ("x",), "m"),
        Op("ADD", ("a", "m"), "b"),
        Op("FULLY_CONNECTED", ("b", "w"), "y"),
    ]
    cuts = profile_tflite(save(path, operations, shapes), selection="all").cuts
    assert [(cut.after, cut.macs, cut.bits) for cut in cuts] == [
        *(("input", 0, 32), ("f", 16, 32), ("b", 32, 32), ("y", 48, 0))
    ]


def test_totals_that_would_be_too_low_are_refused(path):
    shapes = {"x": (1, 4), "c": (1, 4), "w": (5, 4), "y": (1, 5)}
    operations = [Op("MyOwn", ("x",), "c"), Op("FULLY_CONNECTED", ("c", "w"), "y")]
    save(path, operations, shapes)
    with pytest.raises(ProfileError, match="c: the work of custom MyOwn"):
        profile_tflite(path)
    with pytest.warns(ProfileWarning, match="c: the work of custom MyOwn"):
        assert profile_tflite(path, allow_uncounted=True).total_macs == 20


def test_a_recurrent_layer_before_a_dense_one(path):
    shapes = {"x": (1, 10, 64), "i": (32, 64), "r": (32, 32), "b": (32,), "h": (1, 10, 32)}
    lstm = Op("UNIDIRECTIONAL_SEQUENCE_LSTM", (*"xiiiirrrr", *"bbb", *"bbbb"), "h")
    dense = Op("FULLY_CONNECTED", ("h", "w"), "y")
    save(path, [lstm, dense], shapes | {"w": (8, 32), "y": (1, 10, 8)})
    assert profile_tflite(path).total_macs == 10 * 4 * 32 * (64 + 32) + 10 * 32 * 8 == 125_440


def test_every_operator_is_counted_without_products_or_uncounted():
    sorts = [set(COUNTERS), NO_PRODUCTS, UNCOUNTED, CONTROL_FLOW]
    known = {word for word in vars(tflite.BuiltinOperator) if word[0].isupper()}
    # Of a newer version of the bindings: sort it, or a network that has it is refused.
    assert known - set().union(*sorts) == set()
    assert sum(map(len, sorts)) == len(set().union(*sorts))


@pytest.mark.parametrize(
    ("kind", "first", "bits"),
    [
        ("INT32", Op("GATHER", ("t", "x"), "e"), 15),
        ("INT64", Op("EMBEDDING_LOOKUP", ("x", "t"), "e"), 15),
        ("INT32", Op("CAST", ("x",), "e"), 32),
        ("BOOL", Op("CAST", ("x",), "e"), 1),
        ("UINT8", Op("CAST", ("x",), "e"), 8),
        ("FLOAT32", Op("CAST", ("x",), "e"), 8),
    ],
    ids=lambda value: value.kind if isinstance(value, Op) else "",
)
@pytest.mark.filterwarnings("ignore::lyaopt.model.profiles.graph.ProfileWarning")
def test_inputs_of_whole_numbers_count_their_own_bits(path, kind, first, bits):
    shapes = {"x": (12,), "t": (30_000, 4), "e": (12, 4), "w": (5, 4), "y": (12, 5)}
    operations = [first, Op("FULLY_CONNECTED", ("e", "w"), "y")]
    save(path, operations, shapes, kinds={"x": kind})
    assert profile_tflite(path).input_bits == 12 * bits
    assert profile_tflite(path, input_bits={"x": 11}).input_bits == 12 * 11


def test_open_shapes_and_control_flow_are_refused(path):
    dense = [Op("FULLY_CONNECTED", ("x", "w"), "y")]
    with pytest.raises(ProfileError, match="input x has open sizes"):
        profile_tflite(save(path, dense, {"x": (-1, 8), "w": (5, 8), "y": (-1, 5)}))
    shapes = {"x": (1, 8), "w": (5, 8), "y": (1, 5)}
    with pytest.raises(ProfileError, match="control flow"):
        profile_tflite(save(path, dense, shapes, subgraphs=2))
    with pytest.raises(ProfileError, match="WHILE"):
        profile_tflite(save(path, [Op("WHILE", ("x",), "y")], shapes))


def test_other_files_are_refused_in_one_line(path):
    whole = save(path, RESIDUAL, SHAPES).read_bytes()
    for content in chain(
        [b"", b"not tflite", b"\x00" * 64], (whole[:size] for size in range(0, len(whole), 61))
    ):
        path.write_bytes(content)
        with pytest.raises(ProfileError, match=r"net\.tflite") as caught:
            profile_tflite(path)
        assert "\n" not in str(caught.value)
