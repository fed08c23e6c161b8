"""Check the cuts of a PyTorch module: run the head, then the tail on the crossing tensors, and compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.model.profiles.graph import GraphCut, Selection, legal_cuts
from lyaopt.model.profiles.torch_macs import Step
from lyaopt.model.profiles.torch_profiler import TorchNetwork, evaluation_mode, export_network
from lyaopt.model.profiles.torch_shapes import arguments_of

if TYPE_CHECKING:
    import torch

Values = dict[str, Any]
"""Tensors (or tuples of them, before they are unpacked) by the names of their nodes."""


def verify_torch(
    module: torch.nn.Module,
    example_inputs: tuple[Any, ...],
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    selection: Selection = "single",
    bits_per_element: int = 8,
) -> tuple[GraphCut, ...]:
    """Cut a module at every legal cut and compare head then tail with the module itself.

    The tail takes the crossing tensors, the weights and nothing else.

    Parameters
    ----------
    module, example_inputs, example_kwargs, selection, bits_per_element
        As for `lyaopt.model.profiles.torch_profiler.profile_torch`; inputs and weights must hold numbers.

    Returns
    -------
    tuple of GraphCut
        The cuts that were verified: all that `profile_torch` lists.

    Raises
    ------
    ProfileError
        Naming the first cut whose outputs differ from those of the module.
    """
    with needs_extra("profile"):
        import torch
        from torch.utils import _pytree as pytree

    network = export_network(module, example_inputs, example_kwargs)
    cuts = legal_cuts(network.graph, selection, bits_per_element)
    arguments = pytree.tree_leaves((tuple(example_inputs), dict(example_kwargs or {})))
    with torch.no_grad(), evaluation_mode(module):
        whole = pytree.tree_leaves(module(*example_inputs, **(example_kwargs or {})))
        placeholders = placeholders_of(network, arguments)
        head, done = dict(placeholders), 0
        for cut in cuts:
            run_steps(network.steps[done : cut.operations], head)
            done = cut.operations
            check_cut(network, cut, head, placeholders, whole)
    return cuts


def check_cut(
    network: TorchNetwork, cut: GraphCut, head: Values, placeholders: Values, whole: list[Any]
) -> None:
    """Run the tail of one cut on the tensors that cross it, and compare.

    Parameters
    ----------
    network : TorchNetwork
        The exported module.
    cut : GraphCut
        The cut to check.
    head : dict
        Results of the head.
    placeholders : dict
        Weights, constants and inputs.
    whole : list
        Outputs of the whole network.

    Raises
    ------
    ProfileError
        If the tail lacks a tensor, or the outputs differ.
    """
    import torch

    tail = {name: value for name, value in placeholders.items() if name not in network.graph.inputs}
    constants = set(tail)
    tail.update((name, head[name].clone()) for name in cut.crossing)
    after, finishing = divide(network, cut, constants, set(tail))
    device = dict(head)
    run_steps(finishing, device)
    try:
        run_steps(after, tail)
    except KeyError as missing:
        raise ProfileError(f"the cut after {cut.after} does not hold: the tail lacks {missing}") from None
    for name, expected in zip(network.program.graph_signature.user_outputs, whole, strict=True):
        if isinstance(expected, torch.Tensor):
            output = tail[name] if name in tail else device[name]
            try:
                # The module may use fused operations, which round differently from the exported ones.
                torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5, equal_nan=True)
            except AssertionError as difference:
                reason = " ".join(str(difference).split())
                raise ProfileError(f"the cut after {cut.after} does not hold: {reason}") from None


def placeholders_of(network: TorchNetwork, arguments: list[Any]) -> Values:
    """Return the arguments of the exported program by name: weights, constants, and the inputs in order.

    Parameters
    ----------
    network : TorchNetwork
        The exported module.
    arguments : list
        The inputs.
    """
    program = network.program
    inputs = iter(arguments)
    values: Values = {}
    for spec in program.graph_signature.input_specs:
        if spec.kind.name == "USER_INPUT":
            values[spec.arg.name] = next(inputs)
        elif spec.target in program.state_dict:
            values[spec.arg.name] = program.state_dict[spec.target]
        else:
            values[spec.arg.name] = program.constants[spec.target]
    return values


def run_steps(steps: Iterable[Step], values: Values) -> None:
    """Run operations in order on values, and add their results.

    Parameters
    ----------
    steps : iterable of Step
        The operations.
    values : dict
        By the names of their nodes; extended.
    """
    for step in steps:
        for node in step:
            arguments, keywords = arguments_of(node, values)
            values[node.name] = node.target(*arguments, **keywords)


def divide(
    network: TorchNetwork, cut: GraphCut, constants: set[str], known: set[str]
) -> tuple[list[Step], list[Step]]:
    """Return the steps of the tail, and those that only rearrange results of the head.

    The tail recomputes constants and views of crossing tensors.

    Parameters
    ----------
    network : TorchNetwork
        The exported module.
    cut : GraphCut
        The cut.
    constants, known : set of str
        Names of what does not depend on the input, and of all that the tail has; extended.
    """
    tail, finishing = [], []
    for i, (operation, step) in enumerate(zip(network.graph.operations, network.steps, strict=True)):
        names = {node.name for node in step}
        is_constant = constants.issuperset(operation.inputs)
        if is_constant:
            constants |= names
        if not is_constant and operation.is_rearrangement and not known.issuperset(operation.inputs):
            finishing.append(step)
        elif is_constant or operation.is_rearrangement or i >= cut.operations:
            known |= names
            tail.append(step)
    return tail, finishing
