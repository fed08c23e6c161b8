"""Compile the kernels ahead of time: into `lyaopt._core`, and into a library for C.

    python -m lyaopt._kernels.toolchain.aot_build FOLDER

FOLDER is that of the package, or one to take things from into a wheel. What is built: the extension module
``_core``, with every kernel as Python calls it, and ``capi/liblyaopt``, with what capi/lyaopt.h declares;
last ``_core.json``, which says of what and for what they are. All that knows how machine code comes about
ahead of time is in this file.

``LYAOPT_TARGET`` names the processor: ``host`` (the default) has all that this one can, ``x86-64-v2`` and the
like run wherever that level is reached.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOST = "host"
CORE, LIBRARY = "_core", "liblyaopt"
NUMBER_OF_KERNELS = 24
"""What the walk through the folders must find: a kernel that it misses would be missing in silence."""
# Flags of /proc/cpuinfo that stand for instructions which compilers choose; others are of no concern.
_SECOND = {"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}
_THIRD = _SECOND | {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}
_FOURTH = _THIRD | {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}
_LEVELS = {"x86-64": set[str](), "x86-64-v2": _SECOND, "x86-64-v3": _THIRD, "x86-64-v4": _FOURTH}
_BEYOND = """
    adx aes avx512_bf16 avx512_bitalg avx512_vbmi2 avx512_vnni avx512_vpopcntdq avx512ifma avx512vbmi avx_vnni
    clflushopt fma4 gfni pclmulqdq sha_ni sse4a tbm vaes vpclmulqdq xop
"""


def build(folder: Path) -> bool:
    """Build what is not there yet, in processes of their own; return whether anything was to be done.

    A process that has compiled a helper for one library would link it into the other.
    """
    about = _describe()
    place = folder / "_core.json"
    with contextlib.suppress(OSError, ValueError):
        there = all((folder / name).exists() for name in about["files"])
        if there and json.loads(place.read_bytes()) == about:
            return False
    (folder / "capi").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lyaopt-build-") as made:
        started = [
            subprocess.Popen([sys.executable, "-m", __spec__.name, made, part], env=_environment())
            for part in (CORE, LIBRARY)
        ]
        statuses = [process.wait() for process in started]
        if any(statuses):
            raise OSError("the kernels could not be compiled ahead of time")
        # What was there before is of use until now, and from now on not together with what is new.
        place.unlink(missing_ok=True)
        for name in about["files"]:
            _replace(folder / name, (Path(made) / Path(name).name).read_bytes(), 0o755)
    _replace(place, json.dumps(about, indent=1).encode() + b"\n", 0o644)
    return True


def _replace(target: Path, content: bytes, mode: int) -> None:
    """Write a file whole: a process that starts meanwhile finds the one or the other."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _environment() -> dict[str, str]:
    paths = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
    name, features = _processor(_target())
    # Helpers come as Numba's compiler for the running process has optimised them: let it think of the target.
    target = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    # What is for debugging, or for another compiler, must not get into what is built.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LYAOPT_B", "NUMBA_"))}
    return kept | target | {"LYAOPT_CORE": "jit", "PYTHONPATH": os.pathsep.join(paths)}


def _describe() -> dict[str, Any]:
    """What is about to be built, or was."""
    import llvmlite
    import numba

    from lyaopt._kernels.toolchain.core_choice import (
        hash_of_builder,
        hash_of_sources,
        machine,
        processor_flags,
    )

    target = _target()
    return {
        "sources": hash_of_sources(),
        "builder": hash_of_builder(),
        "version": _version(),
        "machine": machine(),
        "target": target,
        "processor": _processor(target)[0],
        "processor_flags": sorted(_required(target, processor_flags())),
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "files": [_extension_name(), f"capi/{_library_name()}"],
        "kernels": {name: _arguments(kernel) for name, kernel in sorted(_all_kernels().items())},
    }


def _required(target: str, offered: frozenset[str]) -> set[str]:
    """Flags without which what is built must not run."""
    if target != HOST:
        return _LEVELS[target]
    known = _FOURTH | set(_BEYOND.split())
    return set(offered & known or offered)  # those of other architectures are all of concern


def _target() -> str:
    target = os.environ.get("LYAOPT_TARGET") or HOST
    if target != HOST and target not in _LEVELS:
        raise ValueError(f"LYAOPT_TARGET: expected host or one of {', '.join(_LEVELS)}, got {target!r}")
    return target


def _processor(target: str) -> tuple[str, str]:
    """Name and features of a target, as LLVM knows them: of the host as for code compiled at run time."""
    if target != HOST:
        return target, ""
    import llvmlite.binding as llvm
    from numba.core.codegen import get_host_cpu_features

    return llvm.get_host_cpu_name(), get_host_cpu_features()


def _extension_name() -> str:
    import sysconfig

    return f"{CORE}{sysconfig.get_config_var('EXT_SUFFIX')}"


def _library_name() -> str:
    return f"{LIBRARY}.{'dylib' if sys.platform == 'darwin' else 'so'}"


def _all_kernels() -> dict[str, Any]:
    from lyaopt._kernels.toolchain import jit

    for module in _kernel_modules():
        importlib.import_module(module)
    if len(jit.KERNELS) != NUMBER_OF_KERNELS:
        raise OSError(f"expected {NUMBER_OF_KERNELS} kernels, found {len(jit.KERNELS)}")
    return jit.KERNELS


