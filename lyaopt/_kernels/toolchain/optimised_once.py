"""Helpers are optimised once, in the module of all kernels, where code is built ahead of time.

Numba finishes a function before it compiles a caller: it links the helpers that the function calls, runs all
passes of LLVM, and makes machine code to call it. The caller links what came of that, and runs all passes
again. In a build ahead of time nothing calls a helper from Python, and a helper below three others would be
optimised four times. Here it stays as it was lowered. The module that becomes an object file has each helper
once, and the same passes run on it once (lowering.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def without_optimisation() -> Iterator[None]:
    """Have Numba leave the library of a function as it is once it is complete."""
    from unittest import mock

    from numba.core.codegen import CPUCodeLibrary
    from numba.core.cpu import CPUContext
    from numba.core.dispatcher import _FunctionCompiler  # type: ignore[attr-defined]
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    rtsys.initialize(cpu_target.target_context)  # Numba's runtime of this process is called

    with (
        mock.patch.object(CPUCodeLibrary, "finalize", _leave),
        mock.patch.object(CPUContext, "get_executable", _stand_in),
        mock.patch.object(_FunctionCompiler, "_customize_flags", _without_wrappers),
    ):
        yield


def _leave(library: Any) -> None:
    library._raise_if_finalized()
    library._finalized = True


def _stand_in(context: Any, library: Any, description: Any, environment: Any) -> Any:
    """A function without code, under which Numba keeps what it knows of a helper."""
    from numba import _dynfunc  # type: ignore[attr-defined]

    library._ensure_finalized()
    name = description.qualname.split(".")[-1]
    return _dynfunc.make_function(description.lookup_module(), name, "", 0, environment, (library,))


def _without_wrappers(compiler: Any, flags: Any) -> Any:
    """Flags for helpers: only callers in LLVM call them."""
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    return flags


def link_all(library: Any) -> None:
    """Link each helper below a library into it once, and drop what nothing calls."""
    from llvmlite.binding import Linkage, create_new_module_pass_manager
    from numba.core.runtime import rtsys

    module = library._final_module
    # The library has a runtime of its own, with plain counters of references.
    helpers = [helper._final_module.clone() for helper in _below(library, {rtsys.library: None})]
    for helper in helpers:
        for function in helper.functions:
            if not function.is_declaration and function.linkage == Linkage.external:
                function.linkage = "weak_odr"  # LLVM would leave out "linkonce_odr" before it is called
    if helpers:
        module.link_in(_linked(helpers))
    for function in module.functions:
        if function.linkage == Linkage.weak_odr:
            function.linkage = "internal"
    passes = create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, library._codegen._pass_builder())


def _linked(modules: list[Any]) -> Any:
    """Link modules two by two: LLVM goes through all of the first one for each that is added."""
    while len(modules) > 1:
        for first, second in zip(modules[::2], modules[1::2], strict=False):
            first.link_in(second)
        modules = modules[::2]
    return modules[0]


def _below(library: Any, seen: dict[Any, None]) -> list[Any]:
    """Libraries that a library needs, each once, except those that were seen."""
    found = []
    for needed in library._linking_libraries:
        if needed not in seen:
            seen[needed] = None
            found += [needed, *_below(needed, seen)]
    return found
