"""Profile a TensorFlow Lite file from its shapes (package `tflite`, extra `profile`)."""

from __future__ import annotations

import struct
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
from lyaopt.model.profiles.tflite_macs import CONTROL_FLOW, Layer, count_macs

_FILE_IDENTIFIER = b"TFL3"
# They use nothing but the shape of their input.
_SHAPE_ONLY = {"RANK", "SHAPE", "ZEROS_LIKE"}
_REARRANGEMENTS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE"}


def profile_tflite(
    path: str | Path,
    *,
    name: str | None = None,
    source: Source | str | None = None,
    bits_per_element: int = 8,
    selection: Selection = "single",
    allow_uncounted: bool = False,
) -> Profile:
    """Profile a TensorFlow Lite file.

    Convolutions, fully connected layers, matrix products and recurrent layers are counted.

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
    allow_uncounted : bool
        Whether to profile a network some of whose work is not counted; its total is then too low.

    Returns
    -------
    Profile

    Raises
    ------
    ProfileError
        If the file is not a TensorFlow Lite file, or has control flow or shapes unknown until it runs.
    """
    path = Path(path)
    graph = load_graph(path)
    return make_profile(
        name or path.stem, source or path.name, graph, bits_per_element, selection, allow_uncounted
    )


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
    data = path.read_bytes()
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
    layer = Layer(kind, operator, [shapes[i] if i >= 0 else () for i in read], [shapes[i] for i in written])
    macs = count_macs(layer)
    return Operation(
        label,
        # Missing inputs have the number -1.
        tuple(str(tensor) for tensor in read if tensor >= 0 and kind not in _SHAPE_ONLY),
        tuple(str(tensor) for tensor in written),
        macs or 0,
        kind in _REARRANGEMENTS,
        "" if macs is not None else kind,
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
