"""The network of a run: its cuts, and the head and the tail of each as functions of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.live.frames import Tensor
from lyaopt.model.profiles.graph import Selection
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
    """

    def __init__(self, options: NetworkOptions) -> None:
        with needs_extra("profile"):
            import torch
        from lyaopt.model.profiles.targets import load_module
        from lyaopt.model.profiles.torch_profiler import profile_torch

        torch.set_num_threads(1)
        torch.manual_seed(options.seed)
        target = BUILT_IN.get(options.target, options.target)
        module, example, keywords = load_module(target, [tuple(shape) for shape in options.input_shapes])
        if keywords or not all(isinstance(item, torch.Tensor) for item in example):
            raise ProfileError("expected a network whose inputs are tensors by position")
        self._module = module.eval()
        self._example = tuple(example)
        self._options = options
        self.profile: Profile = profile_torch(
            module, example, name=target, bits_per_element=BITS, selection=options.selection
        )
        self._halves: dict[int, tuple[Half, Half]] = {}
        self.inputs = tuple(self._input(number) for number in range(_INPUTS))
        self.outputs = tuple(self.run_whole(values) for values in self.inputs)

    def _input(self, number: int) -> Tensors:
        """Inputs of the example's shapes; whole numbers are kept, as they may be indices."""
        import torch

        generator = torch.Generator().manual_seed(self._options.seed + number)
        return tuple(
            (
                torch.rand(item.shape, generator=generator, dtype=item.dtype)
                if item.is_floating_point()
                else item
            )
            .numpy()
            .copy()
            for item in self._example
        )

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

        with torch.inference_mode():
            return _as_arrays(self._module(*map(torch.from_numpy, inputs)))

    def head(self, cut: int) -> Half:
        """The head of a `cut`: from inputs to what crosses, or to the outputs at the last cut."""
        return self._both(cut)[0]

    def tail(self, cut: int) -> Half:
        """The tail of a `cut`: from what crosses to the outputs."""
        return self._both(cut)[1]

    def _both(self, cut: int) -> tuple[Half, Half]:
        if cut not in self._halves:
            self._halves[cut] = self._cut(cut)
        return self._halves[cut]

    def _cut(self, cut: int) -> tuple[Half, Half]:
        if cut in (0, self.last_cut):
            return (lambda inputs: inputs) if cut == 0 else self.run_whole, self.run_whole
        import torch

        from lyaopt.live.torch_halves import cut_torch

        halves = cut_torch(
            self._module, cut, self._example, selection=self._options.selection, bits_per_element=BITS
        )

        def as_half(function: Callable[..., Any]) -> Half:
            def run(values: Tensors) -> Tensors:
                with torch.inference_mode():
                    return _as_arrays(function(*map(torch.from_numpy, values)))

            return run

        return as_half(halves.head), as_half(halves.tail)

    def agrees(self, number: int, outputs: Tensors) -> bool:
        """Whether `outputs` are, bit for bit, those of the whole network for the input of task `number`."""
        expected = self.outputs[number % _INPUTS]
        return len(expected) == len(outputs) and all(
            a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
            for a, b in zip(expected, outputs, strict=True)
        )

    def input_of(self, number: int) -> Tensors:
        """Input of task `number`: the few that there are, in turns."""
        return self.inputs[number % _INPUTS]


def _as_arrays(values: Any) -> Tensors:
    from torch.utils import _pytree as pytree

    return tuple(leaf.detach().contiguous().numpy() for leaf in pytree.tree_leaves(values))
