"""Head and tail of a PyTorch network, run operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lyaopt.model.profiles.graph import Selection, legal_cuts
from lyaopt.model.profiles.torch_profiler import export_network
from lyaopt.model.profiles.torch_verify import divide, placeholders_of, run_steps


@dataclass(frozen=True)
class TorchHalves:
    """Two halves of a network.

    Attributes
    ----------
    head, tail : callable
        From inputs to what crosses, and from that to the outputs.
    """

    head: Callable[..., Any]
    tail: Callable[..., Any]


def cut_torch(
    module: Any,
    at: int,
    example_inputs: tuple[Any, ...],
    selection: Selection = "single",
    bits_per_element: int = 8,
) -> TorchHalves:
    """Cut a module.

    Parameters
    ----------
    module, example_inputs, selection, bits_per_element
        As of `lyaopt.model.profiles.torch_profiler.profile_torch`.
    at : int
        Number of the cut.
    """
    network = export_network(module, example_inputs)
    cut = legal_cuts(network.graph, selection, bits_per_element)[at]
    placeholders = placeholders_of(network, list(example_inputs))
    constants = {name: value for name, value in placeholders.items() if name not in network.graph.inputs}
    names = [name for name in placeholders if name in network.graph.inputs]
    steps, _ = divide(network, cut, set(constants), {*constants, *cut.crossing})
    outputs = network.program.graph_signature.user_outputs

    def head(*inputs: Any) -> tuple[Any, ...]:
        values = constants | dict(zip(names, inputs, strict=True))
        run_steps(network.steps[: cut.operations], values)
        return tuple(values[name] for name in cut.crossing)

    def tail(*crossing: Any) -> tuple[Any, ...]:
        values = constants | dict(zip(cut.crossing, crossing, strict=True))
        run_steps(steps, values)
        return tuple(values[name] for name in outputs)

    return TorchHalves(head, tail)
