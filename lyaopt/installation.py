"""The installation: which core runs, for which processor, and where the C library is."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt._kernels.toolchain.core_choice import (
    CAPI,
    CHOICE,
    FOLDER,
    PLACE,
    hash_of_builder,
    hash_of_sources,
    usable,
)
from lyaopt._version import __version__


def installation() -> dict[str, Any]:
    """Return core, processor, versions and paths, for reports of problems."""
    library, why_no_library = c_library()
    return {
        "lyaopt": __version__,
        "core": CHOICE.core,
        "why_not_built": CHOICE.why_not_built or None,
        "target": CHOICE.about.get("target"),
        "processor": CHOICE.about.get("processor"),
        "machine": platform.machine(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": CHOICE.about.get("numba") or _numba(),
        },
        "package": str(FOLDER.parent),
        "extension": getattr(CHOICE.extension, "__file__", None),
        "cache": _cache() if CHOICE.core == "jit" else None,
        "c_library": None if library is None else str(library),
        "why_no_c_library": why_no_library or None,
    }


def _numba() -> str | None:
    from importlib import metadata

    try:
        return metadata.version("numba")
    except metadata.PackageNotFoundError:
        return None


def _cache() -> str | None:
    from lyaopt._kernels.toolchain.cache import cache_folder
    from lyaopt._kernels.toolchain.jit import FLAGS

    folder = cache_folder(tuple(sorted(FLAGS.items())), CHOICE.sources)
    return None if folder is None else str(folder)


def c_library() -> tuple[Path | None, str]:
    """The C library; or None and why: it was not built, or does not fit the processor or the header."""
    about, reason = usable(CHOICE.sources or hash_of_sources())
    if reason:
        return None, reason
    if about["builder"] != hash_of_builder():
        return None, "it was built from other sources in C"
    path = PLACE / about["files"][1]
    return (path, "") if path.exists() else (None, "its file is missing")


def c_flags() -> str:
    """Flags for a C compiler: the folder of the header."""
    return f"-I{CAPI}"


def c_libs() -> str:
    """Flags for a linker: the library, and its folder at run time."""
    folder = PLACE / "capi"
    return f"-L{folder} -Wl,-rpath,{folder} -llyaopt -lm"
