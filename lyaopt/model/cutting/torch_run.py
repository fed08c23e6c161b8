"""Run a cut PyTorch network and compare it with the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lyaopt.errors import ProfileError
from lyaopt.model.cutting.agreement import Agreement, compare, quantised
from lyaopt.model.cutting.torch_halves import TorchHalves
from lyaopt.model.profiles.torch_profiler import evaluation_mode

if TYPE_CHECKING:
    import torch


def check_torch_halves(halves: TorchHalves, *, bits: int = 8, seed: int = 0) -> Agreement:
    """Run the whole network, and head then tail, on random input.

    Parameters
    ----------
    halves : TorchHalves
        Of a PyTorch network.
    bits : int
        Bits of an element of features that cross, for the error that they bring.
    seed : int
        Of the input: standard normal where it is of floats; whole numbers stay those of the example, as they
        may index tables.

    Returns
    -------
    Agreement

    Raises
    ------
    ProfileError
        If the network cannot be run here, or draws random numbers.
    """
    import torch
    from torch.utils import _pytree as pytree

    generator = torch.Generator().manual_seed(seed)
    arguments, keywords = pytree.tree_map(lambda leaf: _random(leaf, generator), halves.example)
    try:
        with torch.no_grad(), evaluation_mode(halves.whole):
            given = _named(halves, pytree.tree_leaves((arguments, keywords)))
            whole, again = (halves.whole(*_copies(arguments), **_copies(keywords)) for _ in range(2))
            made = halves.head(**given)
            crossing = {name: made[name] for name in halves.crossing}
            rounded = {name: _rounded(value, bits) for name, value in crossing.items()}
            by_cut = {**made, **halves.tail(**crossing)}
            by_bits = {**made, **halves.tail(**rounded)}
    # The module's own code may raise any exception.
    except Exception as failure:
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        raise ProfileError(f"the network cannot be run here: {reason}") from failure
    expected = _expected(halves, pytree.tree_leaves(whole))
    if not compare(expected, _expected(halves, pytree.tree_leaves(again)), expected, bits).same_bits:
        reason = "two runs of the network differ: it draws random numbers"
        raise ProfileError(f"{reason}, so that nothing can be compared (--no-check leaves it out)")
    types = [str(by_cut[name].dtype) for name in halves.outputs]
    types = [kind.removeprefix("torch.") for kind in types]
    types += [tensor.type for tensor in halves.crossing_tensors]
    return compare(expected, _arrays(halves, by_cut), _arrays(halves, by_bits), bits, types)


def _random(leaf: Any, generator: torch.Generator) -> Any:
    import torch

    if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():
        return leaf
    return torch.randn(leaf.shape, generator=generator).to(leaf)


def _copies(arguments: Any) -> Any:
    """A network may change its arguments."""
    import torch
    from torch.utils import _pytree as pytree

    return pytree.tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, arguments)


def _named(halves: TorchHalves, leaves: list[Any]) -> dict[str, Any]:
    specs = halves.network.program.graph_signature.input_specs
    names = [spec.arg.name for spec in specs if spec.kind.name == "USER_INPUT"]
    given = dict(zip(names, leaves, strict=True))
    return {name: given[name] for name in halves.inputs}


def _expected(halves: TorchHalves, leaves: list[Any]) -> dict[str, Any]:
    """Tensors that the whole network returned, by the names of the exported ones."""
    specs = halves.network.program.graph_signature.output_specs
    names = [getattr(spec.arg, "name", "") for spec in specs if spec.kind.name == "USER_OUTPUT"]
    named = zip(names, leaves, strict=True)
    return {name: as_array(leaf) for name, leaf in named if name in halves.outputs}


def _arrays(halves: TorchHalves, made: Mapping[str, Any]) -> dict[str, Any]:
    return {name: as_array(made[name]) for name in halves.outputs}


def as_array(tensor: torch.Tensor) -> Any:
    """Array of the values of a tensor; those of types that NumPy lacks in single precision.

    Parameters
    ----------
    tensor : torch.Tensor
        Of any type.
    """
    import torch

    kept = tensor.detach().cpu()
    if kept.is_complex():
        kept = torch.view_as_real(kept.resolve_conj())
    if kept.is_floating_point() and kept.dtype not in (torch.float16, torch.float32, torch.float64):
        kept = kept.to(torch.float32)
    return np.asarray(kept.resolve_neg())


def _rounded(tensor: torch.Tensor, bits: int) -> torch.Tensor:
    import torch

    if not tensor.is_floating_point():
        return tensor
    return torch.from_numpy(np.array(quantised(as_array(tensor), bits))).to(tensor)
