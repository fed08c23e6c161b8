"""Compile the kernels ahead of time: into `lyaopt._core`, and into a library for C.

    python -m lyaopt._kernels.toolchain.aot_build FOLDER

FOLDER is that of the package, or a folder whose files go into a wheel. It receives the extension module
``_core``, with every kernel as Python calls it; ``capi/liblyaopt``, with the functions of capi/lyaopt.h; and
last ``_core.json``, which describes their sources and their target. If there are several targets, each has a
folder of its own in ``_cores``. Other modules that know how machine code is made ahead of time are named in
core_choice.py.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lyaopt._kernels.toolchain.targets import processor, required_flags, targets

NUMBER_OF_KERNELS = 67
"""How many kernels the walk through the folders must find, so that none goes missing unnoticed."""


def build(folder: Path) -> bool:
    """Build the files that are missing or out of date; return whether any were."""
    places = {name: folder / "_cores" / name if len(targets()) > 1 else folder for name in targets()}
    described = {name: _describe(name) for name in places}
    if all(_is_built(described[name], place) for name, place in places.items()):
        return False
    with tempfile.TemporaryDirectory(prefix="lyaopt-build-") as made:
        _build_objects(Path(made))
        for name, place in places.items():
            _install(Path(made) / name, place, described[name])
    return True


def _is_built(about: dict[str, Any], folder: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        there = all((folder / name).exists() for name in about["files"])
        return there and json.loads((folder / "_core.json").read_bytes()) == _with_file(about, folder)
    return False


def _build_objects(made: Path) -> None:
    """Compile the parts at once, then link them."""
    from lyaopt._kernels.toolchain.part_build import PARTS

    for steps in ((*PARTS, _RUNTIME), (_LINK,)):
        started = [
            subprocess.Popen([sys.executable, "-m", __spec__.name, made, step], env=_environment())
            for step in steps
        ]
        statuses = [process.wait() for process in started]
        if any(statuses):
            raise OSError("the kernels could not be compiled ahead of time")


def _install(made: Path, folder: Path, about: dict[str, Any]) -> None:
    """Put what was made for a target where it belongs."""
    (folder / "capi").mkdir(parents=True, exist_ok=True)
    place = folder / "_core.json"
    # Old and new files do not fit together: without `_core.json` neither is used.
    place.unlink(missing_ok=True)
    for name in about["files"]:
        _replace(folder / name, (made / Path(name).name).read_bytes(), 0o755)
    _replace(place, json.dumps(_with_file(about, folder), indent=1).encode() + b"\n", 0o644)


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
    name, features = processor(targets()[0])
    # Numba's compiler for the running process simplifies functions: it must assume the target too.
    compiler = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    # Settings for debugging must not change the build.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LYAOPT_B", "NUMBA_"))}
    return kept | compiler | {"LYAOPT_CORE": "jit", "PYTHONPATH": os.pathsep.join(paths)}


def _describe(wanted: str) -> dict[str, Any]:
    """The content of ``_core.json`` for a build of the present sources for a target."""
    import llvmlite
    import numba

    from lyaopt._kernels.toolchain.core_choice import (
        hash_of_builder,
        hash_of_sources,
        machine,
        processor_flags,
    )
    from lyaopt._kernels.toolchain.extension_build import extension_name
    from lyaopt._kernels.toolchain.library_build import library_name

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
        "files": [extension_name(), f"capi/{library_name()}"],
        "kernels": {name: _arguments(kernel) for name, kernel in sorted(_all_kernels().items())},
    }


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


def _arguments(kernel: Any) -> list[Any]:
    from lyaopt._kernels.toolchain.part_build import types

    return [_described(kind) for kind in types(kernel.signature)[0]]


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


_RUNTIME, _LINK = "runtime", "link"


def _run_step(folder: Path, step: str) -> None:
    """One step of a build, in a process of its own."""
    from lyaopt._kernels.toolchain import extension_build, library_build, part_build

    gc.set_threshold(200_000)  # a build makes millions of objects that stay
    if step == _RUNTIME:
        extension_build.build_runtime(folder)
    elif step == _LINK:
        extension_build.build_extensions(folder, targets())
        library_build.build_libraries(folder, _version(), targets())
    else:
        _all_kernels()
        part_build.build_part(folder, step, targets())


def _version() -> str:
    """Version of the package, read as text: kernels import nothing from above."""
    text = (Path(__file__).parents[2] / "_version.py").read_text()
    return text.partition('__version__ = "')[2].partition('"')[0]


def main() -> None:
    """Build everything, or run one step in a folder."""
    if len(sys.argv) > 2:
        _run_step(Path(sys.argv[1]), sys.argv[2])
        return
    try:
        build(Path(*sys.argv[1:2]))
    except (OSError, ValueError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
