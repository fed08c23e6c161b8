"""Profile a PyTorch module (extra `profile`); `torch_verify` checks its cuts by running them.

`torch.export` gives the operations in order; each is run on tensors of the meta device, which hold
shapes only, under PyTorch's own counter. On such tensors fused operations (attention, recurrent
layers) are split into the matrix products that the counter knows.
"""

from __future__ import annotations

import logging
import operator
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.model.profiles.graph import (
    Graph,
    Operation,
    Selection,
    make_profile,
)
from lyaopt.model.profiles.model import Profile, Source
from lyaopt.model.profiles.torch_macs import (
    Counter,
    Step,
    looks_uncounted,
    operator_name,
    weights_of,
)
from lyaopt.model.profiles.torch_shapes import data_inputs
from lyaopt.model.profiles.torch_widths import CASTS, keeps_values, torch_widths

if TYPE_CHECKING:
    import torch

_COPIES = {"clone", "contiguous", "dropout", "lift_fresh_copy"}


@dataclass(frozen=True)
class TorchNetwork:
    """An exported module and its graph.

    Attributes
    ----------
    program : torch.export.ExportedProgram
        The module, functional: no operation changes a tensor in place.
    graph : Graph
        Argument of `lyaopt.model.profiles.graph.legal_cuts`.
    steps : tuple of Step
        Step i runs operation i of `graph`.
    """

    program: torch.export.ExportedProgram
    graph: Graph
    steps: tuple[Step, ...]


def profile_torch(
    module: torch.nn.Module,
    example_inputs: tuple[Any, ...],
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
    source: Source | str | None = None,
    bits_per_element: int = 8,
    selection: Selection = "single",
    allow_uncounted: bool = False,
    input_bits: Mapping[str, int] | None = None,
) -> Profile:
    """Profile a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module
        The network, on any device; it is profiled in evaluation mode.
    example_inputs : tuple
        Positional arguments of `module`, in the shapes to profile (of one task: batch size 1).
    example_kwargs : mapping, optional
        Keyword arguments.
    name : str, optional
        Name of the profile; by default the class of `module`.
    source : Source or str, optional
        Origin of the network; by default the full name of the class.
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
        If the module cannot be exported, for example because its control flow depends on the data.

    Warns
    -----
    ProfileWarning
        For an operation with weights for which the counter knows no MACs.
    """
    network = export_network(module, example_inputs, example_kwargs)
    kind = type(module)
    return make_profile(
        name or kind.__name__,
        source or f"{kind.__module__}.{kind.__qualname__}",
        network.graph,
        bits_per_element,
        selection,
        allow_uncounted,
        input_bits,
    )


def export_network(
    module: torch.nn.Module, example_inputs: tuple[Any, ...], example_kwargs: Mapping[str, Any] | None = None
) -> TorchNetwork:
    """Export a module in evaluation mode and count the MACs of each of its operations.

    Parameters
    ----------
    module, example_inputs, example_kwargs
        As for `profile_torch`.

    Raises
    ------
    ProfileError
        If it cannot be exported.
    """
    with needs_extra("profile"):
        import torch
    with evaluation_mode(module), torch.no_grad(), silence():
        try:
            given = _apart((tuple(example_inputs), dict(example_kwargs or {})))
            exported = torch.export.export(module, *given)
            program = exported.run_decompositions({})
        # Exporting runs the module's own code, which may raise any exception.
        except Exception as failure:
            raise ProfileError(_export_error(module, failure)) from failure
    steps = tuple(_steps(program))
    tensors = [node for node in program.graph.nodes if _is_tensor(node)]
    graph = Graph(
        inputs=tuple(node.name for node in tensors if node.name in program.graph_signature.user_inputs),
        operations=tuple(_operations(module, program, steps)),
        elements={node.name: int(node.meta["val"].numel()) for node in tensors},
        widths=torch_widths(steps, tensors),
    )
    return TorchNetwork(program, graph, steps)


def _apart(arguments: Any) -> Any:
    """Arguments of which none is another: an exported network takes those that were one for one for ever."""
    import torch
    from torch.utils import _pytree as pytree

    seen: set[int] = set()

    def apart(leaf: Any) -> Any:
        if isinstance(leaf, torch.Tensor) and id(leaf) in seen:
            return leaf.clone()
        seen.add(id(leaf))
        return leaf

    return pytree.tree_map(apart, arguments)


