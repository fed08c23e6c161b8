"""Link the library for C: the sources in capi/ in front of kernels that allocate nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from lyaopt._kernels.toolchain.core_choice import C_SOURCES, CAPI
from lyaopt._kernels.toolchain.part_build import PARTS

LIBRARY = "liblyaopt"


def library_name() -> str:
    """Name of the library's file on this platform."""
    return f"{LIBRARY}.{'dylib' if sys.platform == 'darwin' else 'so'}"


def build_libraries(folder: Path, version: str, targets: list[str]) -> None:
    """Link a library for each target in its folder, once all parts are compiled."""
    from numba.pycc.platform import Toolchain

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
    for target in targets:
        kernels = [str(folder / target / f"{LIBRARY}-{part}.o") for part in PARTS]
        toolchain.link_shared(
            str(folder / target / library_name()), [*objects, *kernels], libraries=["m"], extra_ldflags=strict
        )
