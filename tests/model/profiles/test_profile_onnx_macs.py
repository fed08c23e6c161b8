"""Work of ONNX operators: every operator is sorted, and each counter gives the number by hand."""

from __future__ import annotations

import pytest

onnx = pytest.importorskip("onnx", reason="profiling ONNX files needs the extra lyaopt[profile]")

import numpy as np  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.einsum import einsum_macs  # noqa: E402
from lyaopt.model.profiles.onnx_macs import (  # noqa: E402
    CONTROL_FLOW,
    COUNTERS,
    MICROSOFT,
    MICROSOFT_COUNTERS,
    MICROSOFT_NO_PRODUCTS,
    NO_PRODUCTS,
    STANDARD,
    UNCOUNTED,
    count_macs,
)
from lyaopt.model.profiles.onnx_profiler import profile_onnx  # noqa: E402


def test_every_operator_is_counted_without_products_or_uncounted():
    sorts = [set(COUNTERS), NO_PRODUCTS, UNCOUNTED, CONTROL_FLOW]
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain in STANDARD}
    # Of a newer version of onnx: sort it, or a network that has it is refused.
    assert known - set().union(*sorts) == set()
    assert sum(map(len, sorts)) == len(set().union(*sorts))
    assert not set(MICROSOFT_COUNTERS) & MICROSOFT_NO_PRODUCTS


@pytest.mark.parametrize("domain", ["", MICROSOFT, "ai.onnx.ml", "com.example"])
def test_an_unknown_operator_is_not_counted(domain):
    assert count_macs(helper.make_node("Unheard", ["x"], ["y"], domain=domain), "u", {}) is None


def macs(kind, reads, made, domain="", **attributes):
    names = [f"i{k}" if shape else "" for k, shape in enumerate(reads)]
    shapes = dict(zip(names, reads, strict=True)) | {"y": made}
    return count_macs(helper.make_node(kind, names, ["y"], domain=domain, **attributes), kind, shapes)


ONE = (1,)
QUANTISED = [(1, 4, 8, 8), ONE, ONE, (6, 4, 3, 3), ONE, ONE, ONE, ONE]


