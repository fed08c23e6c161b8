"""Link the extension: the object files of the kernels, what makes a module of them, and Numba's runtime.

`numba.pycc` has the last two, in C, and the code that starts a module.
"""

from __future__ import annotations

import pickle
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lyaopt._kernels.toolchain.part_build import METHOD, PARTS

CORE = "_core"


def extension_name() -> str:
    """Name of the extension's file on this platform."""
    return f"{CORE}{sysconfig.get_config_var('EXT_SUFFIX')}"


def build_extensions(folder: Path, targets: list[str]) -> None:
    """Link an extension for each target in its folder, once all parts are compiled."""
    from numba.pycc import CC

    module = CC(CORE, source_module=SimpleNamespace(__name__=CORE, __file__=__file__))
    runtime = [str(folder / name) for name in (folder / "runtime").read_text().splitlines()]
    start = folder / "start.o"
    start.write_bytes(_start_of_module(folder))
    toolchain = module._toolchain
    for target in targets:
        parts = [str(folder / target / f"{CORE}-{part}.o") for part in PARTS]
        toolchain.link_shared(
            str(folder / target / extension_name()),
            [*parts, str(start), *runtime],
            toolchain.get_python_libraries(),
            toolchain.get_python_library_dirs(),
            export_symbols=[f"PyInit_{CORE}"],
            extra_ldflags=module._get_extra_ldflags(),
        )


def build_runtime(folder: Path) -> None:
    """Compile the sources in C of an extension; the names of the object files go into a file."""
    from numba.pycc import CC

    module = CC(CORE, source_module=SimpleNamespace(__name__=CORE, __file__=__file__))
    (folder / "runtime").write_text("\n".join(module._compile_mixins(str(folder))))


def _start_of_module(folder: Path) -> bytes:
    """Machine code that makes the module: its methods, and environments with constants for them."""
    from llvmlite import ir
    from numba.core.compiler_lock import global_compiler_lock
    from numba.pycc.compiler import ExportEntry, ModuleCompiler

    kernels, helpers = _environments(folder)
    entries = [ExportEntry(name, None, None) for name in kernels]
    with global_compiler_lock:
        compiler: Any = ModuleCompiler(entries, CORE, use_nrt=True)
        compiler._mangle_method_symbol = METHOD.__add__
        compiler.external_init_function = f"pycc_init_{CORE}"
        compiler.exported_function_types = dict.fromkeys(entries, ir.FunctionType(ir.VoidType(), []))
        compiler.function_environments = {e: SimpleNamespace(consts=kernels[e.symbol][1]) for e in entries}
        compiler.environment_gvs = {entry: kernels[entry.symbol][0] for entry in entries}
        compiler.extra_environments = {
            symbol: SimpleNamespace(consts=constants) for symbol, constants in helpers.items()
        }
        library = compiler.context.codegen().create_library(CORE)
        module = library.create_ir_module("start")
        compiler._emit_python_wrapper(module)
        library.add_ir_module(module)
        code: bytes = library.emit_native_object()
    return code


def _environments(folder: Path) -> tuple[dict[str, tuple[str, list[Any]]], dict[str, list[Any]]]:
    """Symbol and constants of the environment of each kernel by name, and constants of others by symbol."""
    kernels: dict[str, tuple[str, list[Any]]] = {}
    helpers: dict[str, list[Any]] = {}
    for part in PARTS:
        found = pickle.loads((folder / f"{part}.environments").read_bytes())
        kernels |= {name: (symbol, constants) for name, symbol, constants in found["kernels"]}
        helpers |= found["helpers"]
    return dict(sorted(kernels.items())), helpers
