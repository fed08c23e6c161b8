"""Multiply-accumulates of ONNX operators, from the shapes of their tensors.

Every operator is counted, known to have no products that published totals count, or uncounted: one that
is in none of the lists here may hide work, so it counts as uncounted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.einsum import einsum_macs
from lyaopt.model.profiles.onnx_attributes import attribute

Shapes = Mapping[str, tuple[int, ...]]

MICROSOFT = "com.microsoft"
STANDARD = ("", "ai.onnx")

_NO_PRODUCTS_NAMES = """
Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization
Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil
Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape Cos Cosh
CumProd CumSum DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Expand
EyeLike Flatten Floor Gather GatherElements GatherND Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool
Greater GreaterOrEqual GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish
Hardmax Identity ImageDecoder InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Less
LessOrEqual Log LogSoftmax LpNormalization LpPool Max MaxPool MaxRoiPool MaxUnpool Mean
MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss
NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or PRelu Pad Pow
QuantizeLinear RMSNormalization RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range
Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding
Round Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase
SequenceInsert SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat
StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu
Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor
"""
NO_PRODUCTS = frozenset(_NO_PRODUCTS_NAMES.split())
"""Operators of ONNX without products that are counted: activations, sums, pooling, moves of data."""

UNCOUNTED = frozenset({"CausalConvWithState", "DFT", "DeformConv", "Det", "LinearAttention", "STFT"})
"""Operators of ONNX with work that is not counted."""

CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators of ONNX whose work depends on the data."""

_MICROSOFT_NO_PRODUCTS_NAMES = """
BiasAdd BiasGelu BiasSoftmax BiasSplitGelu DequantizeLinear
EmbedLayerNormalization FastGelu Gelu GroupNorm IsAllFinite NhwcMaxPool Pad QLinearAdd
QLinearAveragePool QLinearConcat QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearReduceMean
QLinearSigmoid QLinearSoftmax QLinearWhere QuantizeLinear QuickGelu RotaryEmbedding
SimplifiedLayerNormalization SkipGroupNorm SkipLayerNormalization SkipSimplifiedLayerNormalization
Trilu UnfoldTensor
"""
MICROSOFT_NO_PRODUCTS = frozenset(_MICROSOFT_NO_PRODUCTS_NAMES.split())
"""Operators of onnxruntime without products that are counted."""


def count_macs(node: Any, label: str, shapes: Shapes) -> int | None:
    """Count the multiply-accumulates of one operation.

    Parameters
    ----------
    node : onnx.NodeProto
        The operation.
    label : str
        Its name in errors.
    shapes : mapping of str to tuple of int
        Shapes of the tensors that it reads and writes.

    Returns
    -------
    int or None
        None if its work is not counted.

    Raises
    ------
    ProfileError
        If the shapes contradict each other.
    """
    counter = counter_of(node)
    if counter is not None:
        try:
            return counter(node, shapes)
        except _Mismatch as mismatch:
            raise ProfileError(f"{label}: {mismatch}") from None
    if node.domain in STANDARD and node.op_type in NO_PRODUCTS:
        return 0
    if node.domain == MICROSOFT and node.op_type in MICROSOFT_NO_PRODUCTS:
        return 0
    return None


def counter_of(node: Any) -> Callable[[Any, Shapes], int | None] | None:
    """Find the function that counts `node`, if there is one."""
    if node.domain in STANDARD:
        return COUNTERS.get(node.op_type)
    if node.domain == MICROSOFT:
        return MICROSOFT_COUNTERS.get(node.op_type)
    return None


class _Mismatch(Exception):
    """Shapes that contradict each other."""


def _convolution(weights_at: int) -> Callable[[Any, Shapes], int]:
    """Each element written is multiplied with one kernel over the channels of its group."""

    def count(node: Any, shapes: Shapes) -> int:
        weights = shapes[node.input[weights_at]]
        # Shape inference does not check the number of channels.
        _check_channels(shapes[node.input[0]][1], weights[1] * attribute(node, "group", 1))
        return prod(shapes[node.output[0]]) * prod(weights[1:])

    return count


def _transposed_convolution(node: Any, shapes: Shapes) -> int:
    """Each element read is multiplied with one kernel."""
    read, weights = shapes[node.input[0]], shapes[node.input[1]]
    _check_channels(read[1], weights[0])
    return prod(read) * prod(weights[1:])


def _check_channels(got: int, expected: int) -> None:
    if got != expected:
        raise _Mismatch(f"expected {expected} channels, got {got}")


