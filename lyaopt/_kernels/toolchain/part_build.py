"""Compile a part of the kernels, and of the entries of the library for C, into object files.

Parts are folders of kernels. Each is compiled by a process of its own.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from lyaopt._kernels.toolchain import jit
from lyaopt._kernels.toolchain.lowering import Lowered, lowering

PARTS = {"slots": ("slot", "bounds", "learning"), "systems": ("simulation",)}
"""Folders by part, so that both take as long; every folder of kernels is in one."""
METHOD = "lyaopt_method_"
"""What the symbol of a kernel as Python calls it begins with."""


def build_part(folder: Path, part: str, targets: list[str]) -> None:
    """Write the object files of a part for each target, and the environments of its kernels."""
    with lowering(targets[0]) as context:
        library = Lowered(context, "liblyaopt")
        for name, entry in jit.C_ENTRIES.items():
            if _is_in(entry[1], part):
                _add_entry(library, name, *entry)
        library.link()
        core = Lowered(context, "_core")
        kernels = {name: kernel for name, kernel in jit.KERNELS.items() if _is_in(kernel.function, part)}
        environments = [_add_kernel(core, name, kernel) for name, kernel in kernels.items()]
        core.link()
        found = {"kernels": environments, "helpers": _environments_of_helpers(core, environments)}
        (folder / f"{part}.environments").write_bytes(pickle.dumps(found))
        for target in targets:
            (folder / target).mkdir(exist_ok=True)
            for module in (core, library):
                object_file = folder / target / f"{module.library.name}-{part}.o"
                object_file.write_bytes(module.machine_code(target))


def _is_in(function: Any, part: str) -> bool:
    return function.__module__.split(".")[2] in PARTS[part]


def types(signature: Any) -> tuple[tuple[Any, ...], Any]:
    """Types of the arguments and the result of a kernel or entry."""
    from numba.core.sigutils import normalize_signature

    arguments, result = normalize_signature(signature() if callable(signature) else signature)
    return arguments, result


def _add_kernel(module: Lowered, name: str, kernel: Any) -> tuple[str, str, list[Any]]:
    """Add a kernel with its wrapper for Python; return its name, and its environment: symbol, constants."""
    lowered = module.add(kernel.function, types(kernel.signature), wrapper=True)
    module.library.get_function(lowered.fndesc.llvm_func_name).linkage = "internal"
    wrapper = module.library.get_function(lowered.fndesc.llvm_cpython_wrapper_name)
    wrapper.name = METHOD + name
    module.exported.add(wrapper.name)
    return name, lowered.fndesc.env_name, list(lowered.environment.consts)


def _environments_of_helpers(module: Lowered, kernels: list[tuple[str, str, list[Any]]]) -> dict[str, Any]:
    """Constants of the environments that a module has beside those of its kernels, by symbol."""
    from numba.core.environment import lookup_environment

    own = {symbol for _, symbol, _ in kernels}
    found = {}
    for variable in module.library._final_module.global_variables:
        if variable.name.startswith("_ZN08NumbaEnv") and variable.name not in own:
            environment = lookup_environment(variable.name)
            if environment is not None and environment.can_cache():
                found[variable.name] = list(environment.consts)
    return found


def _add_entry(module: Lowered, name: str, signature: str, function: Any) -> None:
    """Add a function, and a C function of its name that passes arguments by value."""
    from llvmlite import ir

    arguments, result = types(signature)
    context, library = module.context, module.library
    lowered = module.add(function, (arguments, result))
    wrapper = library.create_ir_module(f"c.{name}")
    kinds = [context.get_value_type(kind) for kind in arguments]
    entry = ir.Function(wrapper, ir.FunctionType(context.get_value_type(result), kinds), name)
    builder = ir.IRBuilder(entry.append_basic_block())
    inner = context.declare_function(wrapper, lowered.fndesc)
    status, value = context.call_conv.call_function(builder, inner, result, arguments, entry.args)
    builder.ret(builder.select(status.is_ok, value, ir.Constant(value.type, -1)))
    library.add_ir_module(wrapper)
    module.exported.add(name)
