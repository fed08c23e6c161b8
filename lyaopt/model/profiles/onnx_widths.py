"""Which tensors of an ONNX network hold whole numbers, and what they index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lyaopt.model.profiles.onnx_attributes import attribute
from lyaopt.model.profiles.onnx_macs import MICROSOFT, STANDARD
from lyaopt.model.profiles.onnx_shapes import Shapes
from lyaopt.model.profiles.widths import Width, element_widths

COPIES = {"Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}


def onnx_widths(network: Any, shapes: Shapes) -> dict[str, Width]:
    """Find the bits of an element of tensors of `network` (with `shapes`) that hold no features.

    See `element_widths`.
    """
    types = {name: bits for name, kind in shapes.types.items() if (bits := _type_bits(kind))}
    standard = [node for node in network.node if node.domain in STANDARD]
    copies = [(node.input[0], node.output[0]) for node in standard if node.op_type in COPIES]
    indices = [pair for node in network.node for pair in _indices(node, shapes)]
    return element_widths(types, indices, copies)


def keeps_values(node: Any, shapes: Shapes) -> bool:
    """Whether the cast `node` is to a type that holds all values (types are in `shapes`).

    That is float to float, or whole numbers to larger ones.
    """
    if node.input[0] not in shapes.types or node.output[0] not in shapes.types:
        return False
    before, after = (_type_bits(shapes.types[name]) for name in (node.input[0], node.output[0]))
    return bool(before) == bool(after) and before <= after


def _type_bits(kind: Any) -> int:
    """Bits of a type of whole numbers; 0 of any other."""
    from onnx import TensorProto

    if kind.tensor_type.elem_type == TensorProto.BOOL:
        return 1
    name = TensorProto.DataType.Name(kind.tensor_type.elem_type)
    digits = name.removeprefix("U").removeprefix("INT")
    return int(digits) if digits.isdigit() and "INT" in name else 0


def _indices(node: Any, shapes: Shapes) -> Iterator[tuple[str, int]]:
    """Tensors that index another, with its size along the axis."""
    if node.domain == MICROSOFT and node.op_type == "EmbedLayerNormalization":
        for ids, table in ((0, 2), (1, 4)):
            if node.input[ids] and node.input[table] in shapes:
                yield node.input[ids], shapes[node.input[table]][0]
    if node.domain not in STANDARD:
        return
    if node.op_type in ("Gather", "GatherElements") and node.input[0] in shapes:
        yield node.input[1], shapes[node.input[0]][attribute(node, "axis", 0)]
    if node.op_type == "OneHot" and node.output[0] in shapes:
        yield node.input[0], shapes[node.output[0]][attribute(node, "axis", -1)]
