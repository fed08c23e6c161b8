"""Cut a PyTorch network into two, at the cuts of its profile.

Both halves run the operations that `torch.export` found, on the weights of the module itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lyaopt.errors import ProfileError
from lyaopt.model.cutting.division import CrossingTensor, Wiring, cut_number, divide
from lyaopt.model.cutting.torch_graphs import Graphs
from lyaopt.model.profiles.graph import GraphCut, Selection, legal_cuts
from lyaopt.model.profiles.torch_profiler import TorchNetwork, export_network
from lyaopt.model.profiles.torch_shapes import data_inputs

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class TorchHalves:
    """A PyTorch network, its head and its tail, which run in this process.

    Attributes
    ----------
    whole : torch.nn.Module
        The network.
    head, tail : torch.nn.Module
        `head(*inputs)` and `tail(*crossing)` take tensors in order or by name, and return tensors by name.
        They hold the weights of the network, not copies, and keep no gradients.
    number : int
        k, number of the cut in the list of legal cuts.
    cut : GraphCut
        The cut.
    inputs : tuple of str
        Tensors that the network reads.
    outputs : tuple of str
        Tensors that the network returns.
    example : tuple
        Arguments and keywords of `whole`.
    network : TorchNetwork
        The exported network.
    """

    whole: torch.nn.Module
    head: torch.nn.Module
    tail: torch.nn.Module
    number: int
    cut: GraphCut
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    example: tuple[tuple[Any, ...], dict[str, Any]]
    network: TorchNetwork

    @property
    def crossing(self) -> tuple[str, ...]:
        """Tensors that cross the cut: the first outputs of the head, and all inputs of the tail."""
        return self.cut.crossing

    @property
    def crossing_tensors(self) -> tuple[CrossingTensor, ...]:
        """Type and shape of each tensor that crosses."""
        values = ((name, self._values[name]) for name in self.crossing)
        return tuple(
            CrossingTensor(name, str(value.dtype).removeprefix("torch."), tuple(value.shape))
            for name, value in values
        )

    @property
    def operations(self) -> tuple[int, int]:
        """Number of operations of the head and of the tail."""
        graphs: list[Any] = [self.head.graph, self.tail.graph]
        head, tail = (sum(node.op == "call_function" for node in graph.nodes) for graph in graphs)
        return head, tail

    def files(self) -> dict[str, bytes]:
        """Both halves as files of `torch.export.save`, by name; they hold no pickle."""
        from lyaopt.model.cutting.torch_files import program_bytes

        given = {"head": self.inputs, "tail": self.crossing}
        return {
            f"{name}.pt2": program_bytes(getattr(self, name), [self.like(each) for each in given[name]])
            for name in ("head", "tail")
        }

    def like(self, name: str) -> torch.Tensor:
        """Tensor of zeros in the shape and type of a tensor of the network.

        Parameters
        ----------
        name : str
            Such as one of `inputs`, `crossing` and `outputs`.
        """
        import torch

        value = self._values[name]
        return torch.zeros(tuple(value.shape), dtype=value.dtype, device=value.device)

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {node.name: node.meta.get("val") for node in self.network.program.graph.nodes}


def cut_torch(
    module: torch.nn.Module,
    at: int | str,
    example_inputs: tuple[Any, ...],
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    selection: Selection = "single",
    bits_per_element: int = 8,
) -> TorchHalves:
    """Cut a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module
        The network; it is cut in evaluation mode, with the weights that it holds then.
    at : int or str
        Number k of a cut, from 1 to K - 1, or the operation after which it is, both as the profile lists.
    example_inputs, example_kwargs, selection, bits_per_element
        As of `lyaopt.model.profiles.torch_profiler.profile_torch`; the halves take these shapes.

    Returns
    -------
    TorchHalves

    Raises
    ------
    ProfileError
        If the module cannot be exported, keeps state from run to run, or has no such cut.
    MissingExtraError
        Without torch (extra `profile`).
    """
    network = export_network(module, example_inputs, example_kwargs)
    kept = network.program.graph_signature.buffers_to_mutate
    if kept:
        raise ProfileError(f"the network changes {next(iter(kept.values()))} when it runs: no half can")
    cuts = legal_cuts(network.graph, selection, bits_per_element)
    number = cut_number(at, cuts)
    head, tail = halves_of(network, cuts[number])
    example = (tuple(example_inputs), dict(example_kwargs or {}))
    names = network.graph.inputs, _outputs(network)
    return TorchHalves(module, head, tail, number, cuts[number], *names, example, network)


def halves_of(network: TorchNetwork, cut: GraphCut) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Head and tail of any cut, which may be empty.

    Parameters
    ----------
    network : TorchNetwork
        The exported network.
    cut : GraphCut
        One of its legal cuts.

    Returns
    -------
    torch.nn.Module, torch.nn.Module
        As of `TorchHalves`.
    """
    division = divide(_wiring(network, _outputs(network)), cut)
    graphs = Graphs(network)
    head = graphs.module("Head", network.graph.inputs, _nodes(network, division.head), division.made)
    tail = graphs.module("Tail", cut.crossing, _nodes(network, division.tail), division.late)
    return head, tail


def _outputs(network: TorchNetwork) -> tuple[str, ...]:
    """Names of the tensors that the network returns, each once."""
    tensors = {node.name for step in network.steps for node in step} | set(network.graph.inputs)
    names = network.program.graph_signature.user_outputs
    return tuple(dict.fromkeys(name for name in names if name in tensors))


def _wiring(network: TorchNetwork, outputs: Sequence[str]) -> Wiring:
    placeholders = [node.name for node in network.program.graph.nodes if node.op == "placeholder"]
    return Wiring(
        inputs=network.graph.inputs,
        outputs=outputs,
        reads=[[node.name for node in data_inputs(step[0])] for step in network.steps],
        makes=[[node.name for node in step] for step in network.steps],
        known=set(placeholders) - set(network.graph.inputs),
        rearranges=[operation.is_rearrangement for operation in network.graph.operations],
    )


def _nodes(network: TorchNetwork, places: Sequence[int]) -> list[Any]:
    return [node for place in places for node in network.steps[place]]
