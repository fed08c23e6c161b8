"""Run a cut ONNX network and compare it with the whole: ONNX Runtime if it can, else onnx itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lyaopt.errors import ProfileError
from lyaopt.model.cutting.agreement import Agreement, compare, quantised
from lyaopt.model.cutting.onnx_halves import Halves
from lyaopt.model.profiles.onnx_shapes import RANDOM, Shapes

Tensors = Mapping[str, Any]
_ONLY_FATAL = 4


def check_halves(halves: Halves, *, bits: int = 8, seed: int = 0) -> Agreement:
    """Run the whole network, and head then tail, on random input.

    Parameters
    ----------
    halves : Halves
        Of an ONNX network.
    bits : int
        Bits of an element of features that cross, for the error that they bring.
    seed : int
        Of the input.

    Returns
    -------
    Agreement

    Raises
    ------
    ProfileError
        If the network cannot be run here, or draws random numbers.
    """
    for node in halves.whole.graph.node:
        if node.op_type.startswith(RANDOM):
            reason = f"the network draws random numbers ({node.op_type})"
            raise ProfileError(f"{reason}, so that nothing can be compared (--no-check leaves it out)")
    given = random_inputs(halves.whole, halves.shapes, seed)
    try:
        whole = _runner(halves.whole)(given)
        head, tail = _runner(halves.head), _runner(halves.tail)
        made = head(given)
        crossing = {name: made[name] for name in halves.crossing}
        ready = {name: value for name, value in made.items() if name in whole}
        rounded = {name: quantised(value, bits) for name, value in crossing.items()}
        types = [str(each.dtype) for each in (*whole.values(), *crossing.values())]
        return compare(whole, {**ready, **tail(crossing)}, {**ready, **tail(rounded)}, bits, types)
    # Operators that are not implemented here, or inputs that they refuse, raise errors of any kind.
    except Exception as failure:
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        raise ProfileError(f"the network cannot be run here: {reason}") from failure


def _runner(model: Any) -> Callable[[Tensors], dict[str, Any]]:
    """Function from inputs to outputs, by name."""
    names = [value.name for value in model.graph.output]
    try:
        session = open_session(model)
    # It is not installed, or lacks an operator, a type or this version of ONNX: it raises errors of any kind.
    except Exception:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(model)
        return lambda given: dict(zip(names, evaluator.run(None, dict(given)), strict=True))
    return lambda given: dict(zip(names, session.run(names, dict(given)), strict=True))


def open_session(model: Any, threads: int | None = None) -> Any:
    """Session of ONNX Runtime on the CPU, which runs operations one after another.

    Parameters
    ----------
    model : onnx.ModelProto
        A network with its weights.
    threads : int, optional
        Threads of an operation; by default one a core.

    Returns
    -------
    onnxruntime.InferenceSession

    Raises
    ------
    ModuleNotFoundError
        Without onnxruntime.
    """
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ONLY_FATAL
    options.inter_op_num_threads = 1
    if threads is not None:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def random_inputs(model: Any, shapes: Shapes, seed: int) -> dict[str, Any]:
    """Standard normal numbers, and 0 or 1 for whole numbers, which may index small tables.

    Parameters
    ----------
    model : onnx.ModelProto
        A network.
    shapes : Shapes
        Of its tensors.
    seed : int
        Of the numbers.
    """
    from onnx import helper

    rng = np.random.default_rng(seed)
    weights = {tensor.name for tensor in model.graph.initializer}
    values: dict[str, Any] = {}
    for value in model.graph.input:
        if value.name in weights:
            continue
        dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        shape = shapes[value.name]
        is_float = np.dtype(dtype).kind == "f"
        values[value.name] = (rng.standard_normal(shape) if is_float else rng.integers(0, 2, shape)).astype(
            dtype
        )
    return values
