"""TensorFlow Lite files that leave sizes open: every shape follows from that of the input."""

from __future__ import annotations

import pytest

tflite = pytest.importorskip(
    "tflite", reason="profiling TensorFlow Lite files needs the extra lyaopt[profile]"
)

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.tflite_profiler import profile_tflite  # noqa: E402
from tests.model.profiles.tflite_files import Op, save  # noqa: E402


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.tflite"


STRIDE = ("Conv2DOptions", {"StrideH": 2, "StrideW": 2})
TWO = [Op("CONV_2D", ("x", "w"), "a", *STRIDE), Op("CONV_2D", ("a", "v"), "y", *STRIDE)]
# As converters write an open picture: sizes of 1, and -1 in the signature.
OPEN = {"x": (1, 1, 1, 3), "w": (8, 3, 3, 3), "a": (1, 1, 1, 8), "v": (16, 3, 3, 8), "y": (1, 1, 1, 16)}
SIGNATURES = {"x": (-1, -1, -1, 3), "a": (-1, -1, -1, 8), "y": (-1, -1, -1, 16)}


def test_an_open_picture_gets_its_size(path):
    save(path, TWO, OPEN, signatures=SIGNATURES)
    with pytest.raises(ProfileError, match=r"input x has open sizes \(\?, \?, \?, 3\)"):
        profile_tflite(path)
    profile = profile_tflite(path, input_shape=(1, 224, 224, 3))
    first = 112 * 112 * 8 * 27
    assert profile.total_macs == first + 56 * 56 * 16 * 72 == 6_322_176
    assert [cut.bits for cut in profile.cuts] == [8 * 224 * 224 * 3, 8 * 112 * 112 * 8, 0]
    assert profile_tflite(path, input_shape={"x": (1, 1, 1, 3)}).total_macs == 1_368


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ((224, 224, 3), "4 sizes for x"),
        ({"z": (1, 224, 224, 3)}, "no input z: the network has the input x"),
        ([(1, 224, 224, 3)] * 2, "got 2 input shapes"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(path, given, part):
    with pytest.raises(ProfileError, match=part):
        profile_tflite(save(path, TWO, OPEN, signatures=SIGNATURES), input_shape=given)


def test_an_open_batch_is_that_of_one_task(path):
    shapes = {"x": (1, 8), "w": (5, 8), "y": (1, 5)}
    save(path, [Op("FULLY_CONNECTED", ("x", "w"), "y")], shapes, signatures={"x": (-1, 8), "y": (-1, 5)})
    assert profile_tflite(path).total_macs == 40
    assert profile_tflite(path, input_shape=(3, 8)).total_macs == 120


def test_tensors_stored_without_a_shape_get_theirs(path):
    shapes = {"x": (1, 8, 8, 3), "w": (8, 3, 3, 3), "a": (), "v": (16, 3, 3, 8), "y": ()}
    profile = profile_tflite(save(path, TWO, shapes))
    assert [(cut.macs, cut.bits) for cut in profile.cuts] == [
        (0, 8 * 192),
        (16 * 8 * 27, 8 * 16 * 8),
        (16 * 8 * 27 + 4 * 16 * 72, 0),
    ]


def test_the_size_to_resize_to_follows_from_the_input(path):
    """A convolution that halves, then a resize to the size of the input, cut out of its shape."""
    operations = [
        Op("CONV_2D", ("x", "w"), "a", *STRIDE),
        Op("SHAPE", ("x",), "s"),
        Op("STRIDED_SLICE", ("s", "one", "three", "step"), "size"),
        Op("RESIZE_BILINEAR", ("a", "size"), "b"),
        Op("CONV_2D", ("b", "v"), "y", "Conv2DOptions", {"StrideH": 1, "StrideW": 1}),
    ]
    shapes = {**OPEN, "b": (1, 1, 1, 8), "s": (4,), "size": (2,), "one": (1,), "three": (1,), "step": (1,)}
    values = {"one": [1], "three": [3], "step": [1]}
    save(
        path, operations, shapes, values=values, kinds={"s": "INT32", "size": "INT32"}, signatures=SIGNATURES
    )
    profile = profile_tflite(path, input_shape=(1, 20, 30, 3))
    assert [(cut.after, cut.macs, cut.bits) for cut in profile.cuts] == [
        ("input", 0, 8 * 20 * 30 * 3),
        ("a", 10 * 15 * 8 * 27, 8 * 10 * 15 * 8),
        ("y", 10 * 15 * 8 * 27 + 20 * 30 * 16 * 72, 0),
    ]


# Operator on (1, 6, 8, 4), its constants, its options, and the shape of its result.
PADS = [0, 0, 1, 1, 1, 1, 0, 0]
POOL = {"FilterHeight": 2, "FilterWidth": 2, "StrideH": 2, "StrideW": 2}
MOVES = [
    ("RELU", [], "", {}, (1, 6, 8, 4)),
    ("AVERAGE_POOL_2D", [], "Pool2DOptions", POOL, (1, 3, 4, 4)),
    ("MAX_POOL_2D", [], "Pool2DOptions", {**POOL, "FilterHeight": 3, "Padding": 1}, (1, 2, 4, 4)),
    ("PAD", [((4, 2), PADS)], "", {}, (1, 8, 10, 4)),
    ("MEAN", [((2,), [1, 2])], "ReducerOptions", {"KeepDims": True}, (1, 1, 1, 4)),
    ("MEAN", [((2,), [1, 2])], "", {}, (1, 4)),
    ("SUM", [((1,), [-1])], "", {}, (1, 6, 8)),
    ("TRANSPOSE", [((4,), [0, 3, 1, 2])], "", {}, (1, 4, 6, 8)),
    ("RESHAPE", [((2,), [1, -1])], "", {}, (1, 192)),
    ("RESHAPE", [], "ReshapeOptions", {"NewShape": [1, -1, 4]}, (1, 48, 4)),
    ("SQUEEZE", [], "", {}, (6, 8, 4)),
    ("EXPAND_DIMS", [((1,), [1])], "", {}, (1, 1, 6, 8, 4)),
    ("SLICE", [((4,), [0, 1, 0, 0]), ((4,), [1, 2, -1, 4])], "", {}, (1, 2, 8, 4)),
    (
        "STRIDED_SLICE",
        [((4,), [0, 1, 0, 0]), ((4,), [0, 5, 0, 0]), ((4,), [1, 2, 1, 1])],
        "StridedSliceOptions",
        {"BeginMask": 12, "EndMask": 12, "ShrinkAxisMask": 1},
        (2, 8, 4),
    ),
    ("RESIZE_NEAREST_NEIGHBOR", [((2,), [12, 16])], "", {}, (1, 12, 16, 4)),
    ("SPACE_TO_DEPTH", [], "SpaceToDepthOptions", {"BlockSize": 2}, (1, 3, 4, 16)),
    ("DEPTH_TO_SPACE", [], "DepthToSpaceOptions", {"BlockSize": 2}, (1, 12, 16, 1)),
    ("SPACE_TO_BATCH_ND", [((2,), [2, 2]), ((2, 2), [0, 0, 1, 1])], "", {}, (4, 3, 5, 4)),
    ("TILE", [((4,), [1, 2, 1, 1])], "", {}, (1, 12, 8, 4)),
    ("ARG_MAX", [((1,), [3])], "", {}, (1, 6, 8)),
    ("ADD", [((4,), [1, 2, 3, 4])], "", {}, (1, 6, 8, 4)),
    ("CONCATENATION", [((1, 6, 8, 1), range(48))], "ConcatenationOptions", {"Axis": 3}, (1, 6, 8, 5)),
    ("GATHER", [((3,), [0, 2, 4])], "GatherOptions", {"Axis": 1}, (1, 3, 8, 4)),
]


@pytest.mark.parametrize(("kind", "constants", "table", "options", "made"), MOVES)
def test_shapes_of_operators_by_hand(path, kind, constants, table, options, made):
    """A dense layer over the last size of the result tells its shape."""
    names = [f"c{i}" for i in range(len(constants))]
    shapes = {"x": (1, 1, 1, 4), "m": tuple(1 for _ in made), "w": (7, made[-1]), "y": (1, 7)}
    shapes |= {name: shape for name, (shape, _) in zip(names, constants, strict=True)}
    values = {name: list(numbers) for name, (_, numbers) in zip(names, constants, strict=True)}
    operations = [
        Op("CONV_2D", ("x", "one"), "h", "Conv2DOptions", {"StrideH": 1, "StrideW": 1}),
        Op(kind, ("h", *names), "m", table, options),
        Op("FULLY_CONNECTED", ("m", "w"), "y"),
    ]
    shapes |= {"h": (1, 1, 1, 4), "one": (4, 1, 1, 4)}
    save(path, operations, shapes, values=values, signatures={"x": (1, -1, -1, 4)})
    profile = profile_tflite(path, input_shape=(1, 6, 8, 4), selection="all")
    elements = 1
    for size in made:
        elements *= size
    assert profile.total_macs == 48 * 16 + elements * 7
    # The cut before the dense layer sends the smaller of the two tensors that hold the data.
    assert profile.cuts[-2].bits == 8 * min(elements, 192)


def test_an_operator_without_a_rule_is_named(path):
    operations = [Op("DILATE", ("x",), "d"), Op("FULLY_CONNECTED", ("d", "w"), "y")]
    shapes = {"x": (1, 1), "d": (1, 1), "w": (5, 8), "y": (1, 5)}
    save(path, operations, shapes, signatures={"x": (1, -1), "d": (1, -1)})
    with pytest.raises(ProfileError, match="the shape of d, which DILATE makes, is unknown"):
        profile_tflite(path, input_shape=(1, 8))


def test_weights_that_are_unpacked_keep_their_shape(path):
    operations = [
        Op("DENSIFY", ("z",), "w"),
        Op("DEQUANTIZE", ("w",), "v"),
        Op("FULLY_CONNECTED", ("x", "v"), "y"),
    ]
    shapes = {"x": (1, 8), "z": (5, 8), "w": (5, 8), "v": (5, 8), "y": (1, 5)}
    save(path, operations, shapes, signatures={"x": (-1, 8), "y": (-1, 5)})
    assert profile_tflite(path, input_shape=(3, 8)).total_macs == 120


def test_a_fixed_target_that_does_not_fit_is_named(path):
    operations = [Op("RESHAPE", ("x", "t"), "r"), Op("FULLY_CONNECTED", ("r", "w"), "y")]
    shapes = {"x": (1, 1, 4), "t": (2,), "r": (1, 4), "w": (5, 4), "y": (1, 5)}
    save(path, operations, shapes, values={"t": [1, 4]}, signatures={"x": (1, -1, 4)})
    with pytest.raises(ProfileError, match="the shape of r, which RESHAPE makes: cannot reshape"):
        profile_tflite(path, input_shape=(1, 3, 4))
