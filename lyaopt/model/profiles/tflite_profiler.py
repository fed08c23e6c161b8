"""Profile a TensorFlow Lite file from its shapes (package `tflite`, extra `profile`)."""

from __future__ import annotations

import struct
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
from lyaopt.model.profiles.tflite_macs import CONTROL_FLOW, Layer, count_macs
from lyaopt.model.profiles.tflite_shapes import infer_shapes, stored_shape
from lyaopt.model.profiles.tflite_widths import COPIES, keeps_values, tflite_widths

_FILE_IDENTIFIER = b"TFL3"
# They use nothing but the shape of their input.
_SHAPE_ONLY = {"RANK", "SHAPE", "ZEROS_LIKE"}


def profile_tflite(
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
    """Profile a TensorFlow Lite file.

    Convolutions, fully connected layers, matrix products and recurrent layers are counted.

    Parameters
    ----------
    path : str or Path
        The file.
    input_shape : sequence of int, sequence of sequence of int, or mapping, optional
        Shape of the first input, of the inputs in order, or of inputs by name, for files that leave it open.
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
        If the file is not a TensorFlow Lite file, or has control flow or shapes unknown until it runs.
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
    """Load the operations of a TensorFlow Lite file, with their MACs.

    Parameters
    ----------
    path : Path
        The file.
    input_shape : sequence of int, sequence of sequence of int, or mapping, optional
        As for `profile_tflite`.

    Raises
    ------
    ProfileError
        If the file is not a TensorFlow Lite file, or damaged.
    MissingExtraError
        Without tflite (extra `profile`).
    """
    with needs_extra("profile"):
        import tflite
    try:
        data = read_capped(path, MAX_MODEL_BYTES)
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    if data[4:8] != _FILE_IDENTIFIER:
        raise ProfileError(f"{path.name} is not a TensorFlow Lite file")
    try:
        return _graph(tflite.Model.GetRootAs(data, 0), input_shape)
    # The bindings follow offsets without bounds checks.
    except (AttributeError, LookupError, struct.error, TypeError, UnicodeDecodeError) as failure:
        raise ProfileError(f"{path.name} is damaged: {' '.join(str(failure).split())}") from None


def _graph(model: Any, input_shape: InputShapes | None) -> Graph:
    if model.SubgraphsLength() != 1:
        raise ProfileError(f"{model.SubgraphsLength()} subgraphs: control flow has no fixed work")
    subgraph = model.Subgraphs(0)
    tensors = [subgraph.Tensors(i) for i in range(subgraph.TensorsLength())]
    shapes = [stored_shape(tensor) for tensor in tensors]
    # Converters join the names of all operations that they fused; the first names the one that remains.
    labels = [tensor.Name().decode().split(";")[0] for tensor in tensors]
    inputs = [int(i) for i in _vector(subgraph.InputsAsNumpy())]
    operators = [subgraph.Operators(i) for i in range(subgraph.OperatorsLength())]
    layers = [
        Layer(
            _kind(model, operator),
            operator,
            [int(i) for i in _vector(operator.InputsAsNumpy())],
            [int(i) for i in _vector(operator.OutputsAsNumpy())],
            shapes,
        )
        for operator in operators
    ]
    given = shapes_by_name([labels[i] for i in inputs], input_shape)
    numbers = {labels[i]: i for i in inputs}
    by_number = {numbers[name]: shape for name, shape in given.items()}
    for i, shape in infer_shapes(model, tensors, labels, inputs, layers, by_number).items():
        shapes[i] = shape
    operations = tuple(_operation(layer, labels, tensors) for layer in layers)
    used = {*map(str, inputs), *(tensor for operation in operations for tensor in operation.outputs)}
    elements = {tensor: _known(shapes[int(tensor)], labels[int(tensor)]) for tensor in sorted(used, key=int)}
    return Graph(
        tuple(str(i) for i in inputs),
        operations,
        elements,
        tflite_widths(layers, tensors),
        tuple(labels[i] for i in inputs),
    )


def _operation(layer: Layer, labels: list[str], tensors: list[Any]) -> Operation:
    macs = count_macs(layer)
    is_rearrangement = layer.kind in COPIES
    if layer.kind == "CAST":
        is_rearrangement = keeps_values(layer, tensors)
    return Operation(
        labels[layer.writes[0]],
        # Missing inputs have the number -1.
        tuple(str(tensor) for tensor in layer.reads if tensor >= 0 and layer.kind not in _SHAPE_ONLY),
        tuple(str(tensor) for tensor in layer.writes),
        macs or 0,
        is_rearrangement,
        "" if macs is not None else layer.kind,
    )


def _vector(array: Any) -> Any:
    # The bindings return the integer 0 for a missing vector.
    return [] if isinstance(array, int) else array


def _known(shape: tuple[int, ...], label: str) -> int:
    if any(size < 0 for size in shape):
        raise ProfileError(f"the shape of {label} is unknown until the network runs")
    return prod(shape)


def _kind(model: Any, operator: Any) -> str:
    import tflite

    code = model.OperatorCodes(operator.OpcodeIndex())
    # Codes above 127 are in the newer field; older files have only the deprecated one.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        return f"custom {code.CustomCode().decode()}"
    names = {value: word for word, value in vars(tflite.BuiltinOperator).items()}
    kind = names.get(number, f"operator {number}")
    if kind in CONTROL_FLOW:
        raise ProfileError(f"{kind}: control flow has no fixed work")
    return kind
