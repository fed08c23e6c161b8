"""Time the halves of every cut of a PyTorch module on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lyaopt.io.extras import needs_extra
from lyaopt.model.profiles.graph import GraphCut, Selection, legal_cuts
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.timing import Half, Timing, measure_halves
from lyaopt.model.profiles.torch_profiler import TorchNetwork, evaluation_mode, export_network
from lyaopt.model.profiles.torch_verify import divide, placeholders_of, run_steps

if TYPE_CHECKING:
    import torch

DEFAULT_TIMING = Timing()


def measure_torch(
    module: torch.nn.Module,
    example_inputs: tuple[Any, ...],
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    selection: Selection = "single",
    bits_per_element: int = 8,
    timing: Timing = DEFAULT_TIMING,
) -> Measurement:
    """Run head and tail of every cut that `profile_torch` lists, operation by operation, and time them.

    Parameters
    ----------
    module, example_inputs, example_kwargs, selection, bits_per_element
        As for `lyaopt.model.profiles.torch_profiler.profile_torch`; inputs and weights must hold numbers.
    timing : Timing
        How; its threads are those of PyTorch.

    Returns
    -------
    Measurement
    """
    with needs_extra("profile"):
        import torch
        from torch.utils import _pytree as pytree

    network = export_network(module, example_inputs, example_kwargs)
    cuts = legal_cuts(network.graph, selection, bits_per_element)
    arguments = pytree.tree_leaves((tuple(example_inputs), dict(example_kwargs or {})))
    with torch.no_grad(), evaluation_mode(module), _threads(timing.threads):
        given = placeholders_of(network, arguments)
        everything = dict(given)
        run_steps(network.steps, everything)
        heads = [_head(network, cut, given) for cut in cuts]
        tails = [_tail(network, cut, given, everything) for cut in cuts]
        runtime = f"torch {torch.__version__}"
        return measure_halves([None, *heads[1:]], [*tails[:-1], None], runtime, timing)


def _head(network: TorchNetwork, cut: GraphCut, given: dict[str, Any]) -> Half:
    steps = network.steps[: cut.operations]
    return lambda: run_steps(steps, dict(given))


def _tail(network: TorchNetwork, cut: GraphCut, given: dict[str, Any], everything: dict[str, Any]) -> Half:
    known = {name: value for name, value in given.items() if name not in network.graph.inputs}
    constants = set(known)
    known.update((name, everything[name]) for name in cut.crossing)
    steps, _ = divide(network, cut, constants, set(known))
    return lambda: run_steps(steps, dict(known))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
