"""Compile flags for code that is built ahead of time: those of code compiled at run time.

Counters of references differ. Numba counts references to arrays with atomic operations, since its code may
run in several threads on one array. Here no counter is ever shared: every call from Python makes counters of
its own for the arrays that it is given, even if another thread or the same call has them too, and kernels
start no threads. An array that a kernel allocates and returns is counted by Python from then on, and gets new
counters when it is passed again. Plain counters are therefore safe. They save a fifth to a half of the time
of a simulated slot. `tests/kernels/test_reference_counters.py` holds it.

Numba keeps the two functions that count out of line, since its passes that remove pairs of counts look for
calls. Once those have run, here they are compiled into their callers: a call would cost little by itself, but
all vector registers are lost over it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def plain_counters() -> Iterator[None]:
    """Have Numba count references without locks."""
    from unittest import mock

    from numba.core.runtime import nrtdynmod

    with mock.patch.object(nrtdynmod, "_define_atomic_inc_dec", _plain_counter):
        yield


def _plain_counter(module: Any, operation: str, ordering: str) -> Any:
    """Define the function by which LLVM code adds to or subtracts from a counter, without a lock.

    Parameters
    ----------
    module : llvmlite.ir.Module
        Gets the function ``nrt_atomic_add`` or ``nrt_atomic_sub``, which returns the new value.
    operation : {"add", "sub"}
        What is done with 1.
    ordering : str
        Memory ordering, which plain operations do not have.
    """
    from llvmlite import ir
    from numba.core import config

    word = ir.IntType(config.MACHINE_BITS)
    function = ir.Function(module, ir.FunctionType(word, [word.as_pointer()]), name=f"nrt_atomic_{operation}")
    builder = ir.IRBuilder(function.append_basic_block())
    count = getattr(builder, operation)(builder.load(function.args[0]), ir.Constant(word, 1))
    builder.store(count, function.args[0])
    builder.ret(count)
    return function


_COUNTING = re.compile(r"^(define .*@NRT_(?:inc|dec)ref\([^)]*\)[^#{]*)#\d+", re.MULTILINE)


def with_inline_counters(module: Any, machine: Any) -> Any:
    """Return an optimised module in which the functions that count are inline."""
    from llvmlite import binding

    text, changed = _COUNTING.subn(r"\1alwaysinline nounwind", str(module))
    if changed != 2:
        raise AssertionError(f"found {changed} functions that count references, expected 2")
    inlined = binding.parse_assembly(text)
    passes = binding.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_simplify_cfg_pass()
    passes.run(inlined, binding.create_pass_builder(machine, binding.create_pipeline_tuning_options()))
    return inlined


def numba_flags() -> Any:
    """Numba's flags object with those of the decorators in jit.py."""
    from numba.core.compiler import Flags
    from numba.core.registry import cpu_target

    from lyaopt._kernels.toolchain.jit import FLAGS

    flags = Flags()
    cpu_target.options.parse_as_flags(flags, {"nopython": True, "boundscheck": None, **FLAGS})
    return flags
