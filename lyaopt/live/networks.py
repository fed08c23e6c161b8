"""The network of a run: its cuts, and the head and the tail of each as functions of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.live.frames import Tensor
from lyaopt.model.profiles.graph import Selection, legal_cuts, make_profile
from lyaopt.model.profiles.model import Profile

BUILT_IN = {"small": "lyaopt.live.small_network:build"}
"""Networks that ship with lyaopt, by name."""
_INPUTS = 8
BITS = 32
"""Of an element that crosses: features are sent as they are."""

Tensors = tuple[Tensor, ...]
Half = Callable[[Tensors], Tensors]


@dataclass(frozen=True)
class NetworkOptions:
    """Which network, and how it is cut.

    Attributes
    ----------
    target : str
        ``MODULE:FACTORY``, or a name of `BUILT_IN`.
    input_shapes : sequence of sequence of int
        Of the inputs, where the factory gives none.
    selection : {"single", "valleys", "all"}
        Cuts to list.
    seed : int
        Of random weights and inputs.
    """

    target: str
    input_shapes: Sequence[Sequence[int]] = ()
    selection: Selection = "single"
    seed: int = 0


class LiveNetwork:
    """A PyTorch network with its halves.

    Parameters
    ----------
    options : NetworkOptions
        Its random weights are those of the seed, so that every process has the same.

    Attributes
    ----------
    profile : Profile
        Its cuts, in the bits that cross.
    inputs : tuple of tuple of ndarray
        A few tasks' inputs.
    outputs : tuple of tuple of ndarray
        What the whole network makes of each.

    Raises
    ------
    ProfileError
        If it cannot be loaded, exported or cut, keeps state from run to run, or takes keywords.
    MissingExtraError
        Without torch (extra `profile`).
    """

    def __init__(self, options: NetworkOptions) -> None:
        with needs_extra("profile"):
            import torch
        from lyaopt.model.profiles.targets import load_network
        from lyaopt.model.profiles.torch_profiler import export_network

        torch.set_num_threads(1)
        torch.manual_seed(options.seed)
        target = BUILT_IN.get(options.target, options.target)
        module, example, keywords = load_network(target, [tuple(shape) for shape in options.input_shapes])
        if keywords or not all(isinstance(item, torch.Tensor) for item in example):
            raise ProfileError("expected a network whose inputs are tensors by position")
        self._module, self._example, self._options = module.eval(), tuple(example), options
        self._network = export_network(module, example)
        if self._network.program.graph_signature.buffers_to_mutate:
            raise ProfileError("the network changes when it runs: no half can")
        self.profile: Profile = make_profile(
            type(module).__name__, target, self._network.graph, BITS, options.selection
        )
        self._halves: dict[int, tuple[Half, Half]] = {}
        self._late: dict[int, list[int]] = {}
        self.inputs = tuple(self._input(number) for number in range(_INPUTS))
        self.outputs = tuple(self.run_whole(values) for values in self.inputs)

    def _input(self, number: int) -> Tensors:
        """Inputs of the example's shapes; whole numbers are kept, as they may be indices."""
        import torch

        generator = torch.Generator().manual_seed(self._options.seed + number)

        def like(item: torch.Tensor) -> Tensor:
            if not item.is_floating_point():
                return np.array(item.detach().numpy())
            return np.array(torch.rand(item.shape, generator=generator, dtype=item.dtype).numpy())

        return tuple(map(like, self._example))

    @property
    def last_cut(self) -> int:
        """K: the whole network is the head."""
        return len(self.profile.cuts) - 1

    def digest(self) -> str:
        """SHA-256 of the weights, by which processes know that they have the same network."""
        found = hashlib.sha256()
        for name, values in sorted(self._module.state_dict().items()):
            found.update(name.encode())
            found.update(np.ascontiguousarray(values.detach().numpy()).tobytes())
        return found.hexdigest()

    def run_whole(self, inputs: Tensors) -> Tensors:
        """Run the module itself on `inputs`, and return its outputs."""
        import torch
        from torch.utils import _pytree as pytree

        with torch.inference_mode():
            return _as_arrays(pytree.tree_leaves(self._module(*map(_aligned, inputs))))

    def head(self, cut: int) -> Half:
        """The head of a `cut`: from inputs to what crosses, or to the outputs at the last cut."""
        return self._both(cut)[0]

    def tail(self, cut: int) -> Half:
        """The tail of a `cut`: from what crosses to the outputs that were not ready before."""
        return self._both(cut)[1]

    def _both(self, cut: int) -> tuple[Half, Half]:
        if cut not in self._halves:
            whole = self.run_whole
            self._late[cut] = list(range(len(self.outputs[0])))
            ends: dict[int, tuple[Half, Half]] = {
                0: (lambda inputs: inputs, whole),
                self.last_cut: (whole, whole),
            }
            self._halves[cut] = ends[cut] if cut in ends else self._cut(cut)
        return self._halves[cut]

    def _cut(self, cut: int) -> tuple[Half, Half]:
        import torch

        from lyaopt.model.cutting.torch_halves import halves_of

        found = legal_cuts(self._network.graph, self._options.selection, BITS)[cut]
        made, late = halves_of(self._network, found)

        def head(inputs: Tensors) -> Tensors:
            with torch.inference_mode():
                tensors = made(*map(_aligned, inputs))
                return _as_arrays(tensors[name] for name in found.crossing)

        def tail(crossing: Tensors) -> Tensors:
            with torch.inference_mode():
                return _as_arrays(late(*map(_aligned, crossing)).values())

        with torch.inference_mode():
            names = late(*map(_aligned, head(self.inputs[0])))
        outputs = list(self._network.program.graph_signature.user_outputs)
        self._late[cut] = [outputs.index(name) for name in names]
        return head, tail

    def agrees(self, cut: int, number: int, outputs: Tensors) -> bool:
        """Whether the `outputs` of the tail of a `cut` are those of the whole network for task `number`.

        Bit for bit. Outputs that were ready before the cut stayed on the device and are not looked at.
        """
        expected = [self.outputs[number % _INPUTS][place] for place in self._late[cut]]
        return len(expected) == len(outputs) and all(
            a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
            for a, b in zip(expected, outputs, strict=True)
        )

    def input_of(self, number: int) -> Tensors:
        """Input of task `number`: the few that there are, in turns."""
        return self.inputs[number % _INPUTS]


def _aligned(array: Tensor) -> Any:
    """A tensor with memory of torch's own: what came in a frame may lie anywhere, and vector instructions
    then add up in another order.
    """
    import torch

    return torch.tensor(array)


def _as_arrays(tensors: Iterable[Any]) -> Tensors:
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)
