"""Multiply-accumulates of TensorFlow Lite operators, from the shapes of their tensors.

Every operator is counted, known to have no products that published totals count, or uncounted: one that
is in none of the lists here (custom ones too) may hide work, so it counts as uncounted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from lyaopt.model.profiles.tflite_options import option

CONTROL_FLOW = frozenset({"CALL", "CALL_ONCE", "IF", "STABLEHLO_WHILE", "WHILE"})
"""Operators whose work depends on the data."""

_UNCOUNTED_NAMES = """
CUSTOM DELEGATE LSH_PROJECTION PLACEHOLDER_FOR_GREATER_OP_CODES RFFT2D STABLEHLO_COMPOSITE
STABLEHLO_CONVOLUTION STABLEHLO_CUSTOM_CALL STABLEHLO_DOT_GENERAL
"""
UNCOUNTED = frozenset(_UNCOUNTED_NAMES.split())
"""Operators with work that is not counted."""

_NO_PRODUCTS_NAMES = """
ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE ATAN2 AVERAGE_POOL_2D BATCH_TO_SPACE_ND BITCAST BITWISE_XOR
BROADCAST_ARGS BROADCAST_TO BUCKETIZE CAST CEIL COMPLEX_ABS CONCATENATION CONCAT_EMBEDDINGS COS CUMSUM
DENSIFY DEPTH_TO_SPACE DEQUANTIZE DILATE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP
EMBEDDING_LOOKUP_SPARSE EQUAL EXP EXPAND_DIMS FAKE_QUANT FILL FLOOR FLOOR_DIV FLOOR_MOD GATHER GATHER_ND
GELU GREATER GREATER_EQUAL HARD_SWISH HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_LOOKUP
HASHTABLE_SIZE IMAG L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOCAL_RESPONSE_NORMALIZATION
LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MATRIX_DIAG MATRIX_SET_DIAG MAXIMUM
MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL MULTINOMIAL NEG NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5
NOT_EQUAL ONE_HOT PACK PAD PADV2 POW PRELU QUANTIZE RANDOM_STANDARD_NORMAL RANDOM_UNIFORM RANGE RANK
READ_VARIABLE REAL REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_WINDOW RELU RELU6
RELU_0_TO_1 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_SEQUENCE REVERSE_V2
RIGHT_SHIFT ROUND RSQRT SCATTER_ND SEGMENT_SUM SELECT SELECT_V2 SHAPE SIGN SIN SKIP_GRAM SLICE SOFTMAX
SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPARSE_TO_DENSE SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE
STABLEHLO_ABS STABLEHLO_ADD STABLEHLO_AND STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CBRT STABLEHLO_CLAMP
STABLEHLO_COMPARE STABLEHLO_CONCATENATE STABLEHLO_CONVERT STABLEHLO_COSINE STABLEHLO_DIVIDE
STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR
STABLEHLO_GATHER STABLEHLO_IOTA STABLEHLO_LOG STABLEHLO_LOGISTIC STABLEHLO_MAXIMUM STABLEHLO_MINIMUM
STABLEHLO_MULTIPLY STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_PAD STABLEHLO_POWER STABLEHLO_REDUCE
STABLEHLO_REDUCE_WINDOW STABLEHLO_REMAINDER STABLEHLO_RESHAPE STABLEHLO_RNG_BIT_GENERATOR
STABLEHLO_RSQRT STABLEHLO_SCATTER STABLEHLO_SELECT STABLEHLO_SHIFT_LEFT STABLEHLO_SLICE STABLEHLO_SORT
STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_TRANSPOSE STRIDED_SLICE SUB SUM TANH TILE TOPK_V2 TRANSPOSE
UNIQUE UNPACK UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM
VAR_HANDLE WHERE ZEROS_LIKE
"""
NO_PRODUCTS = frozenset(_NO_PRODUCTS_NAMES.split())
"""Operators without products that are counted: activations, sums, pooling, moves of data."""


@dataclass(frozen=True)
class Layer:
    """One operator with its tensors.

    Attributes
    ----------
    kind : str
        Name of the operator.
    operator : tflite.Operator
        For its options.
    reads, writes : sequence of int
        Numbers of its tensors; -1 for one that is left out.
    shapes : sequence of tuple of int
        Shapes of all tensors of the network.
    """

    kind: str
    operator: Any
    reads: Sequence[int]
    writes: Sequence[int]
    shapes: Sequence[tuple[int, ...]]

    @property
    def read(self) -> list[tuple[int, ...]]:
        """Shapes of the tensors that it reads; () for one that is left out."""
        return [self.shapes[i] if i >= 0 else () for i in self.reads]

    @property
    def written(self) -> list[tuple[int, ...]]:
        """Shapes of the tensors that it writes."""
        return [self.shapes[i] for i in self.writes]


def count_macs(layer: Layer) -> int | None:
    """Count the multiply-accumulates of `layer`; None if its work is not counted."""
    counter = COUNTERS.get(layer.kind)
    if counter is not None:
        return counter(layer)
    return 0 if layer.kind in NO_PRODUCTS else None


def _written_times(sizes: slice) -> Callable[[Layer], int]:
    """Each element written is multiplied with a kernel of these sizes of the weights."""
    return lambda layer: prod(layer.written[0]) * prod(layer.read[1][sizes])


def _read_times(sizes: slice) -> Callable[[Layer], int]:
    """Each element read (the third tensor) is multiplied with a kernel."""
    return lambda layer: prod(layer.read[2]) * prod(layer.read[1][sizes])


def _product(layer: Layer) -> int:
    return (
        prod(layer.written[0])
        * layer.read[0][-2 if option(layer.operator, "BatchMatMulOptions", "AdjX", False) else -1]
    )


def _recurrent(*weights: int) -> Callable[[Layer], int]:
    """In each step each sample is multiplied with every matrix; vectors are products by element."""

    def count(layer: Layer) -> int:
        matrices = [layer.read[i] for i in weights if i < len(layer.read)]
        steps_times_batch = prod(layer.read[0][:-1])
        return steps_times_batch * sum(prod(matrix) for matrix in matrices if len(matrix) == 2)

    return count


# Gates of the input and of the state, then the projection.
_FULL_LSTM = _recurrent(*range(1, 9), 16)
_BASIC_LSTM = _recurrent(2)
_BASIC_LSTM_INPUTS = 5


def _lstm(layer: Layer) -> int:
    return (_BASIC_LSTM if len(layer.read) == _BASIC_LSTM_INPUTS else _FULL_LSTM)(layer)


COUNTERS: dict[str, Callable[[Layer], int]] = {
    "BATCH_MATMUL": _product,
    # Forward, backward, and the gates of an auxiliary input.
    "BIDIRECTIONAL_SEQUENCE_LSTM": _recurrent(*range(1, 9), 16, *range(18, 26), 33, *range(40, 48)),
    "BIDIRECTIONAL_SEQUENCE_RNN": _recurrent(1, 2, 5, 6, 10, 11),
    "CONV_2D": _written_times(slice(1, None)),
    "CONV_3D": _written_times(slice(4)),
    "CONV_3D_TRANSPOSE": _read_times(slice(4)),
    "DEPTHWISE_CONV_2D": _written_times(slice(1, 3)),
    "FULLY_CONNECTED": _written_times(slice(-1, None)),
    "LSTM": _lstm,
    "RNN": _recurrent(1, 2),
    "SVDF": _recurrent(1, 2),
    "TRANSPOSE_CONV": _read_times(slice(3)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _FULL_LSTM,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent(1, 2),
}
"""Counters by operator."""
