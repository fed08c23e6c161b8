"""Profile an ONNX file by shape inference (package `onnx`, extra `profile`)."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.io.input_files import MAX_MODEL_BYTES, read_capped
from lyaopt.model.profiles.graph import (
    Graph,
    Operation,
    Selection,
    make_profile,
)
from lyaopt.model.profiles.input_shapes import InputShapes, shapes_by_name
from lyaopt.model.profiles.model import Profile, Source
from lyaopt.model.profiles.onnx_macs import STANDARD, count_macs
from lyaopt.model.profiles.onnx_shapes import Shapes, infer_shapes
from lyaopt.model.profiles.onnx_widths import COPIES, keeps_values, onnx_widths

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
    input_shape: InputShapes | None = None,
    name: str | None = None,
    source: Source | str | None = None,
    bits_per_element: int = 8,
    selection: Selection = "single",
    allow_uncounted: bool = False,
    input_bits: Mapping[str, int] | None = None,
) -> Profile:
    """Profile an ONNX file.

    Convolutions, matrix products, attention and recurrent layers are counted.

    Parameters
    ----------
    path : str or Path
        The file.
    input_shape : sequence of int, sequence of sequence of int, or mapping, optional
        Shape of the first input, of the inputs in order, or of inputs by name, for files without. A size
        that the file names (``batch``) then holds for every input that has it.
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
    input_bits : mapping of str to int, optional
        Bits of one element of inputs, by name. Inputs of whole numbers (token ids) else count the bits of
        the table that they index, or of their type, and a warning says so.

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
        name or path.stem,
        source or path.name,
        graph,
        bits_per_element,
        selection,
        allow_uncounted,
        input_bits,
    )


def load_graph(path: Path, input_shape: InputShapes | None = None) -> Graph:
    """Load the operations of an ONNX file, with their MACs.

    Parameters
    ----------
    path : Path
        The file.
    input_shape : sequence of int, sequence of sequence of int, or mapping, optional
        Shape of the first input, of the inputs in order, or of inputs by name, for files without. A size
        that the file names (``batch``) then holds for every input that has it.

    Raises
    ------
    ProfileError
        If the file is not an ONNX file, or shapes are unknown until the network runs.
    MissingExtraError
        Without onnx (extra `profile`).
    """
    model = load_model(path, input_shape)
    return network_of(model, infer_shapes(model, path.parent))


def network_of(model: Any, shapes: Shapes) -> Graph:
    """List the operations of a loaded network, with their MACs.

    Parameters
    ----------
    model : onnx.ModelProto
        As `load_model` returns it.
    shapes : Shapes
        Of its tensors.
    """
    network = model.graph
    constants = {tensor.name for tensor in network.initializer}
    inputs = tuple(value.name for value in network.input if value.name not in constants)
    operations = tuple(_operation(node, i, shapes) for i, node in enumerate(network.node))
    return Graph(inputs, operations, _Elements(shapes), onnx_widths(network, shapes))


class _Elements(dict[str, int]):
    """Elements by tensor; only tensors that cross a cut need known shapes."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self._shapes = shapes

    def __missing__(self, tensor: str) -> int:
        return self.setdefault(tensor, prod(self._shapes[tensor]))


def _operation(node: Any, place: int, shapes: Shapes) -> Operation:
    label = node.name or f"{node.op_type}_{place}"
    macs = count_macs(node, label, shapes)
    is_standard = node.domain in STANDARD
    shape_only = _SHAPE_ONLY.get(node.op_type, ()) if is_standard else ()
    is_rearrangement = is_standard and node.op_type in COPIES
    if node.op_type == "Cast":
        is_rearrangement = is_standard and keeps_values(node, shapes)
    outputs = tuple(output for output in node.output if output)
    return Operation(
        label,
        tuple(name for i, name in enumerate(node.input) if name and i not in shape_only),
        # The further outputs of Dropout are for training.
        outputs[:1] if is_rearrangement else outputs,
        macs or 0,
        is_rearrangement,
        "" if macs is not None else node.op_type,
    )


def load_model(path: Path, input_shape: InputShapes | None = None) -> Any:
    """Load a file, with functions inlined; weights in other files are not read.

    Parameters
    ----------
    path, input_shape
        As of `load_graph`.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ProfileError
        If the file is not an ONNX file, or the shapes do not fit its inputs.
    MissingExtraError
        Without onnx (extra `profile`).
    """
    with needs_extra("profile"):
        import onnx
        import onnx.inliner
        from google.protobuf.message import DecodeError
    try:
        # Of weights in other files only small ones are needed.
        model = onnx.load_model_from_string(read_capped(path, MAX_MODEL_BYTES))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    except DecodeError:
        raise ProfileError(f"{path.name} is not an ONNX file") from None
    if not model.graph.node:
        raise ProfileError(f"{path.name} is not an ONNX file, or holds an empty network")
    _set_input_shapes(model.graph, input_shape)
    try:
        return onnx.inliner.inline_local_functions(model)
    except (RuntimeError, ValueError) as failure:
        raise ProfileError(f"{path.name}: {' '.join(str(failure).split())}") from None


def _set_input_shapes(network: Any, given: InputShapes | None) -> None:
    """Give inputs these shapes, and all inputs the sizes that these give to symbols such as ``batch``."""
    constants = {tensor.name for tensor in network.initializer}
    inputs = {value.name: value.type.tensor_type for value in network.input if value.name not in constants}
    symbols: dict[str, int] = {}
    for name, shape in shapes_by_name(list(inputs), given).items():
        kind = inputs[name]
        if not kind.HasField("shape"):
            kind.shape.dim.extend(kind.shape.Dimension() for _ in shape)
        if len(kind.shape.dim) != len(shape):
            count = len(kind.shape.dim)
            raise ProfileError(f"expected an input shape of {count} sizes for {name}, got {list(shape)}")
        for dimension, size in zip(kind.shape.dim, shape, strict=True):
            symbol = dimension.dim_param
            if symbol and symbols.setdefault(symbol, size) != size:
                raise ProfileError(f"the size {symbol} is {symbols[symbol]} and, in {name}, {size}")
            dimension.dim_value = size
    for kind in inputs.values():
        for dimension in kind.shape.dim:
            if dimension.dim_param in symbols:
                dimension.dim_value = symbols[dimension.dim_param]
