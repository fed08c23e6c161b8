"""Profile a TensorFlow Lite file from its shapes (package `tflite`, extra `profile`)."""

from __future__ import annotations

import struct
import warnings
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

_FILE_IDENTIFIER = b"TFL3"
_REARRANGEMENTS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE"}
_CONTROL_FLOW = {"IF", "WHILE", "CALL", "CALL_ONCE"}
# They have weights whose products are not counted here.
_UNCOUNTED = {
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "LSTM",
    "RNN",
    "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
}


def profile_tflite(
    path: str | Path,
    *,
    name: str | None = None,
    source: Source | str | None = None,
    bits_per_element: int = 8,
    selection: Selection = "single",
) -> Profile:
    """Profile a TensorFlow Lite file.

    Convolutions, fully connected layers and matrix products are counted.

    Parameters
    ----------
    path : str or Path
        The file.
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
        If the file is not a TensorFlow Lite file, or has control flow or shapes unknown until it runs.
    """
    path = Path(path)
    return make_profile(name or path.stem, source or path.name, load_graph(path), bits_per_element, selection)


def load_graph(path: Path) -> Graph:
    """Load the operations of a TensorFlow Lite file, with their MACs.

    Parameters
    ----------
    path : Path
        The file.

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
        return _graph(tflite.Model.GetRootAs(data, 0))
    # The bindings follow offsets without bounds checks.
    except (AttributeError, LookupError, struct.error, TypeError, UnicodeDecodeError) as failure:
        raise ProfileError(f"{path.name} is damaged: {' '.join(str(failure).split())}") from None


def _graph(model: Any) -> Graph:
    if model.SubgraphsLength() != 1:
        raise ProfileError(f"{model.SubgraphsLength()} subgraphs: control flow has no fixed work")
    subgraph = model.Subgraphs(0)
    tensors = [subgraph.Tensors(i) for i in range(subgraph.TensorsLength())]
    shapes = [tuple(int(size) for size in _vector(tensor.ShapeAsNumpy())) for tensor in tensors]
    # Converters join the names of all operations that they fused; the first names the one that remains.
    labels = [tensor.Name().decode().split(";")[0] for tensor in tensors]
    inputs = [int(i) for i in _vector(subgraph.InputsAsNumpy())]
    operators = [subgraph.Operators(i) for i in range(subgraph.OperatorsLength())]
    operations = tuple(_operation(model, operator, shapes, labels) for operator in operators)
    used = {*map(str, inputs), *(tensor for operation in operations for tensor in operation.outputs)}
    elements = {tensor: _known(shapes[int(tensor)], labels[int(tensor)]) for tensor in sorted(used, key=int)}
    return Graph(tuple(str(i) for i in inputs), operations, elements)


def _operation(model: Any, operator: Any, shapes: list[tuple[int, ...]], labels: list[str]) -> Operation:
    read = [int(tensor) for tensor in _vector(operator.InputsAsNumpy())]
    written = [int(tensor) for tensor in _vector(operator.OutputsAsNumpy())]
    kind, label = _kind(model, operator), labels[written[0]]
    return Operation(
        label,
        # Missing inputs have the number -1.
        tuple(str(tensor) for tensor in read if tensor >= 0),
        tuple(str(tensor) for tensor in written),
        _macs(kind, operator, read, written, shapes, label),
        kind in _REARRANGEMENTS,
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
    if kind in _CONTROL_FLOW:
        raise ProfileError(f"{kind}: control flow has no fixed work")
    return kind


def _macs(
    kind: str, operator: Any, read: list[int], written: list[int], shapes: list[tuple[int, ...]], label: str
) -> int:
    size = prod(shapes[written[0]])
    if kind == "CONV_2D":
        return size * prod(shapes[read[1]][1:])
    if kind == "DEPTHWISE_CONV_2D":
        return size * prod(shapes[read[1]][1:3])
    if kind == "CONV_3D":
        return size * prod(shapes[read[1]][:4])
    if kind == "FULLY_CONNECTED":
        return size * shapes[read[1]][-1]
    if kind == "TRANSPOSE_CONV":
        return prod(shapes[read[2]]) * prod(shapes[read[1]][:3])
    if kind == "BATCH_MATMUL":
        return size * shapes[read[0]][-2 if _transposes_first(operator) else -1]
    if kind in _UNCOUNTED or kind.startswith(("custom ", "operator ")):
        warnings.warn(f"{label}: the work of {kind} is not counted", ProfileWarning, stacklevel=2)
    return 0


def _transposes_first(operator: Any) -> bool:
    import tflite

    table = operator.BuiltinOptions()
    if table is None:
        return False
    options = tflite.BatchMatMulOptions()
    options.Init(table.Bytes, table.Pos)
    return bool(options.AdjX())
