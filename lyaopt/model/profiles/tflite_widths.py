"""Which tensors of a TensorFlow Lite network hold whole numbers, and what they index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lyaopt.model.profiles.tflite_macs import Layer
from lyaopt.model.profiles.tflite_options import option
from lyaopt.model.profiles.widths import Width, element_widths

COPIES = {"CAST", "EXPAND_DIMS", "RESHAPE", "SQUEEZE", "TRANSPOSE"}


def tflite_widths(layers: Sequence[Layer], tensors: Sequence[Any]) -> dict[str, Width]:
    """Find the bits of an element of those of `tensors` that hold no features, from `layers`.

    See `element_widths`.
    """
    types = {str(i): bits for i, tensor in enumerate(tensors) if (bits := _type_bits(tensor))}
    copies = [
        (str(layer.reads[0]), str(layer.writes[0]))
        for layer in layers
        if layer.kind in COPIES and layer.reads
    ]
    return element_widths(types, [pair for layer in layers for pair in _indices(layer)], copies)


def keeps_values(layer: Layer, tensors: Sequence[Any]) -> bool:
    """Whether the cast `layer` is to a type that holds all values (types are in `tensors`).

    That is float to float, or whole numbers to larger ones.
    """
    before, after = _type_bits(tensors[layer.reads[0]]), _type_bits(tensors[layer.writes[0]])
    return bool(before) == bool(after) and before <= after


def _type_bits(tensor: Any) -> int:
    """Bits of a type of whole numbers; 0 of any other, and of quantised features."""
    import tflite

    quantisation = tensor.Quantization()
    if quantisation is not None and quantisation.ScaleLength():
        return 0
    names = {value: word for word, value in vars(tflite.TensorType).items() if word.isupper()}
    name = names.get(tensor.Type(), "")
    if name == "BOOL":
        return 1
    digits = name.removeprefix("U").removeprefix("INT")
    return int(digits) if digits.isdigit() and "INT" in name else 0


def _indices(layer: Layer) -> Iterator[tuple[str, int]]:
    """Tensors that index another, with its size along the axis."""
    if layer.kind == "EMBEDDING_LOOKUP":
        yield str(layer.reads[0]), layer.read[1][0]
    if layer.kind == "GATHER" and layer.read[0]:
        yield str(layer.reads[1]), layer.read[0][option(layer.operator, "GatherOptions", "Axis", 0)]
    if layer.kind == "ONE_HOT" and layer.written[0]:
        yield str(layer.reads[0]), layer.written[0][option(layer.operator, "OneHotOptions", "Axis", -1)]
