"""Arguments of PyTorch operators of which only the shape or the type is used."""

from __future__ import annotations

from typing import Any

# The tensor whose shape, type and device the result takes, by its place among the arguments.
_SHAPE_ONLY = {
    "empty_like": 0,
    "expand_as": 1,
    "full_like": 0,
    "new_empty": 0,
    "new_empty_strided": 0,
    "new_full": 0,
    "new_ones": 0,
    "new_tensor": 0,
    "new_zeros": 0,
    "ones_like": 0,
    "rand_like": 0,
    "randint_like": 0,
    "randn_like": 0,
    "reshape_as": 1,
    "type_as": 1,
    "view_as": 1,
    "zeros_like": 0,
}


def data_inputs(node: Any) -> list[Any]:
    """Nodes whose data `node` reads, in order, without those of which it uses the shape alone."""
    import torch

    # Nodes that unpack a tuple have no schema.
    schema = getattr(node.target, "_schema", None)
    place = None if schema is None else _SHAPE_ONLY.get(schema.name.rpartition("::")[2])
    if place is None:
        return list(node.all_input_nodes)
    read: set[Any] = set()
    others = [argument for i, argument in enumerate(node.args) if i != place]
    torch.fx.map_arg((others, node.kwargs), read.add)
    return [argument for argument in node.all_input_nodes if argument in read]


def arguments_of(node: Any, values: dict[str, Any]) -> tuple[Any, Any]:
    """Arguments and keywords to run an operation with.

    Parameters
    ----------
    node : torch.fx.Node
        The operation.
    values : dict
        Tensors by the names of their nodes. For one that is absent and of which only the shape is used, an
        empty tensor of this shape stands in.
    """
    import torch

    needed = data_inputs(node)

    def value(argument: Any) -> Any:
        if argument.name in values or argument in needed:
            return values[argument.name]
        like = argument.meta["val"]
        return torch.empty(like.shape, dtype=like.dtype, device=like.device)

    arguments, keywords = torch.fx.map_arg((node.args, node.kwargs), value)
    return arguments, keywords