def _kernel_modules() -> list[str]:
    """Names of all modules of kernels, in all folders but this one."""
    from lyaopt._kernels.toolchain.core_choice import FOLDER, kernel_sources

    paths = [source.relative_to(FOLDER.parents[1]).with_suffix("") for source in kernel_sources()]
    return sorted(".".join(path.parts) for path in paths if path.parent.name != "toolchain")


def _types(kernel: Any) -> tuple[tuple[Any, ...], Any]:
    from numba.core.sigutils import normalize_signature

    signature = kernel.signature() if callable(kernel.signature) else kernel.signature
    arguments, result = normalize_signature(signature)
    return arguments, result


def _arguments(kernel: Any) -> list[Any]:
    return [_described(kind) for kind in _types(kernel)[0]]


def _described(kind: Any) -> Any:
    """A type as argument_check.py reads it."""
    from numba.core import types
    from numba.np.numpy_support import as_dtype

    if isinstance(kind, types.BaseTuple):
        members: Any = kind
        return [_described(member) for member in members.types]
    if isinstance(kind, types.Array):
        return f"{as_dtype(kind.dtype).str[1:]}:{kind.ndim}"
    return str(as_dtype(kind).str[1:])


@contextlib.contextmanager
def _as_at_run_time() -> Iterator[None]:
    """Have pycc compile with our flags, and for the features of the target rather than those of its name."""
    from unittest import mock

    from numba.core.codegen import AOTCPUCodegen
    from numba.pycc import compiler

    features = _processor(_target())[1]
    with (
        mock.patch.object(compiler, "Flags", _flags),
        mock.patch.object(AOTCPUCodegen, "_customize_tm_features", return_value=features),
    ):
        yield


def _flags() -> Any:
    from numba.core.compiler import Flags
    from numba.core.registry import cpu_target

    from lyaopt._kernels.toolchain.jit import FLAGS

    flags = Flags()
    cpu_target.options.parse_as_flags(flags, {"nopython": True, "boundscheck": None, **FLAGS})
    return flags


def _build_core(folder: Path) -> None:
    """The extension module, with Numba's wrappers and its runtime for arrays."""
    from numba.pycc import CC

    module = CC(CORE, source_module=sys.modules[__name__])
    module.output_dir, module.output_file = str(folder), _extension_name()
    module.target_cpu = _processor(_target())[0]
    for name, kernel in _all_kernels().items():
        arguments, result = _types(kernel)
        module.export(name, result(*arguments))(kernel.function)
    with _as_at_run_time():
        module.compile()


def _build_library(folder: Path) -> None:
    """The library for C: our C in front, and behind it kernels that allocate nothing."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target
    from numba.core.runtime import nrtdynmod
    from numba.pycc.platform import Toolchain

    from lyaopt._kernels.toolchain import jit
    from lyaopt._kernels.toolchain.core_choice import CAPI

    _all_kernels()
    with _as_at_run_time(), global_compiler_lock:
        context = cpu_target.target_context.with_aot_codegen(LIBRARY, cpu_name=_processor(_target())[0])
        library = context.codegen().create_library(LIBRARY)
        library.add_ir_module(nrtdynmod.create_nrt_module(context)[0])
        for name, (signature, function) in jit.C_ENTRIES.items():
            _add_entry(context, library, name, signature, function)
        library.finalize()
        code = library.emit_native_object()
    compiled = folder / f"{LIBRARY}-kernels.o"
    compiled.write_bytes(code)
    toolchain = Toolchain()
    objects = toolchain.compile_objects(
        [str(CAPI / "lyaopt.c")],
        str(folder),
        include_dirs=[str(CAPI)],
        macros=[("LYAOPT_VERSION", f'"{_version()}"')],
        extra_cflags=["-O2", "-std=c99"],
    )
    strict = []
    if sys.platform != "darwin":
        exports = folder / "exports"
        exports.write_text("{ global: lyaopt_[a-j]*; lyaopt_[l-z]*; local: *; };")
        # Nothing of Python, and nothing of Numba's runtime, which is not there: what allocates does not link.
        strict = ["-Wl,-z,defs", "-s", f"-Wl,--version-script={exports}"]
    toolchain.link_shared(
        str(folder / _library_name()), [*objects, str(compiled)], libraries=["m"], extra_ldflags=strict
    )


def _version() -> str:
    """That of the package, which kernels import nothing of."""
    text = (Path(__file__).parents[2] / "_version.py").read_text()
    return text.partition('__version__ = "')[2].partition('"')[0]


def _add_entry(context: Any, library: Any, name: str, signature: str, function: Any) -> None:
    """Compile a function, and give C a way in under its name: arguments by value, a status back."""
    from llvmlite import ir
    from numba.core.compiler import compile_extra
    from numba.core.registry import cpu_target
    from numba.core.sigutils import normalize_signature

    arguments, result = normalize_signature(signature)
    flags = _flags()
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


def main() -> None:
    """Build everything, or one part in a folder."""
    if len(sys.argv) > 2:
        {CORE: _build_core, LIBRARY: _build_library}[sys.argv[2]](Path(sys.argv[1]))
        return
    try:
        build(Path(*sys.argv[1:2]))
    except (OSError, ValueError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
