"""Copies between a few places of an array and a row of `LANES` doubles, each in one masked instruction.

Loops over rows of a constant length have no remainder. A loop that copies fewer numbers than fill a vector
would be one, number by number, and the wide loads that follow would wait for its narrow stores.
"""

from __future__ import annotations

from typing import Any

from lyaopt._kernels.toolchain.jit import CORE
from lyaopt._kernels.toolchain.late_intrinsic import LateIntrinsic

LANES = 8
"""Doubles of the widest vectors; two vectors where they are half as wide."""


def _vector_tools(context: Any, builder: Any, array: Any, value: Any, first: Any, count: Any) -> Any:
    """Return (vector type, pointer to array[first], mask of the first `count` lanes)."""
    from llvmlite import ir
    from numba.core import types
    from numba.np.arrayobj import make_array

    vector = ir.VectorType(ir.DoubleType(), LANES)
    data = make_array(array)(context, builder, value).data
    pointer = builder.bitcast(builder.gep(data, [first]), vector.as_pointer())
    whole = ir.VectorType(context.get_value_type(types.int64), LANES)
    lanes = ir.Constant(whole, list(range(LANES)))
    counts = builder.insert_element(ir.Constant(whole, ir.Undefined), count, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    spread = builder.shuffle_vector(counts, ir.Constant(whole, ir.Undefined), zeros)
    return vector, pointer, builder.icmp_signed("<", lanes, spread)


def _call_masked(builder: Any, kind: str, result: Any, arguments: list[Any]) -> Any:
    from llvmlite import ir
    from numba.core.cgutils import get_or_insert_function

    form = ir.FunctionType(result, [argument.type for argument in arguments])
    function = get_or_insert_function(builder.module, form, f"llvm.masked.{kind}.v{LANES}f64.p0")
    return builder.call(function, arguments)


def _make_load() -> Any:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def load(typingctx, values, first, count, otherwise, row):
        def build(context, builder, signature, arguments):
            given, start, number, rest, to = arguments
            vector, pointer, mask = _vector_tools(context, builder, values, given, start, number)
            filled = builder.insert_element(
                ir.Constant(vector, ir.Undefined), rest, ir.Constant(ir.IntType(32), 0)
            )
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            filled = builder.shuffle_vector(filled, ir.Constant(vector, ir.Undefined), zeros)
            align = ir.Constant(ir.IntType(32), 8)
            loaded = _call_masked(builder, "load", vector, [pointer, align, mask, filled])
            into = builder.bitcast(make_array(row)(context, builder, to).data, vector.as_pointer())
            builder.store(loaded, into, align=8)
            return context.get_dummy_value()

        return types.void(values, types.int64, types.int64, types.float64, row), build

    return load


def _make_store() -> Any:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def store(typingctx, row, first, count, values):
        def build(context, builder, signature, arguments):
            given, start, number, to = arguments
            vector, pointer, mask = _vector_tools(context, builder, values, to, start, number)
            source = builder.bitcast(make_array(row)(context, builder, given).data, vector.as_pointer())
            align = ir.Constant(ir.IntType(32), 8)
            loaded = builder.load(source, align=8)
            _call_masked(builder, "store", ir.VoidType(), [loaded, pointer, align, mask])
            return context.get_dummy_value()

        return types.void(row, types.int64, types.int64, values), build

    return store


def _load(values, first, count, otherwise, row):
    row[:LANES] = otherwise
    row[:count] = values[first : first + count]


def _store(row, first, count, values):
    values[first : first + count] = row[:count]


load_row: Any = _load if CORE == "python" else LateIntrinsic(_make_load)
"""``load_row(values, first, count, otherwise, row)``: ``row[t] = values[first + t]``, `otherwise` beyond."""
store_row: Any = _store if CORE == "python" else LateIntrinsic(_make_store)
"""``store_row(row, first, count, values)``: ``values[first + t] = row[t]`` for the first `count` t."""