def _gemm(node: Any, shapes: Shapes) -> int:
    summed = shapes[node.input[0]][0 if attribute(node, "transA", 0) else -1]
    return prod(shapes[node.output[0]]) * summed


def _product(node: Any, shapes: Shapes) -> int:
    return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _fused_product(node: Any, shapes: Shapes) -> int | None:
    if attribute(node, "transBatchA", 0) or attribute(node, "transBatchB", 0):
        return None
    summed = shapes[node.input[0]][-2 if attribute(node, "transA", 0) else -1]
    return prod(shapes[node.output[0]]) * summed


def _packed_weights(node: Any, shapes: Shapes) -> int:
    """Weights of few bits, packed: only the attributes tell their shape, K x N."""
    return prod(shapes[node.output[0]]) * int(attribute(node, "K", 0))


def _recurrent(node: Any, shapes: Shapes) -> int:
    """Weights (directions, gates x hidden, input) and (directions, gates x hidden, hidden)."""
    steps_times_batch = prod(shapes[node.input[0]][:2])
    return steps_times_batch * (prod(shapes[node.input[1]]) + prod(shapes[node.input[2]]))


def _einsum(node: Any, shapes: Shapes) -> int:
    equation = attribute(node, "equation", b"").decode()
    return einsum_macs(equation, [shapes[name] for name in node.input])


def _attention(node: Any, shapes: Shapes) -> int:
    """Products of queries with all keys and of their weights with all values, whatever the mask."""
    query, key, value = (shapes[name] for name in node.input[:3])
    heads = query[1] if len(query) == 4 else attribute(node, "q_num_heads", 1)
    of_keys = key[1] if len(key) == 4 else attribute(node, "kv_num_heads", 1)
    width = query[-1] if len(query) == 4 else query[-1] // heads
    made = value[-1] if len(value) == 4 else value[-1] // of_keys
    keys = key[-2] + _past_length(node, shapes, 4)
    return query[0] * heads * query[-2] * keys * (width + made)


def _past_length(node: Any, shapes: Shapes, place: int) -> int:
    """Length of the keys of earlier calls, shape (batch, heads, length, width), if there are any."""
    given = len(node.input) > place and node.input[place]
    return shapes[node.input[place]][-2] if given else 0


def _attention_with_weights(past_at: int) -> Callable[[Any, Shapes], int | None]:
    """Queries, keys and values from one product with (input, all widths), then attention."""

    def count(node: Any, shapes: Shapes) -> int | None:
        read, weights = shapes[node.input[0]], shapes[node.input[1]]
        if len(node.input) > past_at and node.input[past_at]:
            return None
        batch, length = read[:2]
        sizes = attribute(node, "qkv_hidden_sizes", [weights[1] // 3] * 3)
        return batch * length * (prod(weights) + length * (sizes[0] + sizes[2]))

    return count


def _multi_head_attention(node: Any, shapes: Shapes) -> int | None:
    """Queries (batch, length, width) and as many keys and values; packed forms are not counted."""
    given = [name for name in node.input[:3] if name]
    if len(given) < 3 or any(node.input[6:]) or any(len(shapes[name]) != 3 for name in given):
        return None
    query, key, value = (shapes[name] for name in given)
    return query[0] * query[1] * key[1] * (query[2] + value[2])


COUNTERS: dict[str, Callable[[Any, Shapes], int | None]] = {
    "Attention": _attention,
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "ConvTranspose": _transposed_convolution,
    "Einsum": _einsum,
    "GRU": _recurrent,
    "Gemm": _gemm,
    "LSTM": _recurrent,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearConv": _convolution(3),
    "QLinearMatMul": _product,
    "RNN": _recurrent,
}
"""Counters of the operators of ONNX."""

MICROSOFT_COUNTERS: dict[str, Callable[[Any, Shapes], int | None]] = {
    "Attention": _attention_with_weights(4),
    "DynamicQuantizeLSTM": _recurrent,
    "DynamicQuantizeMatMul": _product,
    "FusedConv": _convolution(1),
    "FusedGemm": _gemm,
    "FusedMatMul": _fused_product,
    "MatMulBnb4": _packed_weights,
    "MatMulInteger16": _product,
    "MatMulIntegerToFloat": _product,
    "MatMulNBits": _packed_weights,
    "MultiHeadAttention": _multi_head_attention,
    "QAttention": _attention_with_weights(8),
    "QGemm": _gemm,
    "TransposeMatMul": _fused_product,
}
"""Counters of the operators of onnxruntime."""
