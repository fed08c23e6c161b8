"""Cut an ONNX network into two ONNX networks.

The tail reads the tensors that cross the cut, and computes again what only rearranges them. What depends on
shapes alone is known on both sides and becomes a constant. An output that is ready before the cut belongs to
the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.graph import GraphCut, Operation, Selection, legal_cuts
from lyaopt.model.profiles.input_shapes import InputShapes
from lyaopt.model.profiles.onnx_profiler import load_model, network_of
from lyaopt.model.profiles.onnx_shapes import Shapes, infer_shapes


@dataclass(frozen=True, eq=False)
class Halves:
    """A network, its head and its tail.

    Attributes
    ----------
    whole, head, tail : onnx.ModelProto
        Functions are inlined, and weights from other files are inside.
    number : int
        k, number of the cut in the list of legal cuts.
    cut : GraphCut
        The cut.
    shapes : Shapes
        Of all tensors.
    """

    whole: Any
    head: Any
    tail: Any
    number: int
    cut: GraphCut
    shapes: Shapes

    @property
    def crossing(self) -> tuple[str, ...]:
        """Tensors that cross the cut: the first outputs of the head, and all inputs of the tail."""
        return self.cut.crossing


def cut_onnx(
    path: str | Path,
    at: int | str,
    *,
    input_shape: InputShapes | None = None,
    selection: Selection = "single",
    bits_per_element: int = 8,
) -> Halves:
    """Cut an ONNX file.

    Parameters
    ----------
    path : str or Path
        The file.
    at : int or str
        Number k of a cut, from 1 to K - 1, or the operation after which it is, both as the profile lists.
    input_shape, selection, bits_per_element
        As of `lyaopt.model.profiles.onnx_profiler.profile_onnx`.

    Returns
    -------
    Halves

    Raises
    ------
    ProfileError
        If the file cannot be profiled, or has no such cut.
    MissingExtraError
        Without onnx (extra `profile`).
    """
    path = Path(path)
    model = load_model(path, input_shape)
    shapes = infer_shapes(model, path.parent)
    network = network_of(model, shapes)
    cuts = legal_cuts(network, selection, bits_per_element)
    number = _number(at, cuts)
    _load_weights(model, path)
    split = _Split(model, shapes, network.operations, cuts[number])
    return Halves(model, split.head(), split.tail(), number, cuts[number], shapes)


def _number(at: int | str, cuts: Sequence[GraphCut]) -> int:
    names = [cut.after for cut in cuts]
    number = names.index(at) if isinstance(at, str) and at in names else at
    if isinstance(number, str):
        listed = ", ".join(names[1:-1]) or "none"
        raise ProfileError(f"expected a cut after one of {listed}, got {at!r}")
    last = len(cuts) - 1
    if not 0 < number < last:
        reason = f"expected a cut from 1 to K - 1 = {last - 1}, got {number}"
        raise ProfileError(
            f"{reason}: cuts 0 and {last} leave one half empty" if number in (0, last) else reason
        )
    return number


def _load_weights(model: Any, path: Path) -> None:
    """Read weights that are in other files."""
    from onnx import external_data_helper

    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    # A file that is missing or outside of the folder: onnx raises errors of several kinds.
    except Exception as failure:
        raise ProfileError(f"{path.name}: weights cannot be read: {' '.join(str(failure).split())}") from None


class _Split:
    def __init__(self, model: Any, shapes: Shapes, operations: Sequence[Operation], cut: GraphCut) -> None:
        self.model, self.shapes, self.operations, self.cut = model, shapes, operations, cut
        self.graph = model.graph
        self.maker = {name: i for i, node in enumerate(self.graph.node) for name in node.output if name}
        self.weights = {tensor.name: tensor for tensor in self.graph.initializer}
        self.inputs = [value.name for value in self.graph.input if value.name not in self.weights]
        self.outputs = [value.name for value in self.graph.output]
        self.ready = [name for name in self.outputs if self._is_ready(name)]

    def _is_ready(self, output: str) -> bool:
        """Whether an output is made without the tail's operations; it may still be rearranged."""
        if output in self.cut.crossing:
            return True
        needed, read = self._needed([output], set(self.cut.crossing))
        if not read - set(self.cut.crossing):
            return False
        late = [i for i in needed if i >= self.cut.operations and not self.operations[i].is_rearrangement]
        if late:
            reason = f"the tail needs more than {', '.join(self.cut.crossing)}"
            raise ProfileError(f"the cut after {self.cut.after} cannot be made: {reason}")
        return True

    def head(self) -> Any:
        """The network from the inputs to the tensors that cross, and to outputs that are ready."""
        outputs = list(dict.fromkeys([*self.cut.crossing, *self.ready]))
        needed, _ = self._needed(outputs, set(self.inputs))
        return self._model("head", needed, self.inputs, outputs)

    def tail(self) -> Any:
        """The network from the tensors that cross to the other outputs."""
        outputs = [name for name in self.outputs if name not in self.ready]
        needed, _ = self._needed(outputs, set(self.cut.crossing))
        return self._model("tail", needed, self.cut.crossing, outputs)

    def _needed(self, outputs: Iterable[str], stop: set[str]) -> tuple[set[int], set[str]]:
        """Places of the operations that make outputs of what is given, and the inputs that they read."""
        needed: set[int] = set()
        read: set[str] = set()
        waiting = [name for name in outputs if name not in stop]
        while waiting:
            name = waiting.pop()
            if name in stop or name in self.inputs:
                read.add(name)
            elif name not in self.weights and name not in self.shapes.known:
                place = self.maker.get(name)
                if place is not None and place not in needed:
                    needed.add(place)
                    waiting += [each for each in self.graph.node[place].input if each]
        return needed, read

    def _model(self, name: str, needed: set[int], inputs: Sequence[str], outputs: Sequence[str]) -> Any:
        from onnx import checker, helper

        nodes = [self.graph.node[i] for i in sorted(needed)]
        read = {each for node in nodes for each in node.input} | set(outputs)
        made = {each for node in nodes for each in node.output} | set(inputs)
        graph = helper.make_graph(
            nodes,
            f"{self.graph.name}-{name}",
            [self._value(each) for each in inputs],
            [self._value(each) for each in outputs],
            [self._constant(each) for each in sorted(read - made - {""})],
        )
        versions = {"ir_version": self.model.ir_version, "opset_imports": self.model.opset_import}
        model = helper.make_model(graph, producer_name="lyaopt", **versions)
        checker.check_model(model)
        return model

    def _constant(self, name: str) -> Any:
        from onnx import numpy_helper

        return (
            self.weights[name]
            if name in self.weights
            else numpy_helper.from_array(self.shapes.known[name], name)
        )

    def _value(self, name: str) -> Any:
        from onnx import helper

        return helper.make_value_info(
            name,
            helper.make_tensor_type_proto(self.shapes.types[name].tensor_type.elem_type, self.shapes[name]),
        )
