"""Work of PyTorch operators that PyTorch's own counter leaves out."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Step = tuple[Any, ...]
"""One operation of an exported program: its `torch.fx.Node`, then those that unpack its results."""

# PyTorch counts two operations for each multiply-accumulate.
_FLOPS_PER_MAC = 2
# They read weights without products and sums: no MACs.
_NO_PRODUCTS = {
    "_native_batch_norm_legit_no_training",
    "batch_norm",
    "cat",
    "embedding",
    "gather",
    "group_norm",
    "index",
    "index_select",
    "layer_norm",
    "native_group_norm",
    "native_layer_norm",
    "prelu",
    "stack",
}
# Matrix products inside other operators, which the counter does not know.
_UNCOUNTED = {"_cdist_forward", "_fft_c2c", "_fft_c2r", "_fft_r2c", "_int_mm", "_trilinear", "addr"}
_UNCOUNTED_PREFIXES = ("linalg_", "_linalg_")
# Operators of PyTorch itself; those of other packages may do any work.
_OWN_NAMESPACES = {"aten", "prim", "prims", "quantized_decomposed"}


class Counter:
    """Counts what operators do when they are run: PyTorch's own counter, and products with vectors.

    Attributes
    ----------
    seen : set of str
        Names of the operators that ran, also inside others; the caller empties it.
    """

    def __init__(self) -> None:
        from torch.utils.flop_counter import FlopCounterMode

        self.seen: set[str] = set()
        self._flops = FlopCounterMode(display=False, custom_mapping=_vector_products())
        self._recorder = _recorder(self.seen)

    def __enter__(self) -> Counter:
        self._flops.__enter__()
        self._recorder.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._recorder.__exit__(*failure)
        self._flops.__exit__(*failure)

    @property
    def macs(self) -> int:
        """Multiply-accumulates so far."""
        return self._flops.get_total_flops() // _FLOPS_PER_MAC


def _vector_products() -> dict[Any, Any]:
    """Operations of products with a vector, from the shapes of their arguments."""
    import torch

    def of(place: int) -> Any:
        return lambda *shapes, **_: _FLOPS_PER_MAC * prod(shapes[place])

    operators = torch.ops.aten
    return {operators.mv: of(0), operators.addmv: of(1), operators.dot: of(0), operators.vdot: of(0)}


def _recorder(seen: set[str]) -> Any:
    """A mode that notes the name of every operator that runs."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            seen.add(function._schema.name.rpartition("::")[2])
            return function(*args, **(kwargs or {}))

    return Recorder()


def operator_name(node: Any) -> str:
    """Name of the operator of a node, such as ``mm``."""
    return str(node.target._schema.name.rpartition("::")[2])


def weights_of(program: torch.export.ExportedProgram, steps: tuple[Step, ...]) -> set[Any]:
    """Weights of two or more dimensions of `program`, and what `steps` compute from weights alone."""
    import torch

    tensors = [node for node in program.graph.nodes if isinstance(node.meta.get("val"), torch.Tensor)]
    user = set(program.graph_signature.user_inputs)
    fixed = {node for node in tensors if node.op == "placeholder" and node.name not in user}
    weights = {node for node in fixed if node.meta["val"].dim() >= 2}
    for step in steps:
        if step[0].all_input_nodes and fixed.issuperset(step[0].all_input_nodes):
            fixed.update(step)
            if not weights.isdisjoint(step[0].all_input_nodes):
                weights.update(step)
    return weights


def looks_uncounted(node: Any, weights: set[Any], macs: int, seen: set[str]) -> bool:
    """Whether an operation does work that is not in its MACs.

    It multiplies matrices in a way that the counter does not know, or nothing was counted and it belongs to
    another package, or reads weights other than by element.

    Parameters
    ----------
    node : torch.fx.Node
        The operation.
    weights : set of torch.fx.Node
        As of `weights_of`.
    macs : int
        Its multiply-accumulates.
    seen : set of str
        Operators that ran inside it.
    """
    import torch

    name = operator_name(node)
    if any(inner in _UNCOUNTED or inner.startswith(_UNCOUNTED_PREFIXES) for inner in {name, *seen}):
        return True
    if macs:
        return False
    if node.target._schema.name.partition("::")[0] not in _OWN_NAMESPACES:
        return True
    if node in weights or weights.isdisjoint(node.all_input_nodes):
        return False
    is_pointwise = torch.Tag.pointwise in node.target.tags
    return not (is_pointwise or name in _NO_PRODUCTS)
