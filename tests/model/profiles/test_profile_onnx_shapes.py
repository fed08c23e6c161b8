"""Shapes of ONNX networks: of every version, of onnxruntime's operators, and the reasons of those unknown."""

from __future__ import annotations

import pytest

onnx = pytest.importorskip("onnx", reason="profiling ONNX files needs the extra lyaopt[profile]")

import numpy as np  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.onnx_macs import (  # noqa: E402
    MICROSOFT,
    MICROSOFT_COUNTERS,
    MICROSOFT_NO_PRODUCTS,
)
from lyaopt.model.profiles.onnx_profiler import profile_onnx  # noqa: E402


def constant(name, shape, kind=np.float32):
    return numpy_helper.from_array(np.zeros(shape, kind), name)


def save(path, nodes, inputs, constants, outputs, version=17, infos=()):
    """Write a network; inputs, outputs and further tensors are pairs of name and shape, or type too."""
    values = [
        [
            helper.make_tensor_value_info(name, *(rest[1:] or [TensorProto.FLOAT]), rest[0])
            for name, *rest in group
        ]
        for group in (inputs, outputs, infos)
    ]
    graph = helper.make_graph(nodes, "net", values[0], values[1], constants, value_info=values[2])
    opsets = [helper.make_opsetid("", version), helper.make_opsetid(MICROSOFT, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.onnx"


def axes(version, name):
    """Axes are an attribute up to version 12, then an input."""
    return ([], {"axes": [0]}) if version < 13 else ([name], {})


def flattened_by_hand(version):
    """Conv, then Reshape to (batch, -1), where the batch comes from the shape of its result; then Gemm."""
    inputs, attributes = axes(version, "axes")
    return [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Shape", ["c"], ["s"]),
        helper.make_node("Gather", ["s", "at"], ["batch"]),
        helper.make_node("Unsqueeze", ["batch", *inputs], ["b"], **attributes),
        helper.make_node("Concat", ["b", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["c", "target"], ["f"]),
        helper.make_node("Gemm", ["f", "v"], ["y"], "fc"),
    ]


SCALARS = [
    numpy_helper.from_array(np.array(0), "at"),
    numpy_helper.from_array(np.array([-1]), "rest"),
    numpy_helper.from_array(np.array([0]), "axes"),
]
CONV, FC = 36 * 4 * 27, 144 * 5


@pytest.mark.parametrize("version", [7, 9, 10, 11, 12, 13, 14, 17, 21])
@pytest.mark.parametrize("declared", [(1, 5), ("batch", 5), (-1, 5), (-1, -1), None], ids=str)
def test_targets_of_reshapes_are_computed_in_every_version(path, version, declared):
    constants = [constant("w", (4, 3, 3, 3)), constant("v", (144, 5)), *SCALARS]
    if version < 13:
        constants.pop()
    # Up to version 8 the bias of Gemm is not optional.
    constants.append(constant("bias", (5,)))
    nodes = flattened_by_hand(version)
    nodes[-1].input.append("bias")
    save(path, nodes, [("x", ("batch", 3, 8, 8))], constants, [("y", declared)], version)
    cuts = profile_onnx(path, input_shape=(1, 3, 8, 8)).cuts
    assert [(cut.macs, cut.bits) for cut in cuts] == [(0, 8 * 192), (CONV, 8 * 144), (CONV + FC, 0)]


def test_a_declared_size_of_minus_one_is_open(path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("MatMul", ["a", "w"], ["y"])]
    infos = [("a", (-1, -1))]
    save(path, nodes, [("x", (2, 4))], [constant("w", (4, 4))], [("y", (-1, 4))], infos=infos)
    assert [cut.bits for cut in profile_onnx(path).cuts] == [64, 64, 0]


def external(path, nodes, target):
    """A network whose reshape target, of these numbers, lies in another file."""
    constants = [constant("w", (4, 4)), numpy_helper.from_array(np.array(target), "target")]
    save(path, nodes, [("x", (2, 8))], constants, [("y", None)])
    model = onnx.load(path)
    onnx.save_model(
        model,
        path,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
        convert_attribute=True,
    )
    return path


RESHAPED = [
    helper.make_node("Reshape", ["x", "target"], ["r"], "fold"),
    helper.make_node("MatMul", ["r", "w"], ["y"]),
]


def test_targets_in_other_files_are_read_and_missing_ones_named(path):
    external(path, RESHAPED, [4, 4])
    assert profile_onnx(path).total_macs == 64
    (path.parent / "weights.bin").unlink()
    with pytest.raises(ProfileError, match=r"target cannot be read: .*weights\.bin") as caught:
        profile_onnx(path)
    assert "\n" not in str(caught.value)


def test_large_weights_in_other_files_are_not_needed(path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    save(path, nodes, [("x", (2, 128))], [constant("w", (128, 128))], [("y", None)])
    onnx.save_model(onnx.load(path), path, save_as_external_data=True, location="weights.bin")
    (path.parent / "weights.bin").unlink()
    assert profile_onnx(path).total_macs == 2 * 128 * 128


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (
            [
                helper.make_node("NonZero", ["x"], ["n"], "found"),
                helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
                helper.make_node("Relu", ["f"], ["r"]),
                helper.make_node("MatMul", ["w", "r"], ["y"]),
            ],
            "the shape of n, which NonZero found makes, is unknown until the network runs",
        ),
        (
            [
                helper.make_node("Unheard", ["x"], ["n"], "odd", domain="com.example"),
                helper.make_node("MatMul", ["n", "w"], ["y"]),
            ],
            r"the shape of n, which com\.example\.Unheard odd makes",
        ),
    ],
    ids=["data", "unknown operator"],
)
def test_the_first_unknown_shape_is_the_reason(path, nodes, reason):
    save(path, nodes, [("x", (2, 2))], [constant("w", (2, 2))], [("y", None)])
    with pytest.raises(ProfileError, match=reason):
        profile_onnx(path)


def test_open_inputs_are_named(path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    save(path, nodes, [("x", ("batch", 4))], [constant("w", (4, 4))], [("y", None)])
    with pytest.raises(ProfileError, match=r"input x has open sizes \(batch, 4\): it needs an input shape"):
        profile_onnx(path)


A = ("x", (2, 4, 6))
W, ONE = ("w", (6, 8)), ("one", (1,))
MAP = ("x", (1, 4, 6, 6))


@pytest.mark.parametrize(
    ("kind", "x", "others", "attributes", "expected"),
    [
        ("MatMulNBits", A, [("w", (8, 1, 3)), ONE], {"K": 6, "N": 8, "bits": 4, "block_size": 16}, (2, 4, 8)),
        ("MatMulBnb4", A, [("w", (24,)), ONE], {"K": 6, "N": 8}, (2, 4, 8)),
        ("FusedMatMul", A, [("w", (8, 6))], {"transB": 1, "alpha": 0.5}, (2, 4, 8)),
        ("FusedConv", MAP, [("w", (3, 4, 3, 3))], {"activation": "Relu", "strides": [2, 2]}, (1, 3, 2, 2)),
        ("FusedGemm", ("x", (2, 6)), [W], {"activation": "Relu"}, (2, 8)),
        ("QGemm", ("x", (2, 6)), [ONE, ONE, W], {}, (2, 8)),
        ("DynamicQuantizeMatMul", A, [W, ONE], {}, (2, 4, 8)),
        ("MatMulIntegerToFloat", A, [W, ONE, ONE], {}, (2, 4, 8)),
        ("Attention", A, [("w", (6, 24))], {"num_heads": 2}, (2, 4, 8)),
        ("QAttention", A, [("w", (6, 24))], {"num_heads": 2}, (2, 4, 8)),
        ("MultiHeadAttention", A, [("k", (2, 5, 6)), ("v", (2, 5, 8))], {"num_heads": 2}, (2, 4, 8)),
        (
            "DynamicQuantizeLSTM",
            A,
            [("w", (1, 6, 20)), ("r", (1, 5, 20))],
            {"hidden_size": 5},
            (2, 1, 4, 5),
        ),
        ("QLinearAdd", A, [ONE, ONE, ("b", (6,))], {}, (2, 4, 6)),
        ("QLinearMul", A, [ONE, ONE, ("b", (3, 1, 4, 6))], {}, (3, 2, 4, 6)),
        ("QLinearAveragePool", MAP, [ONE], {"kernel_shape": [2, 2], "strides": [2, 2]}, (1, 4, 3, 3)),
        ("QLinearGlobalAveragePool", MAP, [ONE], {}, (1, 4, 1, 1)),
        ("QLinearSigmoid", A, [ONE], {}, (2, 4, 6)),
        ("SkipLayerNormalization", A, [("skip", (2, 4, 6))], {}, (2, 4, 6)),
        ("FastGelu", A, [], {}, (2, 4, 6)),
        ("QuantizeLinear", A, [ONE, ONE], {}, (2, 4, 6)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_operators_of_onnxruntime_need_no_declared_shapes(path, kind, x, others, attributes, expected):
    assert kind in {*MICROSOFT_COUNTERS, *MICROSOFT_NO_PRODUCTS}
    names = [x[0], *(f"{name}{i}" for i, (name, _) in enumerate(others))]
    constants = [constant(name, shape) for name, (_, shape) in zip(names[1:], others, strict=True)]
    constants.append(constant("last", (expected[-1], 3)))
    nodes = [
        helper.make_node(kind, names, ["a"], "first", domain=MICROSOFT, **attributes),
        helper.make_node("MatMul", ["a", "last"], ["y"], "last"),
    ]
    save(path, nodes, [x], constants, [("y", None)])
    assert profile_onnx(path).total_macs >= 3 * np.prod(expected)
    save(path, nodes, [x], constants, [("y", (*expected[:-1], 3))], infos=[("a", expected)])
    assert profile_onnx(path).total_macs >= 3 * np.prod(expected)


def test_a_product_of_packed_weights_beside_one_of_plain_ones(path):
    """Of 128 x 128 x 128 each: 4 bits in blocks of 32."""
    packed = {"K": 128, "N": 128, "bits": 4, "block_size": 32}
    nodes = [
        helper.make_node("MatMulNBits", ["x", "q", "s"], ["a"], domain=MICROSOFT, **packed),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]
    weights = [constant("q", (128, 4, 16), np.uint8), constant("s", (512,)), constant("w", (128, 128))]
    save(path, nodes, [("x", (128, 128))], weights, [("y", None)])
    profile = profile_onnx(path)
    assert profile.total_macs == 2 * 128**3 == 4_194_304
    assert [cut.bits for cut in profile.cuts] == [8 * 128**2, 8 * 128**2, 0]
