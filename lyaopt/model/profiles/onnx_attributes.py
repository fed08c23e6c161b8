"""Attributes of ONNX operations."""

from __future__ import annotations

from typing import Any


def attribute(node: Any, name: str, default: Any) -> Any:
    """Read the attribute `name` of `node` (an `onnx.NodeProto`), or `default` where it is absent."""
    from onnx.helper import get_attribute_value

    found = next((item for item in node.attribute if item.name == name), None)
    return default if found is None else get_attribute_value(found)
