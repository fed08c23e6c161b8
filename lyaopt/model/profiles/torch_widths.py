"""Which tensors of a PyTorch network hold whole numbers, and what they index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lyaopt.model.profiles.torch_macs import Step, operator_name
from lyaopt.model.profiles.widths import Width, element_widths

CASTS = {"_to_copy", "to", "type_as"}

# Place of the indices, of the table, and of the axis, if there is one, among the arguments.
_INDEXED: dict[str, tuple[int, int, int | None]] = {
    "_embedding_bag": (1, 0, None),
    "embedding": (1, 0, None),
    "embedding_bag": (1, 0, None),
    "gather": (2, 0, 1),
    "index_select": (2, 0, 1),
    "take_along_dim": (1, 0, 2),
}


def torch_widths(steps: Iterable[Step], tensors: Iterable[Any]) -> dict[str, Width]:
    """Find the bits of an element of those of `tensors` that hold no features, from `steps`.

    See `element_widths`.
    """
    nodes = [step[0] for step in steps]
    types = {node.name: bits for node in tensors if (bits := _type_bits(node))}
    copies = [
        (node.all_input_nodes[0].name, node.name)
        for node in nodes
        if node.all_input_nodes and (operator_name(node) in CASTS or _is_view(node))
    ]
    return element_widths(types, [pair for node in nodes for pair in _indices(node)], copies)


def keeps_values(node: Any) -> bool:
    """Whether the cast `node` is to a type that holds all values.

    That is float to float, or whole numbers to larger ones.
    """
    before, after = _type_bits(node.all_input_nodes[0]), _type_bits(node)
    return bool(before) == bool(after) and before <= after


def _type_bits(node: Any) -> int:
    """Bits of a type of whole numbers; 0 of any other."""
    import torch

    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.is_floating_point() or value.is_complex():
        return 0
    return 1 if value.dtype == torch.bool else torch.iinfo(value.dtype).bits


def _is_view(node: Any) -> bool:
    return any(result.alias_info is not None for result in node.target._schema.returns)


def _indices(node: Any) -> Iterator[tuple[str, int]]:
    """Tensors that index another, with its size along the axis."""
    name = operator_name(node)
    if name == "index":
        table = node.args[0].meta["val"]
        for axis, index in enumerate(node.args[1]):
            if index is not None and _type_bits(index) > 1:
                yield index.name, int(table.shape[axis])
    if name in _INDEXED:
        place, table_at, axis_at = _INDEXED[name]
        table = node.args[table_at].meta["val"]
        axis = 0 if axis_at is None else node.args[axis_at]
        yield node.args[place].name, int(table.shape[axis])
