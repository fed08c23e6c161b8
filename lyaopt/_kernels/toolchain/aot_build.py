"""Compile the kernels ahead of time: into `lyaopt._core`, and into a library for C.

    python -m lyaopt._kernels.toolchain.aot_build FOLDER

FOLDER is that of the package, or a folder whose files go into a wheel. It receives the extension module
``_core``, with every kernel as Python calls it; ``capi/liblyaopt``, with the functions of capi/lyaopt.h; and
last ``_core.json``, which describes their sources and their target. Only this file, library_build.py,
aot_flags.py and targets.py know how machine code is made ahead of time.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lyaopt._kernels.toolchain.targets import processor, required_flags, target

CORE, LIBRARY = "_core", "liblyaopt"
NUMBER_OF_KERNELS = 57
"""How many kernels the walk through the folders must find, so that none goes missing unnoticed."""


def build(folder: Path) -> bool:
    """Build the files that are missing or out of date; return whether any were.

    Each part is built in its own process: a helper compiled for one would be linked into the other.
    """
    about = _describe()
    place = folder / "_core.json"
    with contextlib.suppress(OSError, ValueError):
        there = all((folder / name).exists() for name in about["files"])
        if there and json.loads(place.read_bytes()) == _with_file(about, folder):
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
        # Old and new files do not fit together: without `_core.json` neither is used.
        place.unlink(missing_ok=True)
        for name in about["files"]:
            _replace(folder / name, (Path(made) / Path(name).name).read_bytes(), 0o755)
    _replace(place, json.dumps(_with_file(about, folder), indent=1).encode() + b"\n", 0o644)
    return True


def _with_file(about: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The description with what tells whether the extension is whole."""
    from lyaopt._kernels.toolchain.core_choice import fingerprint

    return {**about, "file": fingerprint(folder / about["files"][0])}


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
    name, features = processor(target())
    # Numba optimises helpers with its compiler for the running process: it must assume the target too.
    compiler = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    # Settings for debugging must not change the build.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LYAOPT_B", "NUMBA_"))}
    return kept | compiler | {"LYAOPT_CORE": "jit", "PYTHONPATH": os.pathsep.join(paths)}


def _describe() -> dict[str, Any]:
    """The content of ``_core.json`` for a build of the present sources."""
    import llvmlite
    import numba

    from lyaopt._kernels.toolchain.core_choice import (
        hash_of_builder,
        hash_of_sources,
        machine,
        processor_flags,
    )
    from lyaopt._kernels.toolchain.library_build import library_name

    wanted = target()
    return {
        "sources": hash_of_sources(),
        "builder": hash_of_builder(),
        "version": _version(),
        "machine": machine(),
        "target": wanted,
        "processor": processor(wanted)[0],
        "processor_flags": sorted(required_flags(wanted, processor_flags())),
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "files": [_extension_name(), f"capi/{library_name()}"],
        "kernels": {name: _arguments(kernel) for name, kernel in sorted(_all_kernels().items())},
    }


def _extension_name() -> str:
    import sysconfig

    return f"{CORE}{sysconfig.get_config_var('EXT_SUFFIX')}"


def _all_kernels() -> dict[str, Any]:
    from lyaopt._kernels.toolchain import jit

    for module in _kernel_modules():
        importlib.import_module(module)
    if len(jit.KERNELS) != NUMBER_OF_KERNELS:
        raise OSError(f"expected {NUMBER_OF_KERNELS} kernels, found {len(jit.KERNELS)}")
    return jit.KERNELS


def _kernel_modules() -> list[str]:
    """Names of all modules of kernels, in all folders except this one."""
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


def _build_core(folder: Path) -> None:
    """The extension module, with Numba's wrappers and its runtime for arrays."""
    from numba.pycc import CC

    from lyaopt._kernels.toolchain.aot_flags import as_at_run_time

    module = CC(CORE, source_module=sys.modules[__name__])
    module.output_dir, module.output_file = str(folder), _extension_name()
    module.target_cpu = processor(target())[0]
    for name, kernel in _all_kernels().items():
        arguments, result = _types(kernel)
        module.export(name, result(*arguments))(kernel.function)
    with as_at_run_time():
        module.compile()


def _build_library(folder: Path) -> None:
    """The library for C."""
    from lyaopt._kernels.toolchain.library_build import build_library

    _all_kernels()
    build_library(folder, _version())


def _version() -> str:
    """Version of the package, read as text: kernels import nothing from above."""
    text = (Path(__file__).parents[2] / "_version.py").read_text()
    return text.partition('__version__ = "')[2].partition('"')[0]


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
