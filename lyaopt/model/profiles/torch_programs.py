"""Networks that `torch.export.save` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.io.input_files import MAX_MODEL_BYTES, read_capped
from lyaopt.model.profiles.input_shapes import InputShapes, shapes_by_name
from lyaopt.model.profiles.torch_archive import checked_archive
from lyaopt.model.profiles.torch_profiler import silence

if TYPE_CHECKING:
    import torch


def load_program(
    path: str | Path, input_shape: InputShapes | None = None
) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Load the network of a file, and arguments and keywords to run it on.

    The file is read as data (`lyaopt.model.profiles.torch_archive`): its sample inputs only where
    ``torch.load(weights_only=True)`` takes them.

    Parameters
    ----------
    path : str or Path
        A file of `torch.export.save`.
    input_shape : sequence of int, sequence of sequence of int, or mapping, optional
        Shape of the first input, of the inputs in order, or of inputs by name, where the
        file leaves them open.

    Returns
    -------
    torch.nn.Module, tuple, dict

    Raises
    ------
    ProfileError
        If it cannot be read, holds more than data, was exported in training mode, or has open sizes.
    """
    with needs_extra("profile"):
        import torch
    try:
        content = read_capped(path, MAX_MODEL_BYTES)
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    archive, samples = checked_archive(content)
    try:
        with silence():
            program = torch.export.load(archive)
    # A file that is no network fails anywhere inside.
    except Exception as failure:
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        raise ProfileError(f"torch.export.load cannot read it: {reason}") from None
    _refuse_training(program)
    for node in program.graph.nodes:
        # Made of constants in the module's code; PyTorch exports no such operation a second time.
        if node.target is torch.ops.aten.detach_.default:
            node.target = torch.ops.aten.detach.default
    arguments, keywords = _example(program, samples, input_shape)
    module = program.module()
    # An exported module has one mode, and refuses to change it.
    module.eval = module.train = lambda *_: module  # type: ignore[method-assign]
    return module, arguments, keywords


def _refuse_training(program: Any) -> None:
    """Refuse dropout that drops, and normalisation by the statistics of a batch."""
    for node in program.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        names = [argument.name for argument in schema.arguments] if schema else []
        given = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
        if given.get("train") is True or given.get("training") is True:
            raise ProfileError("it was exported in training mode: call eval() before torch.export.export")


def _example(
    program: Any, samples: bytes, input_shape: InputShapes | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from torch.utils import _pytree as pytree

    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    specs = [spec.arg for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    shapes = shapes_by_name([arg.name for arg in specs if _is_tensor(values.get(arg.name))], input_shape)
    made = [
        _input(arg.name, values[arg.name], shapes) if _is_tensor(values.get(arg.name)) else arg.value
        for arg in specs
    ]
    kept = [] if shapes else _leaves(samples)
    leaves = kept if [_shape(leaf) for leaf in kept] == [_shape(leaf) for leaf in made] else made
    arguments, keywords = pytree.tree_unflatten(leaves, program.call_spec.in_spec)
    return tuple(arguments), dict(keywords)


def _shape(leaf: Any) -> Any:
    return tuple(leaf.shape) if _is_tensor(leaf) else leaf


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _leaves(samples: bytes) -> list[Any]:
    """Sample inputs, or nothing where they are more than tensors and numbers."""
    import torch
    from torch.utils import _pytree as pytree

    if not samples:
        return []
    try:
        return list(pytree.tree_leaves(torch.load(BytesIO(samples), weights_only=True)))
    # What is not allowed there raises errors of several kinds.
    except Exception:
        return []


def _input(name: str, value: Any, shapes: Mapping[str, tuple[int, ...]]) -> torch.Tensor:
    """A random input of a shape that the file or the user gives."""
    import torch

    shape = shapes.get(name, tuple(value.shape))
    if len(shape) != len(value.shape):
        raise ProfileError(
            f"expected an input shape of {len(value.shape)} sizes for {name}, got {list(shape)}"
        )
    if not all(isinstance(size, int) for size in shape):
        sizes = ", ".join(map(str, shape))
        raise ProfileError(f"the input {name} has open sizes ({sizes}): it needs an input shape")
    if value.is_floating_point() or value.is_complex():
        return torch.randn(shape, dtype=value.dtype)
    return torch.randint(0, 2, shape).to(value.dtype)