@pytest.mark.parametrize(
    ("kind", "reads", "made", "attributes", "expected"),
    [
        # Queries of 64 tokens in 4 heads of 32: with keys, then with values.
        (
            "Attention",
            [(1, 64, 128)] * 3,
            (1, 64, 128),
            {"q_num_heads": 4, "kv_num_heads": 4},
            2 * 64 * 64 * 128,
        ),
        ("Attention", [(2, 4, 5, 8), (2, 2, 7, 8), (2, 2, 7, 3)], (2, 4, 5, 3), {}, 2 * 4 * 5 * 7 * (8 + 3)),
        (
            "Attention",
            [(1, 4, 1, 8), (1, 4, 1, 8), (1, 4, 1, 8), (), (1, 4, 9, 8), (1, 4, 9, 8)],
            (1, 4, 1, 8),
            {},
            4 * 10 * 16,
        ),
        ("QLinearConv", QUANTISED, (1, 6, 8, 8), {}, 64 * 6 * 36),
        ("QLinearMatMul", [(2, 8), ONE, ONE, (8, 5), ONE, ONE, ONE, ONE], (2, 5), {}, 80),
        ("ConvInteger", [(1, 4, 8, 8), (6, 4, 3, 3)], (1, 6, 8, 8), {}, 64 * 6 * 36),
        ("MatMulInteger", [(2, 8), (8, 5)], (2, 5), {}, 80),
        ("GRU", [(5, 2, 8), (2, 48, 8), (2, 48, 16)], (5, 2, 2, 16), {}, 5 * 2 * 2 * 48 * 24),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_operators_of_onnx_by_hand(kind, reads, made, attributes, expected):
    assert macs(kind, reads, made, **attributes) == expected


@pytest.mark.parametrize(
    ("kind", "reads", "made", "attributes", "expected"),
    [
        ("MatMulNBits", [(1, 16, 64), (96, 2, 16)], (1, 16, 96), {"K": 64, "N": 96}, 16 * 64 * 96),
        ("MatMulBnb4", [(2, 64), (48,)], (2, 96), {"K": 64, "N": 96}, 2 * 64 * 96),
        ("FusedMatMul", [(3, 8, 2), (3, 8, 5)], (3, 2, 5), {"transA": 1}, 3 * 2 * 8 * 5),
        ("FusedConv", [(1, 4, 8, 8), (6, 2, 3, 3)], (1, 6, 8, 8), {"group": 2}, 64 * 6 * 18),
        ("FusedGemm", [(8, 2), (8, 5)], (2, 5), {"transA": 1}, 80),
        ("QGemm", [(2, 8), ONE, ONE, (8, 5)], (2, 5), {}, 80),
        ("DynamicQuantizeMatMul", [(2, 8), (8, 5)], (2, 5), {}, 80),
        ("MatMulIntegerToFloat", [(2, 8), (8, 5)], (2, 5), {}, 80),
        ("DynamicQuantizeLSTM", [(5, 1, 8), (1, 8, 64), (1, 16, 64)], (5, 1, 1, 16), {}, 5 * 64 * 24),
        ("Attention", [(2, 6, 8), (8, 48)], (2, 6, 16), {}, 2 * 6 * (8 * 48 + 6 * 32)),
        ("QAttention", [(2, 6, 8), (8, 48)], (2, 6, 16), {}, 2 * 6 * (8 * 48 + 6 * 32)),
        ("MultiHeadAttention", [(2, 6, 8), (2, 7, 8), (2, 7, 4)], (2, 6, 4), {}, 2 * 6 * 7 * 12),
        ("QLinearAdd", [(2, 8), ONE, ONE, (2, 8), ONE, ONE, ONE, ONE], (2, 8), {}, 0),
        ("FusedMatMul", [(8, 3, 2), (8, 3, 5)], (3, 2, 5), {"transBatchA": 1}, None),
        ("MultiHeadAttention", [(2, 6, 2, 3, 4)], (2, 6, 8), {}, None),
        ("GroupQueryAttention", [(2, 6, 8)] * 3, (2, 6, 8), {}, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_operators_of_onnxruntime_by_hand(kind, reads, made, attributes, expected):
    assert macs(kind, reads, made, MICROSOFT, **attributes) == expected


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("ij,jk->ik", [(2, 3), (3, 5)], 30),
        ("ij,jk", [(2, 3), (3, 5)], 30),
        ("bhid,bhjd->bhij", [(2, 4, 5, 8), (2, 4, 7, 8)], 2 * 4 * 5 * 7 * 8),
        ("...ij,...jk->...ik", [(6, 2, 3), (3, 5)], 6 * 30),
        ("...ij,...jk", [(1, 2, 3), (6, 3, 5)], 6 * 30),
        # An index of one operand is summed first; products by element are not counted.
        ("ij,jk->k", [(2, 3), (3, 5)], 15),
        ("ij,ij->ij", [(2, 3), (2, 3)], 0),
        ("i,j->ij", [(2,), (3,)], 0),
        ("ij->ji", [(2, 3)], 0),
        ("ii->i", [(3, 3)], 0),
        # From left to right: (2 x 3)(3 x 5), then (2 x 5)(5 x 7).
        ("ij,jk,kl->il", [(2, 3), (3, 5), (5, 7)], 30 + 70),
        (" i j , j k -> i k ", [(2, 1), (3, 5)], 30),
    ],
)
def test_einstein_sums_by_hand(equation, shapes, expected):
    assert einsum_macs(equation, shapes) == expected


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij,jk", [(2, 3)]), ("ij,jk", [(2, 3), (4, 5)]), ("ij,jk", [(2, 3, 4), (3, 5)]), ("ij", [(2,)])],
)
def test_shapes_that_do_not_fit_an_equation_are_refused(equation, shapes):
    with pytest.raises(ProfileError, match=r"the equation"):
        einsum_macs(equation, shapes)


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def save(path, nodes, shape, weights, made):
    constants = [helper.make_tensor(name, kind, dims, np.zeros(dims).ravel()) for name, kind, dims in weights]
    graph = helper.make_graph(nodes, "net", [value("x", shape)], [value("y", made)], constants)
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid(MICROSOFT, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return path


def test_an_einstein_sum_before_a_product(tmp_path):
    nodes = [
        helper.make_node("Einsum", ["x", "w"], ["e"], equation="bij,jk->bik"),
        helper.make_node("MatMul", ["e", "v"], ["y"]),
    ]
    weights = [("w", TensorProto.FLOAT, (16, 32)), ("v", TensorProto.FLOAT, (32, 8))]
    path = save(tmp_path / "net.onnx", nodes, (1, 10, 16), weights, (1, 10, 8))
    assert profile_onnx(path).total_macs == 10 * 16 * 32 + 10 * 32 * 8 == 7_680


def test_attention_between_its_projections(tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], [name]) for name in "qkv"]
    nodes.append(helper.make_node("Attention", [*"qkv"], ["a"], q_num_heads=4, kv_num_heads=4))
    nodes.append(helper.make_node("MatMul", ["a", "w"], ["y"]))
    weights = [("w", TensorProto.FLOAT, (128, 128))]
    path = save(tmp_path / "net.onnx", nodes, (1, 64, 128), weights, (1, 64, 128))
    assert profile_onnx(path).total_macs == 4 * 64 * 128 * 128 + 2 * 64 * 64 * 128 == 5_242_880
