"""Which core runs: the one built ahead of time, one compiled at run time, or interpreted Python.

``aot``, the default, is the extension module `lyaopt._core`, which `lyaopt._kernels.toolchain.aot_build`
makes at installation. ``jit`` compiles with Numba at the first call: it runs where the extension is missing,
was built from other sources, or needs a processor that can do more than this one. ``python`` runs the same
source interpreted.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, NamedTuple

from lyaopt._kernels.toolchain.core_place import core_place
from lyaopt._kernels.toolchain.source_record import recall, remember, stamp

CORES = ("aot", "jit", "python")
FOLDER = Path(__file__).parents[1]
"""The kernels, in folders by mathematical part."""
CAPI = FOLDER.parent / "capi"
C_SOURCES = (
    *("lyaopt.c", "faults.c", "numbers.c", "prices.c", "table.c"),
    *("lyaopt.h", "checks.h", "table.h"),
)
"""Files of the library for C, in its folder."""
_END_BYTES = 2**14
_CPU_INFO = Path("/proc/cpuinfo")
_BUILDER = {
    "aot_build.py",
    "aot_flags.py",
    "extension_build.py",
    "library_build.py",
    "lowering.py",
    "optimised_once.py",
    "part_build.py",
    "targets.py",
}
"""Modules of `toolchain` that build ahead of time; no others know how."""
_WITHOUT_CODE = _BUILDER | {
    "argument_check.py",
    "argument_shapes.py",
    "argument_values.py",
    "cache.py",
    "core_choice.py",
    "core_place.py",
    "interpreted.py",
    "kernel_shapes.py",
    "source_record.py",
}
"""Modules of `toolchain` that machine code compiled at run time does not depend on."""


class Choice(NamedTuple):
    """The core that runs.

    Attributes
    ----------
    core : str
        One of `CORES`.
    sources : str
        Hash of the kernel sources; empty for ``python``.
    why_not_built : str
        Why the extension is not used; empty where it is, or another core was asked for.
    extension : module or None
        The extension, for ``aot``.
    about : dict
        What ``_core.json`` says; empty without the extension.
    """

    core: str
    sources: str
    why_not_built: str
    extension: Any
    about: dict[str, Any]


def hash_of_sources() -> str:
    """Hash of all files, in all folders of kernels, that machine code depends on."""
    return hash_of(source for source in kernel_sources() if not _is_without_code(source))


def kernel_sources() -> Iterator[Path]:
    """All modules of kernels, in all folders."""
    # Hidden ones belong to editors: some are links to nowhere.
    return FOLDER.rglob("[!.]*.py")


def _is_without_code(source: Path) -> bool:
    return source.parent.name == "toolchain" and source.name in _WITHOUT_CODE


def hash_of_builder() -> str:
    """Hash of the other files that the extension and the library for C are made from."""
    builder = [FOLDER / "toolchain" / name for name in sorted(_BUILDER)]
    return hash_of([*builder, *(CAPI / name for name in C_SOURCES)])


def hash_of(files: Iterable[Path]) -> str:
    """Hash of the paths, from the package on, and contents of files."""
    import hashlib  # late: it takes as long to import as all that a start needs here

    hasher = hashlib.sha256()
    for source in sorted(files):
        name = source.relative_to(FOLDER.parent).as_posix()
        hasher.update(name.encode() + b"\0" + source.read_bytes() + b"\0")
    return hasher.hexdigest()


def processor_flags() -> frozenset[str]:
    """What this processor can do, as Linux names it; nothing elsewhere."""
    try:
        with _CPU_INFO.open() as lines:
            found = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return frozenset()
    return frozenset(found.partition(":")[2].split())


PLACE = core_place(FOLDER.parent, processor_flags)
"""Folder of the extension and of the library for C."""
ABOUT = PLACE / "_core.json"
"""Describes the extension's sources and target; written after the extension, and removed before it."""


def machine() -> str:
    """The platform and Python that an extension belongs to."""
    return f"{os.uname().machine} {EXTENSION_SUFFIXES[0]}"


