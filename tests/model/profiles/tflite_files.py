"""TensorFlow Lite files for tests, made byte by byte."""

from __future__ import annotations

from typing import Any, NamedTuple

import flatbuffers
import numpy as np
import tflite


class Op(NamedTuple):
    kind: str
    reads: tuple[str, ...]
    makes: str
    # Name of a table of options and its fields; a list is a vector of numbers.
    table: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012


def vector(builder, start, items, offsets=True):
    start(builder, len(items))
    for item in reversed(items):
        (builder.PrependUOffsetTRelative if offsets else builder.PrependInt32)(item)
    return builder.EndVector()


def tensor(builder, name, shape, kind=None, signature=None, buffer=0):
    label = builder.CreateString(name)
    sizes = vector(builder, tflite.TensorStartShapeVector, shape, offsets=False)
    open_sizes = None
    if signature is not None:
        open_sizes = vector(builder, tflite.TensorStartShapeSignatureVector, signature, offsets=False)
    tflite.TensorStart(builder)
    tflite.TensorAddName(builder, label)
    tflite.TensorAddShape(builder, sizes)
    tflite.TensorAddBuffer(builder, buffer)
    if open_sizes is not None:
        tflite.TensorAddShapeSignature(builder, open_sizes)
    if kind is not None:
        tflite.TensorAddType(builder, getattr(tflite.TensorType, kind))
    return tflite.TensorEnd(builder)


def operator_code(builder, kind):
    number = getattr(tflite.BuiltinOperator, kind, tflite.BuiltinOperator.CUSTOM)
    custom = builder.CreateString(kind)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddCustomCode(builder, custom)
    return tflite.OperatorCodeEnd(builder)


def table(builder, name, fields):
    """A table of options."""
    parts = {
        key: vector(builder, getattr(tflite, f"{name}Start{key}Vector"), value, offsets=False)
        if isinstance(value, list)
        else value
        for key, value in fields.items()
    }
    getattr(tflite, f"{name}Start")(builder)
    for key, value in parts.items():
        getattr(tflite, f"{name}Add{key}")(builder, value)
    return getattr(tflite, f"{name}End")(builder)


def buffer(builder, numbers):
    """A buffer of 32-bit whole numbers."""
    data = builder.CreateByteVector(np.array(numbers, np.int32).tobytes()) if len(numbers) else None
    tflite.BufferStart(builder)
    if data is not None:
        tflite.BufferAddData(builder, data)
    return tflite.BufferEnd(builder)


def operator(builder, code, reads, makes, options=None):
    inputs = vector(builder, tflite.OperatorStartInputsVector, reads, offsets=False)
    outputs = vector(builder, tflite.OperatorStartOutputsVector, makes, offsets=False)
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptions(builder, options)
    return tflite.OperatorEnd(builder)


def save(path, operations, shapes, subgraphs=1, kinds=(), signatures=(), values=(), inputs=("x",)):
    """Write a network with tensors of these shapes.

    Tensors that nothing makes are constants, with numbers of `values`; `kinds` are types, `signatures` shapes
    with -1 for open sizes.
    """
    builder = flatbuffers.Builder(1024)
    names, constants = list(shapes), list(dict(values))
    codes = list(dict.fromkeys(op.kind for op in operations))
    tensors = vector(
        builder,
        tflite.SubGraphStartTensorsVector,
        [
            tensor(
                builder,
                name,
                shape,
                "INT32" if name in constants else dict(kinds).get(name),
                dict(signatures).get(name),
                1 + constants.index(name) if name in constants else 0,
            )
            for name, shape in shapes.items()
        ],
    )
    places = [
        (
            [names.index(name) for name in op.reads],
            [names.index(op.makes)],
            table(builder, op.table, op.options) if op.table else None,
        )
        for op in operations
    ]
    offsets = [
        operator(builder, codes.index(op.kind), *place) for op, place in zip(operations, places, strict=True)
    ]
    operators = vector(builder, tflite.SubGraphStartOperatorsVector, offsets)
    inputs = vector(
        builder, tflite.SubGraphStartInputsVector, [names.index(name) for name in inputs], offsets=False
    )
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors)
    tflite.SubGraphAddInputs(builder, inputs)
    tflite.SubGraphAddOperators(builder, operators)
    graph = tflite.SubGraphEnd(builder)
    graphs = vector(builder, tflite.ModelStartSubgraphsVector, [graph] * subgraphs)
    codes = [operator_code(builder, kind) for kind in codes]
    codes = vector(builder, tflite.ModelStartOperatorCodesVector, codes)
    buffers = [buffer(builder, numbers) for numbers in [[], *dict(values).values()]]
    buffers = vector(builder, tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddBuffers(builder, buffers)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path
