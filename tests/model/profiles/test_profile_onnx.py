"""ONNX files: MACs of each kind of layer, cuts, and files that cannot be profiled."""

from __future__ import annotations

import pytest

onnx = pytest.importorskip("onnx", reason="profiling ONNX files needs the extra lyaopt[profile]")

import numpy as np  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.graph import ProfileWarning  # noqa: E402
from lyaopt.model.profiles.onnx_profiler import profile_onnx  # noqa: E402


def save(path, nodes, inputs, weights=(), output="y"):
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()
    ]
    constants = [
        numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in dict(weights).items()
    ]
    result = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "net", tensors, result, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.onnx"


LAYERS = {
    "convolution": (
        helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2], group=2),
        (1, 4, 8, 8),
        {"w": (6, 2, 3, 3)},
        4 * 4 * 6 * 2 * 9,
    ),
    "transposed convolution": (
        helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2]),
        (1, 4, 5, 5),
        {"w": (4, 6, 2, 2)},
        25 * 4 * 6 * 4,
    ),
    "gemm": (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), (2, 8), {"w": (5, 8)}, 2 * 8 * 5),
    "gemm of a transposed input": (
        helper.make_node("Gemm", ["x", "w"], ["y"], transA=1),
        (8, 2),
        {"w": (8, 5)},
        2 * 8 * 5,
    ),
    "batched product": (
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        (3, 2, 8),
        {"w": (8, 5)},
        3 * 2 * 8 * 5,
    ),
    "recurrent": (
        helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=16),
        (5, 1, 8),
        {"w": (1, 64, 8), "r": (1, 64, 16)},
        5 * 4 * 16 * (8 + 16),
    ),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_macs_by_hand(path, layer):
    node, shape, weights, macs = LAYERS[layer]
    profile = profile_onnx(save(path, [node], {"x": shape}, weights))
    assert profile.total_macs == macs
    assert profile.input_bits == 8 * np.prod(shape)
    assert (profile.name, profile.source) == ("net", "net.onnx")


RESIDUAL = [
    helper.make_node("Conv", ["x", "w1"], ["a"], "stem", pads=[1, 1, 1, 1]),
    helper.make_node("Conv", ["a", "w2"], ["b"], "body", pads=[1, 1, 1, 1]),
    helper.make_node("Constant", [], ["half"], "half", value_float=0.5),
    helper.make_node("Mul", ["b", "half"], ["h"], "scale"),
    helper.make_node("Conv", ["h", "w2"], ["c"], "body2", pads=[1, 1, 1, 1]),
    helper.make_node("Add", ["a", "c"], ["s"], "add"),
    helper.make_node("GlobalAveragePool", ["s"], ["p"], "pool"),
    helper.make_node("Flatten", ["p"], ["f"], "flatten"),
    helper.make_node("Gemm", ["f", "w3"], ["y"], "fc", transB=1),
]
WEIGHTS = {"w1": (4, 3, 3, 3), "w2": (4, 4, 3, 3), "w3": (5, 4)}
STEM, BODY = 64 * 4 * 27, 64 * 4 * 36


