"""Where the core that was built is: in the package, or in ``_cores``, that of the best level that runs.

A wheel for other machines has a core for each of several levels of the x86-64 architecture (targets.py).
``LYAOPT_LEVEL`` names the highest one that may be taken.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path


def core_place(package: Path, offered: Callable[[], frozenset[str]]) -> Path:
    """Return the folder with ``_core.json`` and what it describes.

    Parameters
    ----------
    package : Path
        Folder of the package.
    offered : function
        Returns the flags of this processor.

    Raises
    ------
    ImportError
        If ``LYAOPT_LEVEL`` names no level for which a core was built.
    """
    limit = os.environ.get("LYAOPT_LEVEL")
    if limit is None and (package / "_core.json").exists():
        return package
    levels = sorted((package / "_cores").glob("*/"), reverse=True)
    if limit is not None:
        names = [level.name for level in levels]
        if limit not in names:
            raise ImportError(f"LYAOPT_LEVEL: expected one of {', '.join(names) or 'none'}, got {limit!r}")
        levels = levels[names.index(limit) :]
    flags = offered() if levels else frozenset()
    for level in levels:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if flags.issuperset(json.loads((level / "_core.json").read_bytes())["processor_flags"]):
                return level
    return levels[-1] if levels else package
