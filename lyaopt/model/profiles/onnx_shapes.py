"""Shapes of the tensors of an ONNX network, node by node, with the small values that shapes depend on.

`onnx.shape_inference` infers each node by the rules of its own version of the operator. Between nodes, values
of at most a few thousand numbers are computed: the shapes of tensors, and what is made of them. What a file
declares is used where nothing can be inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.onnx_contrib import contrib_outputs
from lyaopt.model.profiles.onnx_macs import CONTROL_FLOW, MICROSOFT, STANDARD

_MOST_VALUES = 4096
RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomUniform")


class Shapes(dict[str, tuple[int, ...]]):
    """Shapes by tensor; one that is unknown raises a ProfileError that names the reason.

    Attributes
    ----------
    reasons : dict of str to str
        Why a shape is unknown, by tensor.
    types : dict of str to onnx.TypeProto
        Element types by tensor, with shapes that may be open.
    known : dict of str to ndarray
        Small tensors that depend on shapes and small weights alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[str, str] = {}
        self.types: dict[str, Any] = {}
        self.known: dict[str, Any] = {}

    def __missing__(self, tensor: str) -> tuple[int, ...]:
        raise ProfileError(self.reasons.get(tensor, f"the file says nothing of the tensor {tensor}"))


def infer_shapes(model: Any, folder: Path) -> Shapes:
    """Infer the shapes of all tensors of a network whose functions are inlined.

    Parameters
    ----------
    model : onnx.ModelProto
        With the shapes of its inputs.
    folder : Path
        Where the files of external data are.

    Raises
    ------
    ProfileError
        For control flow, and shapes that contradict each other.
    """
    return _Inference(model, folder).run()


