"""Profile an ONNX file by shape inference (package `onnx`, extra `profile`)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.io.input_files import MAX_MODEL_BYTES, read_capped
from lyaopt.model.profiles.graph import (
    Graph,
    Operation,
    ProfileWarning,
    Selection,
    make_profile,
)
from lyaopt.model.profiles.model import Profile, Source

_REARRANGEMENTS = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
_CONTROL_FLOW = {"If", "Loop", "Scan"}
# Index of the weights among the inputs of a convolution.
_WEIGHTS = {"Conv": 1, "ConvInteger": 1, "ConvTranspose": 1, "QLinearConv": 3}
_PRODUCTS = {"MatMul", "MatMulInteger", "QLinearMatMul"}
_RECURRENT = {"GRU", "LSTM", "RNN"}
# They multiply matrices or have weights, but are not counted here.
_UNCOUNTED = {"Attention", "DeformConv", "Einsum"}

Shapes = Mapping[str, tuple[int, ...]]


def profile_onnx(
    path: str | Path,
    *,
    input_shape: Sequence[int] | None = None,
    name: str | None = None,
    source: Source | str | None = None,
    bits_per_element: int = 8,
    selection: Selection = "single",
) -> Profile:
    """Profile an ONNX file.

    Convolutions, matrix products and recurrent layers are counted.

    Parameters
    ----------
    path : str or Path
        The file.
    input_shape : sequence of int, optional
        Shape of the first input, for files without one.
    name : str, optional
        Name of the profile; by default the file's name.
    source : Source or str, optional
        Origin of the network; by default the file's name.
    bits_per_element : int
        Bits of one element of a tensor that is sent.
    selection : {"valleys", "single", "all"}
        Which legal cuts to list, see `lyaopt.model.profiles.graph.legal_cuts`.

    Returns
    -------
    Profile

    Raises
    ------
    ProfileError
        If the file is not an ONNX model, or has control flow or shapes that are unknown until it runs.

    Warns
    -----
    ProfileWarning
        For an operation whose MACs are not counted.
    """
    path = Path(path)
    graph = load_graph(path, input_shape)
    return make_profile(name or path.stem, source or path.name, graph, bits_per_element, selection)


def load_graph(path: Path, input_shape: Sequence[int] | None = None) -> Graph:
    """Load the operations of an ONNX file, with their MACs.

    Parameters
    ----------
    path : Path
        The file.
    input_shape : sequence of int, optional
        Shape of the first input, for files without one.

    Raises
    ------
    ProfileError
        If the file is not an ONNX file, or shapes are unknown until the network runs.
    MissingExtraError
        Without onnx (extra `profile`).
    """
    network = _inferred(path, input_shape).graph
    shapes = _known_shapes(network)
    constants = {tensor.name for tensor in network.initializer}
    inputs = [value.name for value in network.input if value.name not in constants]
    operations = []
    for i, node in enumerate(network.node):
        outputs = tuple(output for output in node.output if output)
        if node.op_type in _CONTROL_FLOW:
            raise ProfileError(f"{node.op_type}: control flow has no fixed work")
        label = node.name or f"{node.op_type}_{i}"
        operations.append(
            Operation(
                label,
                tuple(name for name in node.input if name),
                # The further outputs of Dropout are for training.
                outputs[:1] if node.op_type in _REARRANGEMENTS else outputs,
                _macs(node, label, shapes),
                node.op_type in _REARRANGEMENTS,
            )
        )
    tensors = {*inputs, *(name for operation in operations for name in operation.outputs)}
    elements = {tensor: prod(shapes[tensor]) for tensor in tensors if tensor in shapes}
    return Graph(tuple(inputs), tuple(operations), _Elements(elements))


class _Elements(dict[str, int]):
    """Elements by tensor; only tensors that cross a cut need known shapes."""

    def __missing__(self, tensor: str) -> int:
        raise _unknown_shape(tensor)


class _Shapes(dict[str, tuple[int, ...]]):
    def __missing__(self, tensor: str) -> tuple[int, ...]:
        raise _unknown_shape(tensor)


def _unknown_shape(tensor: str) -> ProfileError:
    return ProfileError(
        f"the shape of {tensor} is unknown until the network runs; does it need an input shape?"
    )


def _inferred(path: Path, input_shape: Sequence[int] | None) -> Any:
    """Load a file, with functions inlined and shapes inferred."""
    with needs_extra("profile"):
        import onnx
        import onnx.inliner
        import onnx.shape_inference
        from google.protobuf.message import DecodeError
    try:
        # Weights in other files are not needed for MACs.
        model = onnx.load_model_from_string(read_capped(path, MAX_MODEL_BYTES))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    except DecodeError:
        raise ProfileError(f"{path.name} is not an ONNX file") from None
    if not model.graph.node:
        raise ProfileError(f"{path.name} is not an ONNX file, or holds an empty network")
    if input_shape is not None:
        _set_input_shape(model.graph, input_shape)
    try:
        inlined = onnx.inliner.inline_local_functions(model)
        return onnx.shape_inference.infer_shapes(inlined, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as failure:
        raise ProfileError(f"{path.name}: {' '.join(str(failure).split())}") from None


def _set_input_shape(network: Any, input_shape: Sequence[int]) -> None:
    constants = {tensor.name for tensor in network.initializer}
    inputs = [value for value in network.input if value.name not in constants]
    if not inputs:
        raise ProfileError("the network has no input to give a shape")
    shape = inputs[0].type.tensor_type.shape
    if len(shape.dim) != len(input_shape):
        raise ProfileError(f"expected an input shape of {len(shape.dim)} sizes, got {list(input_shape)}")
    for dimension, size in zip(shape.dim, input_shape, strict=True):
        dimension.dim_value = size


def _known_shapes(network: Any) -> _Shapes:
    shapes = _Shapes((tensor.name, tuple(tensor.dims)) for tensor in network.initializer)
    for value in (*network.input, *network.value_info, *network.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(dimension.HasField("dim_value") for dimension in kind.shape.dim):
            shapes[value.name] = tuple(dimension.dim_value for dimension in kind.shape.dim)
    return shapes


def _macs(node: Any, label: str, shapes: Shapes) -> int:
    kind = node.op_type
    if kind in _WEIGHTS:
        weights = shapes[node.input[_WEIGHTS[kind]]]
        # Shape inference does not check the number of channels.
        expected = weights[0] if kind == "ConvTranspose" else weights[1] * _attribute(node, "group", 1)
        if shapes[node.input[0]][1] != expected:
            raise ProfileError(f"{label}: expected {expected} channels, got {shapes[node.input[0]][1]}")
        # Each element written (or, transposed, read) is multiplied with one kernel over the channels of its
        # group.
        multiplied = node.input[0] if kind == "ConvTranspose" else node.output[0]
        return prod(shapes[multiplied]) * prod(weights[1:])
    if kind == "Gemm":
        summed = shapes[node.input[0]][0 if _attribute(node, "transA", 0) else -1]
        return prod(shapes[node.output[0]]) * summed
    if kind in _PRODUCTS:
        return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    if kind in _RECURRENT:
        return _recurrent_macs(node, shapes)
    if kind in _UNCOUNTED or node.domain not in ("", "ai.onnx"):
        warnings.warn(f"{label}: the work of {kind} is not counted", ProfileWarning, stacklevel=2)
    return 0


def _recurrent_macs(node: Any, shapes: Shapes) -> int:
    steps_times_batch = prod(shapes[node.input[0]][:2])
    # Shapes (directions, gates x hidden, input) and (directions, gates x hidden, hidden).
    return steps_times_batch * (prod(shapes[node.input[1]]) + prod(shapes[node.input[2]]))


def _attribute(node: Any, name: str, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)
