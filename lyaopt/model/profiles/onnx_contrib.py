"""Shapes of the results of onnxruntime's operators (domain ``com.microsoft``), which `onnx` does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lyaopt.model.profiles.onnx_attributes import attribute

Shape = tuple[int, ...]

# The operator of ONNX whose result has the same shape, and the places of its inputs.
_LIKE: dict[str, tuple[str, slice]] = {
    **dict.fromkeys(
        (
            *("BiasAdd", "BiasGelu", "BiasSoftmax", "DequantizeLinear", "FastGelu", "Gelu", "GroupNorm"),
            *("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "QuantizeLinear", "QuickGelu"),
            *("RotaryEmbedding", "SimplifiedLayerNormalization", "SkipLayerNormalization", "Trilu"),
            *("SkipGroupNorm", "SkipSimplifiedLayerNormalization"),
        ),
        ("Identity", slice(0, 1)),
    ),
    "DynamicQuantizeMatMul": ("MatMul", slice(0, 2)),
    "FusedConv": ("Conv", slice(0, 2)),
    "FusedGemm": ("Gemm", slice(0, 2)),
    "MatMulInteger16": ("MatMul", slice(0, 2)),
    "MatMulIntegerToFloat": ("MatMul", slice(0, 2)),
    "QGemm": ("Gemm", slice(0, 4, 3)),
    "QLinearAdd": ("Add", slice(0, 4, 3)),
    "QLinearAveragePool": ("AveragePool", slice(0, 1)),
    "QLinearConcat": ("Concat", slice(2, None, 3)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", slice(0, 1)),
    "QLinearMul": ("Mul", slice(0, 4, 3)),
    "QLinearWhere": ("Add", slice(1, 5, 3)),
}
_LIKE_VERSION = 17


def contrib_outputs(node: Any, shapes: Mapping[str, Shape], types: Mapping[str, Any]) -> dict[str, Any]:
    """Infer the first result of one of onnxruntime's operators.

    Parameters
    ----------
    node : onnx.NodeProto
        The operation.
    shapes, types : mapping
        Of the tensors that it reads.

    Returns
    -------
    dict of str to onnx.TypeProto
        Empty if the operator has no rule here.
    """
    from onnx import TensorProto
    from onnx.helper import make_tensor_type_proto

    if attribute(node, "channels_last", 0):
        return {}
    if node.op_type in _LIKE:
        return _as_standard(node, *_LIKE[node.op_type], shapes)
    rule = _RULES.get(node.op_type)
    shape = None if rule is None else rule(node, shapes)
    if shape is None:
        return {}
    kind = types[node.input[0]].tensor_type.elem_type or TensorProto.FLOAT
    return {node.output[0]: make_tensor_type_proto(kind, list(shape))}


def _as_standard(node: Any, kind: str, places: slice, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """By the rule of an operator of ONNX, on floats: element types do not matter for shapes."""
    import onnx
    from onnx.helper import make_tensor_type_proto

    schema = onnx.defs.get_schema(kind, _LIKE_VERSION, "")
    names = [name for name in list(node.input)[places] if name]
    twin = onnx.NodeProto(op_type=kind, input=names, output=node.output[:1])
    twin.attribute.extend(item for item in node.attribute if item.name in schema.attributes)
    types = {name: make_tensor_type_proto(onnx.TensorProto.FLOAT, list(shapes[name])) for name in names}
    opsets = [onnx.helper.make_opsetid("", _LIKE_VERSION)]
    return dict(onnx.shape_inference.infer_node_outputs(schema, twin, types, opset_imports=opsets))


def _packed_weights(node: Any, shapes: Mapping[str, Shape]) -> Shape:
    return (*shapes[node.input[0]][:-1], int(attribute(node, "N", 0)))


def _fused_product(node: Any, shapes: Mapping[str, Shape]) -> Shape | None:
    import numpy as np

    if attribute(node, "transBatchA", 0) or attribute(node, "transBatchB", 0):
        return None
    a, b = (list(shapes[name]) for name in node.input[:2])
    if min(len(a), len(b)) < 2:
        return None
    rows = a[-1] if attribute(node, "transA", 0) else a[-2]
    columns = b[-2] if attribute(node, "transB", 0) else b[-1]
    return (*np.broadcast_shapes(tuple(a[:-2]), tuple(b[:-2])), rows, columns)


def _attention(node: Any, shapes: Mapping[str, Shape]) -> Shape:
    width = shapes[node.input[1]][1]
    sizes = attribute(node, "qkv_hidden_sizes", [width // 3] * 3)
    return (*shapes[node.input[0]][:2], int(sizes[2]))


def _multi_head_attention(node: Any, shapes: Mapping[str, Shape]) -> Shape | None:
    if len(node.input) < 3 or not node.input[2] or len(shapes[node.input[2]]) != 3:
        return None
    return (*shapes[node.input[0]][:2], shapes[node.input[2]][2])


def _lstm(node: Any, shapes: Mapping[str, Shape]) -> Shape:
    """Weights of the state: (directions, hidden, gates x hidden)."""
    steps, batch = shapes[node.input[0]][:2]
    directions, hidden = shapes[node.input[2]][:2]
    return (steps, directions, batch, hidden)


def _embedding(node: Any, shapes: Mapping[str, Shape]) -> Shape:
    return (*shapes[node.input[0]], shapes[node.input[2]][-1])


_RULES: dict[str, Callable[[Any, Mapping[str, Shape]], Shape | None]] = {
    "Attention": _attention,
    "DynamicQuantizeLSTM": _lstm,
    "EmbedLayerNormalization": _embedding,
    "FusedMatMul": _fused_product,
    "MatMulBnb4": _packed_weights,
    "MatMulNBits": _packed_weights,
    "MultiHeadAttention": _multi_head_attention,
    "QAttention": _attention,
    "TransposeMatMul": _fused_product,
}