def choose() -> Choice:
    """Choose by ``LYAOPT_CORE``, a core or several with commas between them: the first that can be used.

    Raises
    ------
    ImportError
        If the variable names something else, or only the extension where it cannot be used.
    """
    asked = os.environ.get("LYAOPT_CORE", "")
    wanted = (asked or "aot,jit").split(",")
    if unknown := [core for core in wanted if core not in CORES]:
        raise ImportError(f"LYAOPT_CORE: expected 'aot', 'jit' or 'python', got {unknown[0]!r}")
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        wanted = ["python" if core == "jit" else core for core in wanted] if asked else ["python"]
    known: dict[str, Any] = _known() if wanted[0] != "python" else {"sources": ""}
    sources, reason = known["sources"], ""
    if wanted[0] == "aot":
        about, extension, reason = _built(sources, known["file"])
        if extension is not None:
            return Choice("aot", sources, "", extension, about)
        if len(wanted) == 1:
            raise ImportError(f"LYAOPT_CORE: {reason}")
        del wanted[0]
    return Choice(wanted[0], sources if wanted[0] == "jit" else "", reason, None, {})


def _known() -> dict[str, Any]:
    """Hash of the sources, and fingerprint of the extension, None without one; read anew after any change."""
    folder, extension = str(FOLDER), extension_file()
    state = stamp(folder, [str(extension)])
    if not (known := recall(folder, state)):
        known = {"sources": hash_of_sources(), "file": _fingerprint_if_any(extension)}
        remember(folder, state, known)
    return known


def _fingerprint_if_any(extension: Path) -> dict[str, Any] | None:
    try:
        return fingerprint(extension)
    except OSError:
        return None


def built_kernel(name: str) -> Callable[..., Any] | None:
    """Return the function of the extension itself, which checks nothing; None where another core runs.

    For arguments that the caller has made: of the types and shapes in ``_core.json``, contiguous, writeable.

    Parameters
    ----------
    name : str
        Name of the kernel.
    """
    return None if CHOICE.extension is None else getattr(CHOICE.extension, name, None)


def _built(sources: str, file: dict[str, Any] | None = None) -> tuple[dict[str, Any], Any, str]:
    """What is known of the extension, the extension, and why it is not to be used (nothing if it is)."""
    about, reason = usable(sources)
    if reason:
        return {}, None, reason
    if os.environ.get("LYAOPT_BOUNDSCHECK") == "1":
        return {}, None, "the built core has no bounds checks"
    if about.get("file", file) != file and not is_whole(about):
        return {}, None, "the file of the built core is damaged"
    try:
        return about, _loaded(), ""
    except ImportError as error:
        return {}, None, f"the built core cannot be loaded: {error}"


def _loaded() -> Any:
    if FOLDER.parent == PLACE:
        return importlib.import_module("lyaopt._core")
    found: Any = importlib.util.spec_from_file_location("lyaopt._core", extension_file())
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def fingerprint(extension: Path) -> dict[str, Any]:
    """Size, and hash of both ends, of the file of an extension.

    A file that was cut short ends the process with SIGBUS when it is loaded, so that nothing can be said. Its
    size tells; the ends hold what the loader follows: the header, and the table of sections behind the code.
    A hash of all 4 MB takes 11 ms, at every start; this takes 0.1 ms.
    """
    import hashlib

    with extension.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_END_BYTES)
        file.seek(max(0, size - _END_BYTES))
        ends = hashlib.sha256(head + file.read(_END_BYTES)).hexdigest()
    return {"bytes": size, "ends_sha256": ends}


def is_whole(about: dict[str, Any]) -> bool:
    """Whether the file of the extension is as `about` describes it; older builds tell nothing."""
    try:
        return about.get("file") in (None, fingerprint(extension_file()))
    except OSError:
        return False


def extension_file() -> Path:
    """Where the extension is."""
    return PLACE / f"_core{EXTENSION_SUFFIXES[0]}"


def usable(sources: str) -> tuple[dict[str, Any], str]:
    """What is known of what was built, and why it would not do here (nothing if it would)."""
    try:
        about = json.loads(ABOUT.read_bytes())
        built = about["sources"], about["machine"], set(about["processor_flags"])
    except OSError:
        return {}, "no core was built at installation"
    except (ValueError, KeyError, TypeError):
        return {}, f"{ABOUT.name} is damaged"
    if built[0] != sources:
        return {}, "the built core is of other kernel sources"
    if built[1] != machine():
        return {}, f"the built core is for another machine, {built[1]}"
    if built[2] and (missing := built[2] - processor_flags()):
        return {}, f"the built core needs a processor with {', '.join(sorted(missing))}"
    return about, ""


CHOICE = choose()