def test_cuts_of_a_residual_network(path):
    profile = profile_onnx(
        save(path, RESIDUAL, {"x": (1, 3, 8, 8)}, WEIGHTS), selection="all", bits_per_element=16
    )
    assert [(cut.after, cut.macs, cut.bits // 16) for cut in profile.cuts] == [
        ("input", 0, 192),
        ("stem", STEM, 256),
        ("scale", STEM + BODY, 512),
        ("pool", STEM + 2 * BODY, 4),
        ("fc", STEM + 2 * BODY + 20, 0),
    ]


def test_a_file_without_a_shape_needs_the_option(path):
    save(path, RESIDUAL, {"x": ("batch", 3, "height", "width")}, WEIGHTS)
    with pytest.raises(ProfileError, match="input shape"):
        profile_onnx(path)
    with pytest.raises(ProfileError, match="4 sizes"):
        profile_onnx(path, input_shape=(8, 8))
    assert profile_onnx(path, input_shape=(1, 3, 8, 8)).total_macs == STEM + 2 * BODY + 20


def two_inputs(path, ids=("batch", "length"), mask=("batch", "length")):
    nodes = [
        helper.make_node("MatMul", ["ids", "w"], ["a"]),
        helper.make_node("Add", ["a", "mask"], ["b"], "add"),
        helper.make_node("MatMul", ["b", "w"], ["y"], "fc"),
    ]
    return save(path, nodes, {"ids": ids, "mask": mask}, {"w": (12, 12)})


TWO = [(0, 8 * 24), (144, 8 * 12), (288, 0)]


@pytest.mark.parametrize(
    ("mask", "given"),
    [
        (("batch", "length"), (1, 12)),
        (("batch", "length"), {"mask": (1, 12)}),
        (("b", "l"), [(1, 12), (1, 12)]),
        (("b", "l"), {"mask": (1, 12), "ids": (1, 12)}),
        (("b", 12), {"mask": (1, 12), "ids": (1, 12)}),
        ((1, 12), [[1, 12]]),
        (None, {"mask": [1, 12], "ids": [1, 12]}),
    ],
)
def test_several_inputs_take_shapes_in_order_or_by_name(path, mask, given):
    cuts = profile_onnx(two_inputs(path, mask=mask), input_shape=given).cuts
    assert [(cut.macs, cut.bits) for cut in cuts] == TWO


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"mask": (1, 12)}, r"input ids has open sizes \(batch, length\)"),
        ({"token": (1, 12)}, "no input token: the network has the inputs ids, mask"),
        ([(1, 12)] * 3, "got 3 input shapes for the inputs ids, mask"),
        ({"mask": (12,)}, "2 sizes for mask"),
        ({"mask": (1, 0)}, "positive whole"),
        ({"mask": (1, True)}, "positive whole"),
        ({"mask": (1, 1.5)}, "positive whole"),
    ],
)
def test_shapes_of_inputs_that_do_not_fit_are_refused(path, given, part):
    with pytest.raises(ProfileError, match=part):
        profile_onnx(two_inputs(path, mask=("b", "l")), input_shape=given)


def test_one_name_has_one_size(path):
    with pytest.raises(ProfileError, match="the size length is 12 and, in mask, 13"):
        profile_onnx(two_inputs(path), input_shape=[(1, 12), (1, 13)])


def test_shapes_that_contradict_the_weights_are_refused_in_one_line(path):
    save(path, RESIDUAL, {"x": ("batch", "channels", 8, 8)}, WEIGHTS)
    with pytest.raises(ProfileError) as caught:
        profile_onnx(path, input_shape=(1, 7, 8, 8))
    assert "\n" not in str(caught.value)


def test_control_flow_is_refused(path):
    result = helper.make_tensor_value_info("z", TensorProto.FLOAT, [2])
    constant = helper.make_node("Constant", [], ["z"], value_floats=[1.0, 2.0])
    branch = helper.make_graph([constant], "branch", [], [result])
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["total"], keepdims=0),
        helper.make_node("Cast", ["total"], ["chosen"], to=TensorProto.BOOL),
        helper.make_node("If", ["chosen"], ["y"], then_branch=branch, else_branch=branch),
    ]
    with pytest.raises(ProfileError, match="If: control flow"):
        profile_onnx(save(path, nodes, {"x": (2,)}))


def ints(name, *numbers):
    return helper.make_node("Constant", [], [name], value_ints=numbers)


# The size of x, from its shape: (1, 4) from the result and (20, 20) from x.
RESIZED = [
    helper.make_node("Conv", ["x", "w1"], ["a"], "one"),
    helper.make_node("Conv", ["a", "w2"], ["b"], "two"),
    helper.make_node("Shape", ["x"], ["xs"]),
    helper.make_node("Shape", ["b"], ["bs"]),
    *(ints("zero", 0), ints("two", 2), ints("four", 4)),
    helper.make_node("Slice", ["xs", "two", "four"], ["picture"]),
    helper.make_node("Slice", ["bs", "zero", "two"], ["outer"]),
    helper.make_node("Concat", ["outer", "picture"], ["size"], axis=0),
    helper.make_node("Resize", ["b", "", "", "size"], ["y"], mode="nearest"),
]
RESIZED_WEIGHTS = {"w1": (4, 3, 3, 3), "w2": (4, 4, 3, 3)}