def _export_error(module: torch.nn.Module, failure: Exception) -> str:
    reason = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
    if "data-dependent" in reason:
        reason = f"its control flow depends on the data, so its work is not fixed ({reason})"
    return f"torch.export cannot export {type(module).__name__}: {reason}"


@contextmanager
def silence() -> Iterator[None]:
    """Suppress what `torch.export` logs and prints within the block."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(StringIO()), redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def evaluation_mode(module: torch.nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode within the block, and restore the mode of each part."""
    # Not module.train(True) afterwards: parts of a network may be frozen in evaluation mode.
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _is_tensor(node: Any) -> bool:
    import torch

    return isinstance(node.meta.get("val"), torch.Tensor)


def _steps(program: torch.export.ExportedProgram) -> Iterator[Step]:
    """Group each operation with the nodes that unpack its results; drop assertions."""
    import torch

    parts: dict[Any, list[Any]] = {}
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        if node.target is operator.getitem:
            whole = node.args[0]
            while whole.target is operator.getitem:
                whole = whole.args[0]
            parts[whole].append(node)
        elif not isinstance(node.target, torch._ops.OpOverload):
            raise ProfileError(f"{node.target} in the exported network: control flow has no fixed work")
        elif node.meta.get("val") is not None:
            parts[node] = [node]
    yield from (tuple(nodes) for nodes in parts.values())


def _operations(
    module: torch.nn.Module, program: torch.export.ExportedProgram, steps: tuple[Step, ...]
) -> Iterator[Operation]:
    named: set[str] = set()
    weights = weights_of(program, steps)
    parents = _parents(module, steps)
    with Counter() as counter:
        for step in steps:
            before = counter.macs
            counter.seen.clear()
            _run_on_meta(step[0])
            macs = counter.macs - before
            label = _label(parents, step[0], named)
            uncounted = looks_uncounted(step[0], weights, macs, counter.seen)
            yield Operation(
                label,
                tuple(node.name for node in data_inputs(step[0])),
                tuple(node.name for node in step if _is_tensor(node)),
                macs,
                _is_rearrangement(step[0]),
                str(step[0].target) if uncounted else "",
            )


def _run_on_meta(node: Any) -> None:
    import torch

    def on_meta(argument: Any) -> Any:
        value = argument.meta["val"]
        if not isinstance(value, torch.Tensor):
            return value
        return torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="meta")

    arguments, keywords = torch.fx.map_arg((node.args, node.kwargs), on_meta)
    node.target(*arguments, **keywords)


def _parents(module: torch.nn.Module, steps: tuple[Step, ...]) -> set[str]:
    """Paths of the submodules that have submodules.

    A module that was read from a file has those that hold weights; operations know theirs.
    """
    paths = {name for name, _ in module.named_modules(remove_duplicate=False)}
    paths.update(_path(step[0]).partition("@")[0] for step in steps)
    return {path[:place] for path in paths for place, sign in enumerate(path) if sign == "."} | {""}


def _path(node: Any) -> str:
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return stack[-1][0] if stack else ""


def _label(parents: set[str], node: Any, named: set[str]) -> str:
    """Path of the submodule of the operation, with the node's name if the path is not unique."""
    path = _path(node)
    # A module that is called again is exported as path@1, path@2, ...
    is_leaf = path.partition("@")[0] not in parents
    label = path if is_leaf and path not in named else f"{path}.{node.name}".lstrip(".")
    named.add(label)
    return label


def _is_rearrangement(node: Any) -> bool:
    """Whether the result holds the same data as the first argument, as views and copies do."""
    if not (_is_tensor(node) and node.all_input_nodes and _is_tensor(node.all_input_nodes[0])):
        return False
    is_view = any(result.alias_info is not None for result in node.target._schema.returns)
    keeps_all = node.meta["val"].numel() >= node.all_input_nodes[0].meta["val"].numel()
    if operator_name(node) in CASTS:
        return keeps_values(node)
    return (is_view and keeps_all) or operator_name(node) in _COPIES
