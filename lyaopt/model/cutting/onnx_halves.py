"""Cut an ONNX network into two ONNX networks.

The tail reads the tensors that cross the cut, and computes again what only rearranges them. What depends on
shapes alone is known on both sides and becomes a constant. An output that is ready before the cut belongs to
the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.io.input_files import MAX_MODEL_BYTES
from lyaopt.model.cutting.division import CrossingTensor, Wiring, cut_number, divide
from lyaopt.model.profiles.graph import Graph, GraphCut, Operation, Selection, legal_cuts
from lyaopt.model.profiles.input_shapes import InputShapes
from lyaopt.model.profiles.onnx_profiler import load_model, network_of
from lyaopt.model.profiles.onnx_shapes import Shapes, infer_shapes

_WEIGHTS_APART = 4


@dataclass(frozen=True, eq=False)
class OnnxNetwork:
    """A loaded ONNX network.

    Attributes
    ----------
    model : onnx.ModelProto
        Functions are inlined, and weights from other files are inside.
    shapes : Shapes
        Of all tensors.
    graph : Graph
        Its operations.
    """

    model: Any
    shapes: Shapes
    graph: Graph


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

    @property
    def crossing_tensors(self) -> tuple[CrossingTensor, ...]:
        """Type and shape of each tensor that crosses."""
        from onnx import helper

        types = ((name, self.shapes.types[name].tensor_type.elem_type) for name in self.crossing)
        return tuple(
            CrossingTensor(name, str(helper.tensor_dtype_to_np_dtype(kind)), self.shapes[name])
            for name, kind in types
        )

    @property
    def operations(self) -> tuple[int, int]:
        """Number of operations of the head and of the tail."""
        return len(self.head.graph.node), len(self.tail.graph.node)

    def files(self) -> dict[str, bytes]:
        """Both halves as ONNX files, by name."""
        return {f"{name}.onnx": getattr(self, name).SerializeToString() for name in ("head", "tail")}


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
    network = load_network(Path(path), input_shape)
    cuts = legal_cuts(network.graph, selection, bits_per_element)
    return halves_at(network, cuts, cut_number(at, cuts))


def load_network(path: Path, input_shape: InputShapes | None = None) -> OnnxNetwork:
    """Load an ONNX file with all weights.

    Parameters
    ----------
    path, input_shape
        As of `cut_onnx`.

    Raises
    ------
    ProfileError
        If the file cannot be profiled, or weights in other files cannot be read.
    """
    model = load_model(path, input_shape)
    shapes = infer_shapes(model, path.parent)
    graph = network_of(model, shapes)
    _load_weights(model, path)
    return OnnxNetwork(model, shapes, graph)


def halves_at(network: OnnxNetwork, cuts: Sequence[GraphCut], number: int) -> Halves:
    """Cut a network at one of its legal cuts.

    Parameters
    ----------
    network : OnnxNetwork
        The network.
    cuts : sequence of GraphCut
        Its legal cuts.
    number : int
        k, between the first and the last.

    Raises
    ------
    ProfileError
        If the cut cannot be made.
    """
    split = _Split(network.model, network.shapes, network.graph.operations, cuts[number])
    return Halves(network.model, split.head(), split.tail(), number, cuts[number], network.shapes)


def _load_weights(model: Any, path: Path) -> None:
    """Read weights that are in other files."""
    from onnx import external_data_helper

    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    # A file that is missing or outside of the folder: onnx raises errors of several kinds.
    except Exception as failure:
        raise ProfileError(f"{path.name}: weights cannot be read: {' '.join(str(failure).split())}") from None
    size = sum(tensor.ByteSize() for tensor in model.graph.initializer)
    if size > MAX_MODEL_BYTES:
        raise ProfileError(f"{path.name}: {size} bytes of weights, and an ONNX file holds {MAX_MODEL_BYTES}")


class _Split:
    def __init__(self, model: Any, shapes: Shapes, operations: Sequence[Operation], cut: GraphCut) -> None:
        self.model, self.shapes, self.cut = model, shapes, cut
        self.graph = model.graph
        self.weights = {tensor.name: tensor for tensor in self.graph.initializer}
        self.inputs = [value.name for value in self.graph.input if value.name not in self.weights]
        wiring = Wiring(
            inputs=self.inputs,
            outputs=[value.name for value in self.graph.output],
            reads=[[name for name in node.input if name] for node in self.graph.node],
            makes=[[name for name in node.output if name] for node in self.graph.node],
            known={*self.weights, *shapes.known},
            rearranges=[operation.is_rearrangement for operation in operations],
        )
        self.division = divide(wiring, cut)

    def head(self) -> Any:
        """The network from the inputs to the tensors that cross, and to outputs that are ready."""
        return self._model("head", self.division.head, self.inputs, self.division.made)

    def tail(self) -> Any:
        """The network from the tensors that cross to the other outputs."""
        return self._model("tail", self.division.tail, self.cut.crossing, self.division.late)

    def _model(self, name: str, places: Sequence[int], inputs: Sequence[str], outputs: Sequence[str]) -> Any:
        from onnx import checker, helper

        nodes = [self.graph.node[i] for i in places]
        read = {each for node in nodes for each in node.input} | set(outputs)
        made = {each for node in nodes for each in node.output} | set(inputs)
        graph = helper.make_graph(
            nodes,
            f"{self.graph.name}-{name}",
            [self._value(each) for each in inputs],
            [self._value(each) for each in outputs],
            [self._constant(each) for each in sorted(read - made - {""})],
        )
        # Older files list weights as inputs too.
        version = max(self.model.ir_version, _WEIGHTS_APART)
        versions = {"ir_version": version, "opset_imports": self.model.opset_import}
        model = helper.make_model(graph, producer_name="lyaopt", **versions)
        try:
            checker.check_model(model)
        except checker.ValidationError as failure:
            raise ProfileError(f"the file is no valid ONNX: {' '.join(str(failure).split())}") from None
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
