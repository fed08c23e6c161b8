"""Functions as modules of LLVM, and the machine code of a module for a target.

Functions are lowered once, by Numba in Python, for all targets and for both outputs: this takes most of the
time of a build. Then each module is optimised for each target.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from lyaopt._kernels.toolchain.aot_flags import numba_flags, plain_counters, with_inline_counters
from lyaopt._kernels.toolchain.optimised_once import link_all, without_optimisation
from lyaopt._kernels.toolchain.targets import processor


@contextlib.contextmanager
def lowering(target: str) -> Iterator[Any]:
    """Numba's context in which functions are lowered; what depends on the processor is as for a target."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    with without_optimisation(), plain_counters(), global_compiler_lock:
        yield cpu_target.target_context.subtarget(_internal_codegen=_codegen(target), aot_mode=True)


def _codegen(target: str) -> Any:
    from unittest import mock

    from numba.core.codegen import AOTCPUCodegen

    name, features = processor(target)
    with mock.patch.object(AOTCPUCodegen, "_customize_tm_features", return_value=features):
        return AOTCPUCodegen("lyaopt", cpu_name=name)


class Lowered:
    """A module of LLVM that functions are added to.

    Parameters
    ----------
    context
        What `lowering` gives.
    name : str
        The name of the module.

    Attributes
    ----------
    exported : set of str
        Symbols of functions that others than the module call.
    """

    def __init__(self, context: Any, name: str) -> None:
        from numba.core.runtime import nrtdynmod

        self.context = context
        self.library = context.codegen().create_library(name)
        self.library.add_ir_module(nrtdynmod.create_nrt_module(context)[0])
        self.exported: set[str] = set()

    def add(self, function: Callable[..., Any], types: tuple[Any, Any], wrapper: bool = False) -> Any:
        """Lower a function for types of arguments and result; with a wrapper that Python can call."""
        from numba.core.compiler import compile_extra
        from numba.core.registry import cpu_target

        flags = numba_flags()
        flags.no_compile = flags.no_cfunc_wrapper = True
        flags.no_cpython_wrapper = not wrapper
        lowered = compile_extra(
            cpu_target.typing_context, self.context, function, *types, flags, locals={}, library=self.library
        )
        for helper in self.library._final_module.functions:
            if helper.name.startswith("__excinfo_unwrap_args"):
                helper.linkage = "linkonce_odr"  # several functions have the same one
        return lowered

    def link(self) -> None:
        """Add the helpers; afterwards no function can be added."""
        link_all(self.library)

    def machine_code(self, target: str) -> bytes:
        """The content of an object file for a target."""
        library = _codegen(target).create_library(self.library.name)
        library._final_module = module = self.library._final_module.clone()
        library._optimize_final_module()
        module.verify()
        for function in module.functions:
            if function.name in self.exported:
                function.visibility = "hidden"  # to other libraries, not to other object files
            elif not function.is_declaration:
                function.linkage = "internal"
        machine = library._codegen._tm
        code: bytes = machine.emit_object(with_inline_counters(module, machine))
        return code
