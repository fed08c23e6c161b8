"""Profile an ONNX file by shape inference (package `onnx`, extra `profile`)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.model.profiles.graph import (
    Graph,
    Operation,
    Selection,
    make_profile,
)
from lyaopt.model.profiles.model import Profile, Source
from lyaopt.model.profiles.onnx_macs import CONTROL_FLOW, STANDARD, count_macs

_REARRANGEMENTS = {"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
# Inputs, by place, of which only the shape or the type is used.
_SHAPE_ONLY = {
    "CastLike": (1,),
    "EyeLike": (0,),
    "RandomNormalLike": (0,),
    "RandomUniformLike": (0,),
    "SequenceLength": (0,),
    "Shape": (0,),
    "Size": (0,),
}


def profile_onnx(
    path: str | Path,
    *,
    input_shape: Sequence[int] | None = None,
    name: str | None = None,
    source: Source | str | None = None,
    bits_per_element: int = 8,
    selection: Selection = "single",
    allow_uncounted: bool = False,
) -> Profile:
    """Profile an ONNX file.

    Convolutions, matrix products, attention and recurrent layers are counted.

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
    allow_uncounted : bool
        Whether to profile a network some of whose work is not counted; its total is then too low.

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
    return make_profile(
        name or path.stem, source or path.name, graph, bits_per_element, selection, allow_uncounted
    )


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
        if node.op_type in CONTROL_FLOW:
            raise ProfileError(f"{node.op_type}: control flow has no fixed work")
        label = node.name or f"{node.op_type}_{i}"
        macs = count_macs(node, label, shapes)
        shape_only = _SHAPE_ONLY.get(node.op_type, ()) if node.domain in STANDARD else ()
        operations.append(
            Operation(
                label,
                tuple(name for place, name in enumerate(node.input) if name and place not in shape_only),
                # The further outputs of Dropout are for training.
                outputs[:1] if node.op_type in _REARRANGEMENTS else outputs,
                macs or 0,
                node.op_type in _REARRANGEMENTS,
                "" if macs is not None else node.op_type,
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
        model = onnx.load(path, load_external_data=False)
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
