"""Shapes of the tensors of a TensorFlow Lite network whose file leaves some open.

Such a file stores 1 for an open size, and -1 in the signature of the shape. What is stored holds unless an
input gets another shape; then every shape follows from the operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.tflite_macs import Layer
from lyaopt.model.profiles.tflite_rules import Array, Call, UnknownShapeError, blank, result_of

_MOST_VALUES = 4096
Shape = tuple[int, ...]


def infer_shapes(
    model: Any,
    tensors: Sequence[Any],
    labels: Sequence[str],
    inputs: Sequence[int],
    layers: Sequence[Layer],
    given: Mapping[int, Shape],
) -> dict[int, Shape]:
    """Infer the shapes of tensors that differ from those stored.

    Parameters
    ----------
    model : tflite.Model
        For the values of constants.
    tensors, labels : sequence
        Tensors of the network and their names.
    inputs : sequence of int
        Numbers of the inputs.
    layers : sequence of Layer
        Operators in order, with the shapes stored.
    given : mapping of int to tuple of int
        Shapes of inputs.

    Returns
    -------
    dict of int to tuple of int

    Raises
    ------
    ProfileError
        If an input has open sizes and no shape, or an operator that has no rule makes an open shape.
    """
    shapes = {i: stored_shape(tensor) for i, tensor in enumerate(tensors)}
    for i in inputs:
        _check_input(tensors[i], labels[i], given.get(i), shapes[i])
    changed = any(shapes[i] != shape for i, shape in given.items())
    made = {i for layer in layers for i in layer.writes}
    missing = any(not shapes[i] or min(shapes[i]) < 0 for i in made)
    if not changed and not missing:
        return {}
    found = dict(given)
    values: dict[int, Array] = {}
    moving = set(inputs)
    for layer in layers:
        # What is made of constants keeps its shape.
        if moving.intersection(layer.reads):
            moving.update(layer.writes)
        try:
            arrays = _run(model, tensors, layer, shapes | found, values)
        except (UnknownShapeError, ValueError, IndexError) as failure:
            if (
                changed
                and moving.issuperset(layer.writes)
                and not all(_is_fixed(tensors[i]) for i in layer.writes)
            ):
                label = labels[layer.writes[0]]
                reason = f": {failure}" if str(failure) else ", is unknown until the network runs"
                raise ProfileError(f"the shape of {label}, which {layer.kind} makes{reason}") from None
            continue
        for i, array in zip(layer.writes, arrays, strict=False):
            found[i] = tuple(array.shape)
    return found


def _run(
    model: Any, tensors: Sequence[Any], layer: Layer, shapes: Mapping[int, Shape], values: dict[int, Array]
) -> list[Array]:
    arrays: list[Array | None] = []
    known = []
    for i in layer.reads:
        value = values.get(i) if i in values else _constant(model, tensors[i]) if i >= 0 else None
        known.append(value is not None)
        shape = shapes.get(i)
        is_open = shape is None or (bool(shape) and min(shape) < 0)
        arrays.append(value if value is not None else None if is_open else blank(shape or ()))
    results, has_numbers = result_of(Call(layer, arrays, known))
    if has_numbers:
        small = zip(layer.writes, results, strict=False)
        values.update((i, array) for i, array in small if array.size <= _MOST_VALUES)
    return results


def stored_shape(tensor: Any) -> Shape:
    """The shape that a file stores for `tensor`; open sizes are 1, or -1 where a converter wrote that."""
    sizes = tensor.ShapeAsNumpy()
    # The bindings return the integer 0 for a missing vector.
    return () if isinstance(sizes, int) else tuple(int(size) for size in sizes)


def _signature(tensor: Any) -> Shape:
    sizes = tensor.ShapeSignatureAsNumpy()
    return stored_shape(tensor) if isinstance(sizes, int) else tuple(int(size) for size in sizes)


def _is_fixed(tensor: Any) -> bool:
    signature = tensor.ShapeSignatureAsNumpy()
    return not isinstance(signature, int) and bool(len(signature)) and min(signature) >= 0


def _check_input(tensor: Any, label: str, given: Shape | None, stored: Shape) -> None:
    signature = _signature(tensor)
    if given is None:
        # An open batch alone is that of one task, as stored.
        if any(size < 0 for size in (*signature[1:], *stored)):
            sizes = ", ".join("?" if size < 0 else str(size) for size in signature)
            raise ProfileError(f"the input {label} has open sizes ({sizes}): it needs an input shape")
    elif signature and len(given) != len(signature):
        count = len(signature)
        raise ProfileError(f"expected an input shape of {count} sizes for {label}, got {list(given)}")


def _constant(model: Any, tensor: Any) -> Array | None:
    """Numbers of a small constant of whole numbers."""
    import tflite

    kinds = {tflite.TensorType.INT32: np.int32, tflite.TensorType.INT64: np.int64}
    shape = stored_shape(tensor)
    buffer = model.Buffers(tensor.Buffer()) if model.BuffersLength() else None
    if buffer is None or tensor.Type() not in kinds or prod(shape) > _MOST_VALUES:
        return None
    data = buffer.DataAsNumpy()
    if isinstance(data, int) or not len(data):
        return None
    return np.frombuffer(data.tobytes(), kinds[tensor.Type()]).astype(np.int64).reshape(shape)
