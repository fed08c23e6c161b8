"""PyTorch modules that run some operations of an exported network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lyaopt.model.profiles.torch_profiler import TorchNetwork
from lyaopt.model.profiles.torch_shapes import data_inputs


class Graphs:
    """Makes modules of parts of an exported network, with its weights.

    Parameters
    ----------
    network : TorchNetwork
        The network.
    """

    def __init__(self, network: TorchNetwork) -> None:
        program = network.program
        self.values = {node.name: node.meta.get("val") for node in program.graph.nodes}
        self.targets: dict[str, str] = {}
        self.weights: dict[str, Any] = {}
        for spec in program.graph_signature.input_specs:
            if spec.kind.name != "USER_INPUT":
                held = program.state_dict if spec.target in program.state_dict else program.constants
                self.targets[spec.arg.name] = spec.target
                self.weights[spec.target] = held[spec.target]

    def module(self, name: str, inputs: Sequence[str], nodes: Sequence[Any], outputs: Sequence[str]) -> Any:
        """Make a module that returns tensors by name.

        Parameters
        ----------
        name : str
            Of its class.
        inputs : sequence of str
            Tensors that it is given.
        nodes : sequence of torch.fx.Node
            What it runs, in order.
        outputs : sequence of str
            Tensors that it returns.

        Returns
        -------
        torch.fx.GraphModule
        """
        import torch

        root = torch.nn.Module()
        part = _Part(self, root)
        for each in inputs:
            part.read(each)
        for node in nodes:
            part.run(node)
        part.graph.output({each: part.made[each] for each in outputs})
        return torch.fx.GraphModule(root, part.graph, name).eval()


class _Part:
    def __init__(self, graphs: Graphs, root: Any) -> None:
        import torch

        self.graphs, self.root = graphs, root
        self.graph = torch.fx.Graph()
        self.made: dict[str, Any] = {}

    def read(self, name: str) -> None:
        """Take an input, in the memory layout that the operations were exported for."""
        given = self.graph.placeholder(name)
        given.meta["val"] = self.graphs.values[name]
        self.made[name] = self._in_layout(name, given)

    def _in_layout(self, name: str, given: Any) -> Any:
        import torch

        like = self.graphs.values[name]
        repeats = any(stride == 0 for stride in like.stride())
        if like.is_contiguous() or repeats:
            return given
        operators = torch.ops.aten
        arguments = (given, list(like.shape), list(like.stride()))
        empty = self.graph.call_function(operators.new_empty_strided.default, arguments)
        return self.graph.call_function(operators.copy.default, (empty, given))

    def run(self, node: Any) -> None:
        import torch

        needed = set(data_inputs(node))

        def value(argument: Any) -> Any:
            known = argument.name in self.made or argument.name in self.graphs.targets
            return self._value(argument.name) if known or argument in needed else self._stand_in(argument)

        arguments, keywords = torch.fx.map_arg((node.args, node.kwargs), value)
        self.made[node.name] = self.graph.create_node(
            "call_function", node.target, arguments, keywords, node.name
        )
        # What the profile of a half calls its cuts.
        self.made[node.name].meta["nn_module_stack"] = dict(node.meta.get("nn_module_stack") or {})

    def _value(self, name: str) -> Any:
        if name not in self.made:
            target = self.graphs.targets[name]
            _hold(self.root, target, self.graphs.weights[target])
            self.made[name] = self.graph.create_node("get_attr", target, (), {}, name)
        return self.made[name]

    def _stand_in(self, argument: Any) -> Any:
        """A tensor of the shape and type of one of which nothing else is used."""
        import torch

        like = argument.meta["val"]
        layout = (list(like.shape), list(like.stride()))
        kind = {"dtype": like.dtype, "device": like.device}
        return self.graph.call_function(torch.ops.aten.empty_strided.default, layout, kind)


def _hold(root: Any, target: str, tensor: Any) -> None:
    """Give a module a weight at a path such as ``features.0.weight``."""
    import torch

    *path, name = target.split(".")
    for each in path:
        if not hasattr(root, each):
            root.add_module(each, torch.nn.Module())
        root = getattr(root, each)
    held = tensor.detach()
    if isinstance(tensor, torch.nn.Parameter):
        root.register_parameter(name, torch.nn.Parameter(held, requires_grad=False))
    else:
        root.register_buffer(name, held)
