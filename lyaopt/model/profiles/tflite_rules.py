"""Shapes of the results of TensorFlow Lite operators, for files whose sizes are open.

A rule sees each tensor as an array: its numbers where they are known, else zeros that take no memory. An
operator that moves data is so run by NumPy, which gives shapes, and numbers where all are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.model.profiles.tflite_macs import Layer
from lyaopt.model.profiles.tflite_options import option

Array = NDArray[Any]
_SAME_PADDING = 0


class UnknownShapeError(Exception):
    """A shape that depends on numbers that are unknown, or an operator without a rule."""


@dataclass(frozen=True)
class Call:
    """One operator with the arrays that it reads.

    Attributes
    ----------
    layer : Layer
        The operator.
    arrays : sequence of ndarray or None
        Tensors that it reads; None for one that is left out or has no known shape.
    known : sequence of bool
        Whether the numbers of each are known.
    """

    layer: Layer
    arrays: Sequence[Array | None]
    known: Sequence[bool]

    def array(self, place: int) -> Array:
        """The tensor at `place`; its numbers may be unknown."""
        array = self.arrays[place] if place < len(self.arrays) else None
        if array is None:
            raise UnknownShapeError
        return array

    def shape(self, place: int) -> tuple[int, ...]:
        """Shape of the tensor at `place`."""
        return tuple(self.array(place).shape)

    def numbers(self, place: int) -> list[int]:
        """Numbers of the tensor at `place`, flat."""
        if place >= len(self.known) or not self.known[place]:
            raise UnknownShapeError
        return [int(number) for number in np.ravel(self.array(place))]

    def option(self, table: str, name: str, default: Any) -> Any:
        """The option `name` in `table`, or `default`, see `option`."""
        return option(self.layer.operator, table, name, default)


Result = Array | tuple[int, ...] | list[Array]
Rule = Callable[[Call], Result]


def result_of(call: Call) -> tuple[list[Array], bool]:
    """Run the rule of an operator.

    Parameters
    ----------
    call : Call
        The operator and what it reads.

    Returns
    -------
    list of ndarray
        Its results, one or more.
    bool
        Whether their numbers are known too.

    Raises
    ------
    UnknownShapeError, ValueError, IndexError
        If it has no rule, or shapes are unknown or contradict each other.
    """
    rule = RULES.get(call.layer.kind)
    if rule is None:
        raise UnknownShapeError
    made = rule(call)
    if isinstance(made, tuple):
        return [blank(made)], False
    known = all(call.known) or call.layer.kind in ("RANK", "SHAPE")
    return made if isinstance(made, list) else [made], known


def blank(shape: Sequence[int]) -> Array:
    """Zeros of any shape in the memory of one."""
    return np.broadcast_to(np.zeros((), np.int8), tuple(shape))


def _window(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    if padding == _SAME_PADDING:
        return ceil(size / stride)
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def _convolution(table: str, channels_at: int) -> Rule:
    def rule(call: Call) -> Result:
        (n, height, width, _), weights = call.shape(0), call.shape(1)
        padding = call.option(table, "Padding", _SAME_PADDING)
        sides = [
            _window(size, kernel, stride, dilation, padding)
            for size, kernel, stride, dilation in zip(
                (height, width),
                weights[1:3],
                (call.option(table, "StrideH", 1), call.option(table, "StrideW", 1)),
                (call.option(table, "DilationHFactor", 1), call.option(table, "DilationWFactor", 1)),
                strict=True,
            )
        ]
        return (n, *sides, weights[channels_at])

    return rule


def _pool(call: Call) -> Result:
    n, height, width, channels = call.shape(0)
    read = [
        call.option("Pool2DOptions", name, 1)
        for name in ("FilterHeight", "FilterWidth", "StrideH", "StrideW", "Padding")
    ]
    return (
        n,
        _window(height, read[0], read[2], 1, read[4]),
        _window(width, read[1], read[3], 1, read[4]),
        channels,
    )


def _fully_connected(call: Call) -> Result:
    shape, weights = call.shape(0), call.shape(1)
    if call.option("FullyConnectedOptions", "KeepNumDims", False):
        return (*shape[:-1], weights[0])
    return (prod(shape) // weights[-1], weights[0])


def _batch_product(call: Call) -> Result:
    a, b = call.shape(0), call.shape(1)
    table = "BatchMatMulOptions"
    rows = a[-1] if call.option(table, "AdjX", False) else a[-2]
    columns = b[-2] if call.option(table, "AdjY", False) else b[-1]
    return (*np.broadcast_shapes(a[:-2], b[:-2]), rows, columns)


def _transposed_convolution(call: Call) -> Result:
    return tuple(call.numbers(0))


def _same(call: Call) -> Result:
    return call.array(0)


def _same_shape(call: Call) -> Result:
    return call.shape(0)


def _by_element(run: Callable[..., Array] | None = None) -> Rule:
    """Broadcast; with numbers where all are known, which only sizes need."""

    def rule(call: Call) -> Result:
        if run is not None and all(call.known):
            return run(*[call.array(i) for i in range(len(call.arrays))])
        return tuple(np.broadcast_shapes(*[call.shape(i) for i in range(len(call.arrays))]))

    return rule


def _reshape(call: Call) -> Result:
    if len(call.arrays) > 1 and call.known[1]:
        target = call.numbers(1)
    else:
        target = [int(size) for size in np.atleast_1d(call.option("ReshapeOptions", "NewShapeAsNumpy", 0))]
        if len(call.arrays) > 1 or not target:
            raise UnknownShapeError
    return call.array(0).reshape(target)


def _reduce(call: Call) -> Result:
    axes = tuple(axis % len(call.shape(0)) for axis in call.numbers(1))
    keep = bool(call.option("ReducerOptions", "KeepDims", False))
    if call.layer.kind == "REDUCE_PROD" and call.known[0]:
        return np.prod(call.array(0), axis=axes, keepdims=keep)
    kept = [1 if i in axes else size for i, size in enumerate(call.shape(0))]
    return tuple(size for i, size in enumerate(kept) if keep or i not in axes)


def _strided_slice(call: Call) -> Result:
    begin, end, stride = (call.numbers(i) for i in (1, 2, 3))
    table = "StridedSliceOptions"
    masks = [call.option(table, f"{name}Mask", 0) for name in ("Begin", "End", "ShrinkAxis")]
    if call.option(table, "EllipsisMask", 0) or call.option(table, "NewAxisMask", 0):
        raise UnknownShapeError
    index: list[Any] = []
    for i in range(len(begin)):
        from_start, to_end, one = (bool(mask >> i & 1) for mask in masks)
        whole = slice(None if from_start else begin[i], None if to_end else end[i], stride[i])
        index.append(begin[i] if one else whole)
    return call.array(0)[tuple(index)]


def _slice(call: Call) -> Result:
    places = zip(call.numbers(1), call.numbers(2), strict=True)
    return call.array(0)[tuple(slice(b, None if size < 0 else b + size) for b, size in places)]


def _split(call: Call) -> Result:
    count = len(call.layer.writes)
    return list(np.split(call.array(1), count, axis=call.numbers(0)[0]))


def _squeeze(call: Call) -> Result:
    axes = np.atleast_1d(call.option("SqueezeOptions", "SqueezeDimsAsNumpy", []))
    given = tuple(int(axis) for axis in axes) if axes.size and axes.dtype.kind == "i" else None
    return np.squeeze(call.array(0), axis=given or None)


def _pad(call: Call) -> Result:
    pairs = np.reshape(call.numbers(1), (-1, 2))
    return tuple(int(size + sum(pair)) for size, pair in zip(call.shape(0), pairs, strict=True))


def _resize(call: Call) -> Result:
    return (call.shape(0)[0], *call.numbers(1), call.shape(0)[-1])


def _blocks(to_depth: bool) -> Rule:
    def rule(call: Call) -> Result:
        n, height, width, depth = call.shape(0)
        size = call.option("SpaceToDepthOptions" if to_depth else "DepthToSpaceOptions", "BlockSize", 1)
        if to_depth:
            return (n, height // size, width // size, depth * size**2)
        return (n, height * size, width * size, depth // size**2)

    return rule


def _to_batch(call: Call) -> Result:
    shape, blocks, pads = list(call.shape(0)), call.numbers(1), np.reshape(call.numbers(2), (-1, 2))
    for i, (block, pad) in enumerate(zip(blocks, pads, strict=True), start=1):
        shape[i] = int(shape[i] + sum(pad)) // block
    return (shape[0] * prod(blocks), *shape[1:])


def _from_batch(call: Call) -> Result:
    shape, blocks, crops = list(call.shape(0)), call.numbers(1), np.reshape(call.numbers(2), (-1, 2))
    for i, (block, crop) in enumerate(zip(blocks, crops, strict=True), start=1):
        shape[i] = int(shape[i] * block - sum(crop))
    return (shape[0] // prod(blocks), *shape[1:])


def _gather(call: Call) -> Result:
    axis = _axis(call, "GatherOptions")
    if call.option("GatherOptions", "BatchDims", 0):
        raise UnknownShapeError
    if all(call.known):
        return np.take(call.array(0), call.array(1), axis)
    shape = call.shape(0)
    axis %= len(shape)
    return (*shape[:axis], *call.shape(1), *shape[axis + 1 :])


def _sequence(call: Call) -> Result:
    """A recurrent layer over time: the width of its projection, or of its state."""
    has_projection = len(call.arrays) > 16 and call.arrays[16] is not None
    width = call.shape(16)[0] if has_projection else call.shape(6)[-1]
    return (*call.shape(0)[:-1], width)


def _axis(call: Call, table: str) -> int:
    return int(call.option(table, "Axis", 0))


def _arrays(call: Call) -> list[Array]:
    return [call.array(i) for i in range(len(call.arrays))]


_UNARY = (
    *("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU"),
    *("LOG", "LOGICAL_NOT", "LOGISTIC", "LOG_SOFTMAX", "NEG", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1"),
    *("RELU_N1_TO_1", "ROUND", "RSQRT", "SIGN", "SIN", "SOFTMAX", "SQRT", "SQUARE", "TANH", "ZEROS_LIKE"),
    *("DEQUANTIZE", "FAKE_QUANT", "LOCAL_RESPONSE_NORMALIZATION", "CUMSUM", "REVERSE_V2", "PRELU"),
)
_PAIRS = (
    *("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "NOT_EQUAL"),
    *("POW", "SELECT", "SELECT_V2", "SQUARED_DIFFERENCE", "ATAN2", "DIV", "ADD_N"),
)
_REDUCED = ("MEAN", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM")

RULES: dict[str, Rule] = {
    **dict.fromkeys(_UNARY, _same_shape),
    **dict.fromkeys(_PAIRS, _by_element()),
    **dict.fromkeys(_REDUCED, _reduce),
    **dict.fromkeys(("AVERAGE_POOL_2D", "L2_POOL_2D", "MAX_POOL_2D"), _pool),
    **dict.fromkeys(("MIRROR_PAD", "PAD", "PADV2"), _pad),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resize),
    "ADD": _by_element(np.add),
    "ARG_MAX": lambda call: tuple(np.delete(call.shape(0), call.numbers(1)[0]).tolist()),
    "ARG_MIN": lambda call: tuple(np.delete(call.shape(0), call.numbers(1)[0]).tolist()),
    "BATCH_MATMUL": _batch_product,
    "BATCH_TO_SPACE_ND": _from_batch,
    "BROADCAST_TO": lambda call: tuple(call.numbers(1)),
    "CAST": _same,
    "CONCATENATION": lambda call: np.concatenate(_arrays(call), _axis(call, "ConcatenationOptions")),
    "CONV_2D": _convolution("Conv2DOptions", 0),
    "DEPTHWISE_CONV_2D": _convolution("DepthwiseConv2DOptions", 3),
    "DEPTH_TO_SPACE": _blocks(to_depth=False),
    "EMBEDDING_LOOKUP": lambda call: (*call.shape(0), *call.shape(1)[1:]),
    "EXPAND_DIMS": lambda call: np.expand_dims(call.array(0), call.numbers(1)[0]),
    "FILL": lambda call: tuple(call.numbers(0)),
    "FLOOR_DIV": _by_element(np.floor_divide),
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _gather,
    "MAXIMUM": _by_element(np.maximum),
    "MINIMUM": _by_element(np.minimum),
    "MUL": _by_element(np.multiply),
    "PACK": lambda call: np.stack(_arrays(call), _axis(call, "PackOptions")),
    "RANGE": lambda call: np.arange(*(call.numbers(i)[0] for i in range(3))),
    "RANK": lambda call: np.array(len(call.shape(0)), np.int64),
    "RESHAPE": _reshape,
    "SHAPE": lambda call: np.array(call.shape(0), np.int64),
    "SLICE": _slice,
    "SPACE_TO_BATCH_ND": _to_batch,
    "SPACE_TO_DEPTH": _blocks(to_depth=True),
    "SPLIT": _split,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _by_element(np.subtract),
    "TILE": lambda call: tuple(np.multiply(call.shape(0), call.numbers(1)).tolist()),
    "TRANSPOSE": lambda call: np.transpose(call.array(0), call.numbers(1)),
    "TRANSPOSE_CONV": _transposed_convolution,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _sequence,
    "UNPACK": lambda call: [
        np.take(call.array(0), i, _axis(call, "UnpackOptions")) for i in range(len(call.layer.writes))
    ],
}
"""Rules by operator."""
