"""Build the library for C: the sources in capi/ in front of kernels that allocate nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lyaopt._kernels.toolchain import jit
from lyaopt._kernels.toolchain.aot_flags import as_at_run_time, numba_flags
from lyaopt._kernels.toolchain.core_choice import C_SOURCES, CAPI
from lyaopt._kernels.toolchain.targets import processor, target

LIBRARY = "liblyaopt"


def library_name() -> str:
    """Name of the library's file on this platform."""
    return f"{LIBRARY}.{'dylib' if sys.platform == 'darwin' else 'so'}"


def build_library(folder: Path, version: str) -> None:
    """Compile the entries of `jit.C_ENTRIES`, whose modules are imported already, and link the library."""
    from numba.pycc.platform import Toolchain

    compiled = folder / f"{LIBRARY}-kernels.o"
    compiled.write_bytes(_compiled_entries())
    toolchain = Toolchain()
    objects = toolchain.compile_objects(
        [str(CAPI / name) for name in C_SOURCES if name.endswith(".c")],
        str(folder),
        include_dirs=[str(CAPI)],
        macros=[("LYAOPT_VERSION", f'"{version}"')],
        extra_cflags=["-O2", "-std=c99"],
    )
    strict = []
    if sys.platform != "darwin":
        exports = folder / "exports"
        exports.write_text("{ global: lyaopt_[a-j]*; lyaopt_[l-z]*; local: *; };")
        # Undefined symbols are errors. Neither Python nor Numba's runtime is linked, so that a kernel that
        # allocates fails here.
        strict = ["-Wl,-z,defs", "-s", f"-Wl,--version-script={exports}"]
    toolchain.link_shared(
        str(folder / library_name()), [*objects, str(compiled)], libraries=["m"], extra_ldflags=strict
    )


def _compiled_entries() -> bytes:
    """Machine code of all entries, as an object file."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.core.runtime import nrtdynmod

    with as_at_run_time(LIBRARY), global_compiler_lock:
        context = cpu_target.target_context.with_aot_codegen(LIBRARY, cpu_name=processor(target())[0])
        library = context.codegen().create_library(LIBRARY)
        library.add_ir_module(nrtdynmod.create_nrt_module(context)[0])
        for name, (signature, function) in jit.C_ENTRIES.items():
            _add_entry(context, library, name, signature, function)
        library.finalize()
        code: bytes = library.emit_native_object()
    return code


def _add_entry(context: Any, library: Any, name: str, signature: str, function: Any) -> None:
    """Compile a function, and export a C function of its name that passes arguments by value."""
    from llvmlite import ir
    from numba.core.compiler import compile_extra
    from numba.core.registry import cpu_target
    from numba.core.sigutils import normalize_signature

    arguments, result = normalize_signature(signature)
    flags = numba_flags()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    compiled = compile_extra(
        cpu_target.typing_context, context, function, arguments, result, flags, locals={}, library=library
    )
    module = library.create_ir_module(f"c.{name}")
    types = [context.get_value_type(kind) for kind in arguments]
    entry = ir.Function(module, ir.FunctionType(context.get_value_type(result), types), name)
    builder = ir.IRBuilder(entry.append_basic_block())
    inner = context.declare_function(module, compiled.fndesc)
    status, value = context.call_conv.call_function(builder, inner, result, arguments, entry.args)
    builder.ret(builder.select(status.is_ok, value, ir.Constant(value.type, -1)))
    library.add_ir_module(module)