class _Inference:
    def __init__(self, model: Any, folder: Path) -> None:
        self.network = model.graph
        self.opsets = list(model.opset_import)
        self.versions = {item.domain.replace("ai.onnx", "", 1): item.version for item in model.opset_import}
        self.folder = folder
        self.shapes = Shapes()
        self.values: dict[str, Any] = {}
        declared = (*self.network.value_info, *self.network.output)
        self.declared = {value.name: value.type for value in declared}

    def run(self) -> Shapes:
        from onnx.helper import make_tensor_type_proto

        for tensor in self.network.initializer:
            self._set(tensor.name, make_tensor_type_proto(tensor.data_type, list(tensor.dims)))
            self._read(tensor)
        for value in self.network.input:
            if value.name not in self.shapes.types:
                self._set(value.name, value.type)
                self.shapes.reasons[value.name] = _open_input(value)
        for place, node in enumerate(self.network.node):
            label = node.name or f"{node.op_type}_{place}"
            if node.op_type in CONTROL_FLOW and node.domain in STANDARD:
                raise ProfileError(f"{node.op_type}: control flow has no fixed work")
            self._infer(node, label)
            self._evaluate(node)
        self.shapes.known = self.values
        return self.shapes

    def _set(self, tensor: str, kind: Any) -> None:
        self.shapes.types[tensor] = kind
        shape = _known_shape(kind)
        if shape is not None:
            self.shapes[tensor] = shape

    def _read(self, tensor: Any) -> None:
        """Keep the value of a small initializer, also if it is in another file."""
        from onnx import TensorProto, external_data_helper, numpy_helper

        if prod(tensor.dims) > _MOST_VALUES or tensor.data_type == TensorProto.STRING:
            return
        try:
            if external_data_helper.uses_external_data(tensor):
                external_data_helper.load_external_data_for_tensor(tensor, str(self.folder))
            self.values[tensor.name] = numpy_helper.to_array(tensor)
        # Only a value that a shape depends on is missed; of a path outside the folder, onnx raises others.
        except Exception as failure:
            reason = " ".join(str(failure).split())
            self.shapes.reasons[f"value of {tensor.name}"] = f"{tensor.name} cannot be read: {reason}"

    def _infer(self, node: Any, label: str) -> None:
        outputs: Mapping[str, Any] = {}
        if all(name in self.shapes.types for name in node.input if name):
            outputs = self._by_schema(node, label)
        for name in node.output:
            kind, said = outputs.get(name), self.declared.get(name)
            if kind is None or _known_shape(kind) is None:
                kind = said if said is not None and _known_shape(said) is not None else kind or said
            if kind is not None:
                self._set(name, kind)
            if name not in self.shapes:
                self.shapes.reasons[name] = self._reason(node, label, name)

    def _by_schema(self, node: Any, label: str) -> Mapping[str, Any]:
        import onnx
        from onnx.checker import ValidationError
        from onnx.shape_inference import InferenceError, infer_node_outputs

        domain = "" if node.domain in STANDARD else node.domain
        known = all(name in self.shapes for name in node.input if name)
        if domain == MICROSOFT:
            return contrib_outputs(node, self.shapes, self.shapes.types) if known else {}
        try:
            schema = onnx.defs.get_schema(node.op_type, self.versions.get(domain, 1), domain)
        except onnx.defs.SchemaError:
            return {}
        data = {
            name: onnx.numpy_helper.from_array(self.values[name], name)
            for name in node.input
            if name in self.values
        }
        types = {name: self.shapes.types[name] for name in node.input if name}
        try:
            return infer_node_outputs(schema, node, types, data, opset_imports=self.opsets)
        except (InferenceError, ValidationError, RuntimeError, ValueError) as failure:
            if known:
                raise ProfileError(f"{label}: {' '.join(str(failure).split())}") from None
            return {}

    def _reason(self, node: Any, label: str, tensor: str) -> str:
        """The first cause: an input of unknown shape, a value of unknown size, or this operator."""
        reasons = self.shapes.reasons
        for name in node.input:
            if name and name not in self.shapes:
                return reasons.get(name, f"the file says nothing of the tensor {name}")
        for name in node.input:
            if f"value of {name}" in reasons:
                return f"the shape of {tensor} is unknown: {reasons[f'value of {name}']}"
        what = f"{node.domain}.{node.op_type}" if node.domain not in STANDARD else node.op_type
        return f"the shape of {tensor}, which {what} {label} makes, is unknown until the network runs"

    def _evaluate(self, node: Any) -> None:
        """Compute the outputs of a node whose inputs are known and small."""
        import numpy as np

        read = node.input[0] if node.input else ""
        if node.op_type in ("Shape", "Size") and read in self.shapes:
            # Only the shape of this array is used: it is one number, repeated.
            inputs = {read: np.broadcast_to(np.zeros((), np.float32), self.shapes[read])}
        else:
            inputs = {name: self.values[name] for name in node.input if name in self.values}
        whole = all(name in inputs for name in node.input if name)
        small = all(prod(self.shapes.get(name, (_MOST_VALUES + 1,))) <= _MOST_VALUES for name in node.output)
        if not (whole and small) or node.domain not in STANDARD or node.op_type in RANDOM:
            return
        self.values.update(_run(node, self.versions.get("", 1), inputs))


def _run(node: Any, version: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run one node in the reference implementation, in its own version; nothing if that fails."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    reads = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in inputs.items()
    ]
    makes = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = helper.make_graph([node], "node", reads, makes)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])
    try:
        results = ReferenceEvaluator(model).run(None, dict(inputs))
    # Operators that it lacks or cannot run raise any exception; their values then stay unknown.
    except Exception:
        return {}
    return dict(zip((name for name in node.output if name), results, strict=False))


def _known_shape(kind: Any) -> tuple[int, ...] | None:
    tensor = kind.tensor_type
    if not tensor.HasField("shape"):
        return None
    sizes = [item.dim_value if item.HasField("dim_value") else -1 for item in tensor.shape.dim]
    # Exporters write open sizes as -1 or 0 too; an empty tensor has no place in a profile.
    return tuple(sizes) if all(size >= 0 for size in sizes) else None


def _open_input(value: Any) -> str:
    sizes = [
        str(item.dim_value) if item.HasField("dim_value") else item.dim_param or "?"
        for item in value.type.tensor_type.shape.dim
    ]
    return f"the input {value.name} has open sizes ({', '.join(sizes)}): it needs an input shape"