def test_a_shape_does_not_cross(path):
    cuts = profile_onnx(save(path, RESIZED, {"x": (1, 3, 20, 20)}, RESIZED_WEIGHTS)).cuts
    one, two = 18 * 18 * 4 * 27, 16 * 16 * 4 * 36
    assert [(cut.macs, cut.bits) for cut in cuts] == [(0, 9_600), (one, 10_368), (one + two, 0)]


@pytest.mark.parametrize(
    "made",
    [
        # A mask from a length; ones, noise and a diagonal of a shape; another type; a count.
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "at"], ["length"]),
            helper.make_node("Range", ["from", "length", "step"], ["r"]),
            helper.make_node("Less", ["r", "length"], ["l"]),
            helper.make_node("Cast", ["l"], ["mask"], to=TensorProto.FLOAT),
        ],
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("ConstantOfShape", ["s"], ["mask"]),
        ],
        [helper.make_node("RandomNormalLike", ["x"], ["mask"])],
        [helper.make_node("RandomUniformLike", ["x"], ["mask"])],
        [helper.make_node("EyeLike", ["x"], ["mask"])],
        [helper.make_node("CastLike", ["step", "x"], ["mask"])],
        [
            helper.make_node("Size", ["x"], ["n"]),
            helper.make_node("Cast", ["n"], ["mask"], to=TensorProto.FLOAT),
        ],
    ],
    ids=lambda made: made[0].op_type + "-" + made[-1].op_type,
)
def test_what_is_made_of_a_shape_is_on_both_sides(path, made):
    scalars = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(number)))
        for name, number in {"at": 1, "from": 0, "step": 1}.items()
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["f"], "first"),
        helper.make_node("MatMul", ["f", "w"], ["a"], "second"),
        *scalars,
        *made,
        helper.make_node("Add", ["a", "mask"], ["b"], "masked"),
        helper.make_node("MatMul", ["b", "w"], ["y"], "last"),
    ]
    # x is not needed after the first layer, though the mask is made after the second.
    cuts = profile_onnx(save(path, nodes, {"x": (4, 4)}, {"w": (4, 4)})).cuts
    assert [(cut.after, cut.macs, cut.bits) for cut in cuts] == [
        ("input", 0, 128),
        ("first", 64, 128),
        ("masked", 128, 128),
        ("last", 192, 0),
    ]


def test_totals_that_would_be_too_low_are_refused(path):
    nodes = [
        helper.make_node("Det", ["x"], ["d"], "volume"),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
    ]
    save(path, nodes, {"x": (3, 4, 4)}, {"w": (3, 2)})
    with pytest.raises(ProfileError, match=r"too low: volume: the work of Det .*allow_uncounted"):
        profile_onnx(path)
    with pytest.warns(ProfileWarning, match="volume: the work of Det"):
        assert profile_onnx(path, allow_uncounted=True).total_macs == 6


def test_uncounted_work_on_constants_is_done_before(path):
    nodes = [
        helper.make_node("Det", ["c"], ["d"], "volume"),
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "d"], ["y"]),
    ]
    save(path, nodes, {"x": (3,)}, {"w": (3, 2), "c": (4, 4)})
    assert profile_onnx(path).total_macs == 6


@pytest.mark.parametrize("content", [b"", b"not onnx at all", b"\x00" * 64, b"\xff" * 64])
def test_other_files_are_refused_in_one_line(path, content):
    path.write_bytes(content)
    with pytest.raises(ProfileError, match=r"net\.onnx") as caught:
        profile_onnx(path)
    assert "\n" not in str(caught.value)
