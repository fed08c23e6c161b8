"""Time the halves of every cut of a PyTorch module on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from lyaopt.io.extras import needs_extra
from lyaopt.model.cutting.torch_halves import halves_of
from lyaopt.model.profiles.graph import GraphCut, Selection, legal_cuts
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.timing import Half, Timing, measure_halves
from lyaopt.model.profiles.torch_profiler import TorchNetwork, export_network
from lyaopt.model.profiles.torch_verify import placeholders_of

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
    """Run head and tail of every cut that `profile_torch` lists, as `lyaopt cut` makes them, and time them.

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

    timing = timing.with_frequency()
    network = export_network(module, example_inputs, example_kwargs)
    cuts = legal_cuts(network.graph, selection, bits_per_element)
    leaves = pytree.tree_leaves((tuple(example_inputs), dict(example_kwargs or {})))
    given = placeholders_of(network, leaves)
    with torch.no_grad(), _threads(timing.threads):
        halves = [_halves(network, cut, [given[name] for name in network.graph.inputs]) for cut in cuts]
        heads, tails = [head for head, _ in halves], [tail for _, tail in halves]
        runtime = f"torch {torch.__version__}"
        return measure_halves([None, *heads[1:]], [*tails[:-1], None], runtime, timing)


def _halves(network: TorchNetwork, cut: GraphCut, given: list[torch.Tensor]) -> tuple[Half, Half]:
    head, tail = halves_of(network, cut)
    made = head(*given)
    crossing = [made[name] for name in cut.crossing]
    return partial(head, *given), partial(tail, *crossing)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
