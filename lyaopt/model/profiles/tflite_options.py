"""Options of TensorFlow Lite operators."""

from __future__ import annotations

from typing import Any


def option(operator: Any, table_name: str, name: str, default: Any) -> Any:
    """Read an option of an operator, or the default where it has no options.

    Parameters
    ----------
    operator : tflite.Operator
        The operator.
    table_name, name : str
        Class of its options, such as ``BatchMatMulOptions``, and the method that reads this one.
    default : object
        Its value without options.
    """
    import tflite

    table = operator.BuiltinOptions()
    if table is None:
        return default
    options = getattr(tflite, table_name)()
    options.Init(table.Bytes, table.Pos)
    return getattr(options, name)()
